//! `argentum secret`: what lies in the vault, by name.

use std::path::Path;

use argentum_proto::{
    control::v1::{GetStatusRequest, operator_request::Request},
    vault::v1::{ListSecretsRequest, OfferIntakeRequest, PutSecretRequest, RemoveSecretRequest},
};
use argentum_service::{
    Exit, Failure,
    sealing::{self, SecretBytes},
};
use serde_json::json;

use super::control::{self, answer};
use crate::{
    arguments::{Global, SecretVerb},
    config::File,
    output, prompt,
};

pub(crate) async fn run(global: &Global, verb: SecretVerb) -> Result<(), Failure> {
    match verb {
        SecretVerb::Put { name } => put_asked(global, &name).await,
        SecretVerb::List => list(global).await,
        SecretVerb::Remove { name, force } => remove_named(global, &name, force).await,
    }
}

async fn put_asked(global: &Global, name: &str) -> Result<(), Failure> {
    if !argentum_vault::is_name(name) {
        let text = "a secret's name is made of a-z, 0-9, `-`, `_`, `.`, in segments divided by `/`, of at most 128 bytes";
        return Err(Failure::new(Exit::Usage, text));
    }
    let data_dir = global.data_dir()?;
    check_runs(&data_dir).await?;
    put(&data_dir, name, &prompt::secret("secret")?).await?;
    tell(global, &json!({ "put": name }), &format!("`{name}` is in the vault; name it in the configuration as `vault:{name}`"));
    Ok(())
}

/// Fails where no bundle runs: nobody should type a secret for nothing.
pub(super) async fn check_runs(data_dir: &Path) -> Result<(), Failure> {
    control::ask(data_dir, Request::GetStatus(GetStatusRequest {}), answer!(GetStatus)).await.map(drop)
}

/// Puts a secret into the vault, sealed for it: on its way it can be read by nobody.
pub(super) async fn put(data_dir: &Path, name: &str, secret: &SecretBytes) -> Result<(), Failure> {
    let intake = control::ask(data_dir, Request::OfferIntake(OfferIntakeRequest::default()), answer!(OfferIntake)).await?;
    let sealed =
        sealing::seal(&intake.public_key, &sealing::intake_context(name), secret).map_err(|error| Failure::of(Exit::Software, &error))?;
    let request = PutSecretRequest { right: None, name: name.to_owned(), intake_id: intake.intake_id, sealed: Some(sealed) };
    control::ask(data_dir, Request::PutSecret(request), answer!(PutSecret)).await.map(drop)
}

/// Removes a secret from the vault.
pub(super) async fn remove(data_dir: &Path, name: &str) -> Result<(), Failure> {
    let request = RemoveSecretRequest { right: None, name: name.to_owned() };
    control::ask(data_dir, Request::RemoveSecret(request), answer!(RemoveSecret)).await.map(drop)
}

/// Removes a secret; one that is gone already is no fault.
pub(super) async fn remove_if_there(data_dir: &Path, name: &str) -> Result<(), Failure> {
    match remove(data_dir, name).await {
        Err(failure) if is_there(data_dir, name).await? => Err(failure),
        _ => Ok(()),
    }
}

async fn is_there(data_dir: &Path, name: &str) -> Result<bool, Failure> {
    let request = Request::ListSecrets(ListSecretsRequest::default());
    let listed = control::ask(data_dir, request, answer!(ListSecrets)).await?;
    Ok(listed.secrets.iter().any(|secret| secret.name == name))
}

async fn remove_named(global: &Global, name: &str, force: bool) -> Result<(), Failure> {
    let (text, path) = File::text(global)?;
    if !force && is_named(&text, name) {
        let text = format!("`{}` still names `vault:{name}`; take it out there first, or use --force", path.display());
        return Err(Failure::new(Exit::Usage, text));
    }
    remove(&global.data_dir()?, name).await?;
    tell(global, &json!({ "removed": name }), &format!("`{name}` is no longer in the vault; who leased it cannot renew that"));
    Ok(())
}

/// Whether a value of the configuration is `vault:<name>`.
fn is_named(text: &str, name: &str) -> bool {
    [format!("\"vault:{name}\""), format!("'vault:{name}'")].iter().any(|value| text.contains(value.as_str()))
}

async fn list(global: &Global) -> Result<(), Failure> {
    let request = Request::ListSecrets(ListSecretsRequest::default());
    let secrets = control::ask(&global.data_dir()?, request, answer!(ListSecrets)).await?.secrets;
    if global.json {
        let of = |secret: &argentum_proto::vault::v1::SecretInfo| json!({ "name": secret.name, "version": secret.version, "changed_at_ms": secret.changed_at_ms });
        output::print_json(&json!({ "secrets": secrets.iter().map(of).collect::<Vec<_>>() }));
        return Ok(());
    }
    if secrets.is_empty() {
        output::print("the vault is empty; `argentum secret put NAME` puts a secret in");
    }
    for secret in secrets {
        output::print(&format!("{}  version {}, changed {}", secret.name, secret.version, output::time(secret.changed_at_ms)));
    }
    Ok(())
}

fn tell(global: &Global, json: &serde_json::Value, text: &str) {
    if global.json { output::print_json(json) } else { output::print(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_within_another_is_not_named() {
        assert!(is_named("key = \"vault:provider/a\"", "provider/a"));
        assert!(is_named("key = 'vault:provider/a'", "provider/a"));
        assert!(!is_named("key = \"vault:provider/ab\"", "provider/a"));
    }
}
