//! `argentum pair`: who may write on the channels.

use argentum_proto::{
    channel::v1::{ApprovePairingRequest, ListPairingsRequest, PairingEntry, PairingState, RevokePairingRequest},
    control::v1::operator_request::Request,
};
use argentum_service::Failure;
use serde_json::json;

use super::control::{self, answer};
use crate::{
    arguments::{Global, PairVerb},
    output,
};

pub(crate) async fn run(global: &Global, verb: PairVerb) -> Result<(), Failure> {
    match verb {
        PairVerb::List { account } => list(global, account).await,
        PairVerb::Approve { code, account, group } => {
            let request = ApprovePairingRequest { right: None, account: account.unwrap_or_default(), code, is_group: group };
            approve(global, request).await
        }
        PairVerb::Revoke { id, account } => revoke(global, id, account).await,
    }
}

async fn list(global: &Global, account: Option<String>) -> Result<(), Failure> {
    let request = Request::ListPairings(ListPairingsRequest { right: None, account: account.unwrap_or_default() });
    let entries = control::ask(&global.data_dir()?, request, answer!(ListPairings)).await?.entries;
    if global.json {
        output::print_json(&json!({ "pairings": entries.iter().map(as_json).collect::<Vec<_>>() }));
        return Ok(());
    }
    if entries.is_empty() {
        output::print("nobody may write yet; whoever writes to the bot in private is told a code, which `argentum pair approve` lets in");
    }
    entries.iter().for_each(|entry| output::print(&described(entry)));
    Ok(())
}

fn described(entry: &PairingEntry) -> String {
    let PairingEntry { account, id, name, code, since_ms, .. } = entry;
    let name = argentum_service::logging::printable(name);
    let weak = if entry.is_weak { ", which may belong to somebody else tomorrow" } else { "" };
    match entry.state() {
        PairingState::Pending => {
            format!("{account}  asks  {id} ({name}){weak}: `argentum pair approve {code}`, until {}", output::time(entry.expires_ms))
        }
        PairingState::Configured => format!("{account}  may   {id}, by the configuration"),
        state => {
            let kind = if state == PairingState::Group { "group " } else { "" };
            format!("{account}  may   {kind}{id} ({name}){weak}, since {}", output::time(*since_ms))
        }
    }
}

fn as_json(entry: &PairingEntry) -> serde_json::Value {
    let state = match entry.state() {
        PairingState::Unspecified => "unknown",
        PairingState::Configured => "configured",
        PairingState::Person => "person",
        PairingState::Group => "group",
        PairingState::Pending => "pending",
    };
    json!({
        "account": entry.account, "state": state, "id": entry.id, "name": entry.name, "weak": entry.is_weak, "since_ms": entry.since_ms,
        "code": entry.code, "expires_ms": entry.expires_ms,
    })
}

async fn approve(global: &Global, request: ApprovePairingRequest) -> Result<(), Failure> {
    let approved = control::ask(&global.data_dir()?, Request::ApprovePairing(request), answer!(ApprovePairing)).await?;
    if global.json {
        output::print_json(&json!({ "account": approved.account, "id": approved.id, "name": approved.name, "weak": approved.is_weak }));
        return Ok(());
    }
    let name = argentum_service::logging::printable(&approved.name);
    output::print(&format!("{} ({name}) may write to `{}` from now on", approved.id, approved.account));
    if approved.is_weak {
        output::print("this id is weak: it may belong to somebody else tomorrow; prefer an account at the network's services");
    }
    Ok(())
}

async fn revoke(global: &Global, id: String, account: Option<String>) -> Result<(), Failure> {
    let request = RevokePairingRequest { right: None, account: account.unwrap_or_default(), id: id.clone() };
    control::ask(&global.data_dir()?, Request::RevokePairing(request), answer!(RevokePairing)).await?;
    if global.json {
        output::print_json(&json!({ "revoked": id }));
    } else {
        output::print(&format!("{id} may write no longer"));
    }
    Ok(())
}
