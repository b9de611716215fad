//! `argentum memory`: what is remembered, seen and forgotten by the operator.

use std::time::Duration;

use argentum_proto::{
    control::v1::operator_request::Request,
    memory::v1::{EraseRecordsRequest, ErasedConversation, ErasedSender, Record, SearchRecordsRequest, erase_records_request::Target},
};
use argentum_service::{Exit, Failure, logging::printable, unix_ms};
use serde_json::json;

use super::control::{self, answer};
use crate::{
    arguments::{Global, MemoryVerb},
    output,
};

pub(crate) async fn run(global: &Global, verb: MemoryVerb) -> Result<(), Failure> {
    match verb {
        MemoryVerb::Search { query, lines } => search(global, query, lines).await,
        MemoryVerb::Forget { record, conversation, sender, older_than } => {
            forget(global, target(record, conversation.as_deref(), sender.as_deref(), older_than)?).await
        }
    }
}

async fn search(global: &Global, query: String, lines: u32) -> Result<(), Failure> {
    let request = Request::SearchRecords(SearchRecordsRequest { right: None, query, records_max: lines });
    let found = control::ask(&global.data_dir()?, request, answer!(SearchRecords)).await?;
    if global.json {
        output::print_json(&json!({ "records": found.records.iter().map(as_json).collect::<Vec<_>>(), "partial": found.is_partial }));
        return Ok(());
    }
    if found.records.is_empty() {
        output::print("nothing is known about it");
    }
    for record in &found.records {
        output::print(&format!(
            "{}  {}/{}  {}",
            record.record_id,
            record.gateway,
            record.platform_conversation_id,
            printable(&record.text)
        ));
    }
    if found.is_partial {
        output::print("the index is being made anew: there may be more");
    }
    Ok(())
}

fn as_json(record: &Record) -> serde_json::Value {
    json!({
        "id": record.record_id, "account": record.gateway, "conversation": record.platform_conversation_id, "author": record.author,
        "said_at_ms": record.said_at_ms, "turn": record.turn_id, "text": record.text,
    })
}

fn target(record: Option<String>, conversation: Option<&str>, sender: Option<&str>, older: Option<Duration>) -> Result<Target, Failure> {
    let parts = |text: &str| {
        let split = text.split_once('/').map(|(account, id)| (account.to_owned(), id.to_owned()));
        split.ok_or_else(|| Failure::new(Exit::Usage, format!("`{text}` must be `ACCOUNT/ID`")))
    };
    Ok(match (record, conversation, sender, older) {
        (Some(record), ..) => Target::RecordId(record),
        (_, Some(conversation), ..) => {
            let (gateway, platform_conversation_id) = parts(conversation)?;
            Target::Conversation(ErasedConversation { gateway, platform_conversation_id })
        }
        (_, _, Some(sender), _) => {
            let (gateway, platform_id) = parts(sender)?;
            Target::Sender(ErasedSender { gateway, platform_id })
        }
        (.., older) => {
            let length_ms = u64::try_from(older.unwrap_or_default().as_millis()).unwrap_or(u64::MAX);
            Target::BeforeMs(unix_ms().saturating_sub(length_ms))
        }
    })
}

async fn forget(global: &Global, target: Target) -> Result<(), Failure> {
    let request = Request::EraseRecords(EraseRecordsRequest { right: None, target: Some(target) });
    let count = control::ask(&global.data_dir()?, request, answer!(EraseRecords)).await?.records_count;
    if global.json {
        output::print_json(&json!({ "forgotten": count }));
    } else {
        output::print(&format!("{count} records are forgotten"));
    }
    Ok(())
}
