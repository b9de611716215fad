//! `argentum key`: who may use the API below `/v1`.

use std::time::Duration;

use argentum_proto::{
    channel::v1::{ApiKey as KeyInfo, CreateApiKeyRequest, ListApiKeysRequest, RevokeApiKeyRequest},
    control::v1::{GetStatusRequest, operator_request::Request},
};
use argentum_service::{Exit, Failure, api_key::ApiKey};
use serde_json::json;

use super::control::{self, answer};
use crate::{
    arguments::{Global, KeyVerb},
    output,
};

pub(crate) async fn run(global: &Global, verb: KeyVerb) -> Result<(), Failure> {
    match verb {
        KeyVerb::Create { name, expires_in } => create(global, name, expires_in).await,
        KeyVerb::List => list(global).await,
        KeyVerb::Revoke { key } => revoke(global, key).await,
    }
}

/// The key is made here and shown here; the bundle gets its hash.
async fn create(global: &Global, name: String, expires_in: Option<Duration>) -> Result<(), Failure> {
    let data_dir = global.data_dir()?;
    let key = ApiKey::generate().map_err(|error| Failure::new(Exit::Software, format!("no randomness is to be had: {error}")))?;
    let request = CreateApiKeyRequest {
        right: None,
        name,
        sha256: key.sha256().to_vec().into(),
        valid_for_ms: expires_in.map_or(0, |length| u64::try_from(length.as_millis()).unwrap_or(u64::MAX)),
    };
    let made = control::ask(&data_dir, Request::CreateApiKey(request), answer!(CreateApiKey)).await?.key.unwrap_or_default();
    let status = control::ask(&data_dir, Request::GetStatus(GetStatusRequest {}), answer!(GetStatus)).await?;
    if global.json {
        output::print_json(&json!({ "key": key.expose(), "id": made.id, "name": made.name, "expires_at_ms": made.expires_at_ms }));
        return Ok(());
    }
    output::print(&format!(
        "{}\n\nIt is shown only now. An OpenAI client takes it as its key, with {}/v1 as base URL.",
        key.expose(),
        status.http_url
    ));
    Ok(())
}

async fn list(global: &Global) -> Result<(), Failure> {
    let request = Request::ListApiKeys(ListApiKeysRequest::default());
    let keys = control::ask(&global.data_dir()?, request, answer!(ListApiKeys)).await?.keys;
    if global.json {
        output::print_json(&json!({ "keys": keys.iter().map(as_json).collect::<Vec<_>>() }));
        return Ok(());
    }
    if keys.is_empty() {
        output::print("there is no key; `argentum key create NAME` makes one");
    }
    keys.iter().for_each(|key| output::print(&described(key)));
    Ok(())
}

fn described(key: &KeyInfo) -> String {
    let state = match () {
        () if key.revoked_at_ms != 0 => format!("revoked {}", output::time(key.revoked_at_ms)),
        () if !key.works => format!("expired {}", output::time(key.expires_at_ms)),
        () if key.expires_at_ms != 0 => format!("works until {}", output::time(key.expires_at_ms)),
        () => "works".to_owned(),
    };
    let used = if key.last_used_day_ms == 0 { "never used".to_owned() } else { format!("last used {}", day(key.last_used_day_ms)) };
    format!("{}  {}  {state}, made {}, {used}", key.id, key.name, output::time(key.created_at_ms))
}

/// Only the day is kept.
fn day(unix_ms: u64) -> String {
    output::time(unix_ms).chars().take("2026-01-01".len()).collect()
}

fn as_json(key: &KeyInfo) -> serde_json::Value {
    json!({
        "id": key.id, "name": key.name, "works": key.works, "created_at_ms": key.created_at_ms, "expires_at_ms": key.expires_at_ms,
        "last_used_day_ms": key.last_used_day_ms, "revoked_at_ms": key.revoked_at_ms,
    })
}

async fn revoke(global: &Global, key: String) -> Result<(), Failure> {
    let request = Request::RevokeApiKey(RevokeApiKeyRequest { right: None, key });
    let revoked = control::ask(&global.data_dir()?, request, answer!(RevokeApiKey)).await?.key.unwrap_or_default();
    if global.json {
        output::print_json(&json!({ "revoked": revoked.id, "name": revoked.name }));
    } else {
        output::print(&format!("the key `{}` ({}) works no more", revoked.name, revoked.id));
    }
    Ok(())
}
