//! `argentum vault`: its key file and its audit log.

use argentum_proto::{
    control::v1::operator_request::Request,
    vault::v1::{AuditEntry, ReadAuditRequest},
};
use argentum_service::{Exit, Failure};
use serde_json::json;

use super::{
    ask,
    control::{self, answer},
};
use crate::{
    arguments::{Global, VaultVerb},
    output,
};

pub(crate) fn run(global: &Global, verb: VaultVerb) -> Result<(), Failure> {
    match verb {
        VaultVerb::CreateKey { out } => {
            argentum_vault::create_key(&out).map_err(|error| Failure::of(Exit::CannotCreate, &error))?;
            if global.json {
                output::print_json(&json!({ "key_file": out }));
            } else {
                output::print(&format!("`{}` holds a new vault key; keep a copy where the data is not", out.display()));
            }
            Ok(())
        }
        VaultVerb::Audit { lines } => ask(audit(global, lines)),
    }
}

async fn audit(global: &Global, lines: u32) -> Result<(), Failure> {
    let request = Request::ReadAudit(ReadAuditRequest { count_max: lines, ..ReadAuditRequest::default() });
    let entries = control::ask(&global.data_dir()?, request, answer!(ReadAudit)).await?.entries;
    if global.json {
        output::print_json(&json!({ "entries": entries.iter().map(as_json).collect::<Vec<_>>() }));
        return Ok(());
    }
    for entry in &entries {
        output::print(&format!("{}  {}  {}  {}  {}", output::time(entry.at_ms), entry.actor, entry.action, entry.name, entry.outcome));
    }
    Ok(())
}

fn as_json(entry: &AuditEntry) -> serde_json::Value {
    json!({
        "sequence": entry.sequence, "at_ms": entry.at_ms, "actor": entry.actor, "action": entry.action, "name": entry.name,
        "outcome": entry.outcome,
    })
}
