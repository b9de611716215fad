//! What a vendor's protocol looks like on the wire.

use serde_json::{Value, json};

use super::http::Request;

/// Where a page of Anthropic's models ends: after each, so that whoever lists them has to turn pages.
const PAGE_LEN: usize = 1;

/// Whose protocol is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Chat completions.
    OpenAi,
    /// Messages.
    Anthropic,
}

// === impl Protocol ===

impl Protocol {
    /// Both list models at one place; only the one asks for a version.
    pub(super) fn of(request: &Request) -> Self {
        if request.header("anthropic-version").is_some() { Self::Anthropic } else { Self::OpenAi }
    }

    /// The answer to a request for the models.
    pub(super) fn models(self, names: &[&str], request: &Request) -> String {
        let model = |name: &&str| json!({ "id": name, "object": "model", "type": "model", "owned_by": "fake" });
        if self == Self::OpenAi {
            return json!({ "object": "list", "data": names.iter().map(model).collect::<Vec<_>>() }).to_string();
        }
        let after = request.query("after_id").and_then(|after| names.iter().position(|name| *name == after));
        let rest = &names[after.map_or(0, |place| place + 1)..];
        let page = &rest[..rest.len().min(PAGE_LEN)];
        let models: Vec<Value> = page.iter().map(model).collect();
        json!({ "data": models, "has_more": page.len() < rest.len(), "first_id": page.first(), "last_id": page.last() }).to_string()
    }

    /// Why a real vendor would not take this question, if so.
    pub(super) fn refusal(self, request: &Request) -> Option<String> {
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let roles: Vec<&str> = body["messages"].as_array().into_iter().flatten().filter_map(|said| said["role"].as_str()).collect();
        let is_question = body["stream"] == true && body["model"].as_str().is_some_and(|model| !model.is_empty()) && !roles.is_empty();
        let is_right = match self {
            Self::OpenAi => true,
            Self::Anthropic => {
                let has_version = request.header("anthropic-version") == Some("2023-06-01");
                let is_limited = body["max_tokens"].as_u64().is_some_and(|limit| 0 < limit);
                has_version && is_limited && roles.iter().all(|role| matches!(*role, "user" | "assistant"))
            }
        };
        (!is_question || !is_right).then(|| self.error("not a streamed question", "invalid_request_error"))
    }

    /// The body of a refusal.
    pub(super) fn error(self, message: &str, kind: &str) -> String {
        match self {
            Self::OpenAi => json!({ "error": { "message": message, "type": kind, "code": null } }).to_string(),
            Self::Anthropic => json!({ "type": "error", "error": { "type": kind, "message": message } }).to_string(),
        }
    }

    /// The events of an answer that says these pieces and goes on.
    pub(super) fn begin(self, pieces: &[String]) -> Vec<String> {
        let mut events = match self {
            Self::OpenAi => vec![chunk(&json!({ "role": "assistant", "content": "" }), None)],
            Self::Anthropic => {
                let message =
                    json!({ "id": "msg_1", "role": "assistant", "content": [], "usage": { "input_tokens": 11, "output_tokens": 1 } });
                let block = json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } });
                let ping = json!({ "type": "ping" });
                vec![named(&json!({ "type": "message_start", "message": message })), named(&block), named(&ping)]
            }
        };
        events.extend(pieces.iter().map(|piece| match self {
            Self::OpenAi => chunk(&json!({ "content": piece }), None),
            Self::Anthropic => {
                named(&json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": piece } }))
            }
        }));
        events
    }

    /// The events at the end of a whole answer of so many tokens.
    pub(super) fn end(self, tokens: usize) -> Vec<String> {
        match self {
            Self::OpenAi => {
                let usage = json!({ "prompt_tokens": 11, "completion_tokens": tokens, "total_tokens": 11 + tokens });
                let counts = json!({ "choices": [], "usage": usage });
                vec![chunk(&json!({}), Some("stop")), format!("data: {counts}\n\n"), "data: [DONE]\n\n".to_owned()]
            }
            Self::Anthropic => {
                let stop = json!({ "type": "content_block_stop", "index": 0 });
                let delta = json!({ "stop_reason": "end_turn", "stop_sequence": null });
                let end = json!({ "type": "message_delta", "delta": delta, "usage": { "output_tokens": tokens } });
                vec![named(&stop), named(&end), named(&json!({ "type": "message_stop" }))]
            }
        }
    }

    /// An error in an answer that began well.
    pub(super) fn error_event(self) -> String {
        match self {
            Self::OpenAi => format!("data: {}\n\n", self.error("the engine stumbled", "server_error")),
            Self::Anthropic => format!("event: error\ndata: {}\n\n", self.error("the engine stumbled", "api_error")),
        }
    }
}

fn chunk(delta: &Value, finish_reason: Option<&str>) -> String {
    let chunk = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fake",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish_reason }],
    });
    format!("data: {chunk}\n\n")
}

/// An event under the name of its type.
fn named(event: &Value) -> String {
    format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
}
