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
    let PairingEntry { account, id, code, since_ms, .. } = entry;
    let name = in_brackets(&entry.name);
    let weak = if entry.is_weak { ", which may belong to somebody else tomorrow" } else { "" };
    match entry.state() {
        PairingState::Pending => {
            format!("{account}  asks  {id}{name}{weak}: `argentum pair approve {code}`, until {}", output::time(entry.expires_ms))
        }
        PairingState::Configured => format!("{account}  may   {id}, by the configuration"),
        state => {
            let kind = if state == PairingState::Group { "group " } else { "" };
            let may = if entry.is_account_gone { "kept" } else { "may " };
            let gone = if entry.is_account_gone { "; no such account is configured, it may write once there is one again" } else { "" };
            format!("{account}  {may}  {kind}{id}{name}{weak}, since {}{gone}", output::time(*since_ms))
        }
    }
}

/// A name as it stands behind an id; nothing where none is known.
fn in_brackets(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" ({})", argentum_service::logging::printable(name)) }
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
        "code": entry.code, "expires_ms": entry.expires_ms, "account_gone": entry.is_account_gone,
    })
}

async fn approve(global: &Global, request: ApprovePairingRequest) -> Result<(), Failure> {
    let approved = control::ask(&global.data_dir()?, Request::ApprovePairing(request), answer!(ApprovePairing)).await?;
    if global.json {
        output::print_json(&json!({ "account": approved.account, "id": approved.id, "name": approved.name, "weak": approved.is_weak }));
        return Ok(());
    }
    output::print(&format!("{}{} may write to `{}` from now on", approved.id, in_brackets(&approved.name), approved.account));
    if approved.is_weak {
        output::print("this id is weak: it may belong to somebody else tomorrow; prefer an account at the network's services");
    }
    Ok(())
}

/// How many people and groups were let in one by one at an account; `None` where the bundle does not say.
pub(super) async fn guests(global: &Global, account: &str) -> Option<usize> {
    let request = Request::ListPairings(ListPairingsRequest { right: None, account: account.to_owned() });
    let entries = control::ask(&global.data_dir().ok()?, request, answer!(ListPairings)).await.ok()?.entries;
    Some(entries.iter().filter(|entry| matches!(entry.state(), PairingState::Person | PairingState::Group)).count())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str) -> PairingEntry {
        PairingEntry {
            account: "irc".into(),
            state: PairingState::Group.into(),
            id: "#tea".into(),
            name: name.into(),
            ..Default::default()
        }
    }

    #[test]
    fn a_group_without_a_name_has_no_brackets() {
        assert!(described(&group("")).starts_with("irc  may   group #tea, since "), "{}", described(&group("")));
        assert!(described(&group("#Tea")).starts_with("irc  may   group #tea (#Tea), since "));
    }

    #[test]
    fn who_is_paired_with_an_account_that_is_gone_is_marked() {
        let told = described(&PairingEntry { is_account_gone: true, ..group("") });
        assert!(told.starts_with("irc  kept  group #tea, since ") && told.contains("no such account is configured"), "{told}");
    }
}
