//! The methods of the Bot API, and what they refuse.

use std::{
    sync::{PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Mishap, Shared, TOKEN, chats};

/// Longest text of a message, in UTF-16 code units.
const TEXT_UNITS_MAX: usize = 4_096;
const ACTIONS: [&str; 3] = ["typing", "upload_photo", "upload_document"];

/// What a call gets.
pub(super) enum Reply {
    Answer {
        status: u16,
        body: Value,
    },
    /// The end of the connection.
    Nothing,
}

/// Answers a call of `/bot<token>/<method>`.
pub(super) fn answer(shared: &Shared, path: &str, body: &[u8]) -> Reply {
    let Some((token, method)) = path.strip_prefix("/bot").and_then(|rest| rest.split_once('/')) else { return refused(404, "Not Found") };
    if token != TOKEN {
        return refused(401, "Unauthorized");
    }
    let parameters: Value = if body.is_empty() { json!({}) } else { serde_json::from_slice(body).unwrap_or_default() };
    if !parameters.is_object() {
        return refused(400, "Bad Request: can't parse JSON object");
    }
    *shared.lock().asked.entry(method.to_owned()).or_default() += 1;
    match method {
        "getMe" => result(&chats::bot()),
        "getUpdates" => updates(shared, &parameters),
        "sendMessage" => send(shared, &parameters),
        "sendChatAction" => act(shared, &parameters),
        "getWebhookInfo" => {
            let state = shared.lock();
            result(&json!({ "url": state.webhook, "has_custom_certificate": false, "pending_update_count": state.updates.len() }))
        }
        "deleteWebhook" => {
            shared.lock().webhook.clear();
            result(&true.into())
        }
        _ => refused(404, "Not Found"),
    }
}

fn updates(shared: &Shared, parameters: &Value) -> Reply {
    let mut state = shared.lock();
    if !state.webhook.is_empty() {
        return refused(
            409,
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
        );
    }
    if let Some(offset) = parameters["offset"].as_i64() {
        if state.loses_confirmations {
            return Reply::Nothing;
        }
        state.updates.retain(|update| offset <= update["update_id"].as_i64().unwrap());
    }
    state.generation += 1;
    let (generation, limit) = (state.generation, parameters["limit"].as_u64().unwrap_or(100).clamp(1, 100));
    shared.changed.notify_all();
    let end = Instant::now() + Duration::from_secs(parameters["timeout"].as_u64().unwrap_or(0));
    state.waiting_polls += 1;
    while state.updates.is_empty() && state.generation == generation && !shared.is_over.load(Ordering::SeqCst) {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        state = shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
    }
    state.waiting_polls -= 1;
    if state.generation != generation {
        state.conflicts += 1;
        return refused(409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running");
    }
    result(&state.updates.iter().take(usize::try_from(limit).unwrap()).cloned().collect::<Vec<_>>().into())
}

fn send(shared: &Shared, parameters: &Value) -> Reply {
    let mut state = shared.lock();
    let Some(chat) = parameters["chat_id"].as_i64() else { return refused(400, "Bad Request: chat_id is empty") };
    let text = parameters["text"].as_str().unwrap_or_default();
    let reply_to = parameters["reply_parameters"]["message_id"].as_i64();
    let may_miss = parameters["reply_parameters"]["allow_sending_without_reply"] == true;
    if !state.chats.contains_key(&chat) {
        return refused(400, "Bad Request: chat not found");
    }
    if state.blocked.contains(&chat) {
        return refused(403, "Forbidden: bot was blocked by the user");
    }
    if text.trim().is_empty() {
        return refused(400, "Bad Request: message text is empty");
    }
    if TEXT_UNITS_MAX < text.encode_utf16().count() {
        return refused(400, "Bad Request: message is too long");
    }
    if reply_to.is_some_and(|original| !state.has_message(chat, original)) && !may_miss {
        return refused(400, "Bad Request: message to be replied not found");
    }
    match state.script.pop_front() {
        Some(Mishap::Limit(seconds)) => {
            let text = format!("Too Many Requests: retry after {seconds}");
            let body = json!({ "ok": false, "error_code": 429, "description": text, "parameters": { "retry_after": seconds } });
            Reply::Answer { status: 429, body }
        }
        Some(Mishap::Status(status)) => refused(status, "scripted"),
        Some(Mishap::LoseMessage) => Reply::Nothing,
        mishap => {
            let message = state.post(chat, text, reply_to);
            if mishap == Some(Mishap::LoseAnswer) { Reply::Nothing } else { result(&message) }
        }
    }
}

fn act(shared: &Shared, parameters: &Value) -> Reply {
    let Some(chat) = parameters["chat_id"].as_i64() else { return refused(400, "Bad Request: chat_id is empty") };
    if !parameters["action"].as_str().is_some_and(|action| ACTIONS.contains(&action)) {
        return refused(400, "Bad Request: wrong parameter action in request");
    }
    shared.lock().actions.push(chat);
    result(&true.into())
}

fn result(result: &Value) -> Reply {
    Reply::Answer { status: 200, body: json!({ "ok": true, "result": result }) }
}

fn refused(status: u16, description: &str) -> Reply {
    Reply::Answer { status, body: json!({ "ok": false, "error_code": status, "description": description }) }
}
