//! What comes back whole: refusals, lists of models, answers of servers that do not stream.

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::stream::Reader;
use crate::{
    core::FailureClass,
    vendors::{CallFailure, ChatEvent, ModelPage, failure::by_status, reading::Reader as _},
};

/// `error` of a body or of an event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    r#type: String,
    message: String,
}

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
    #[serde(default)]
    has_more: bool,
    last_id: Option<String>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

/// A body with an error, of whatever status.
pub(in crate::vendors) fn refusal(status: StatusCode, body: &[u8]) -> CallFailure {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    Refusal::of(parsed.as_ref().and_then(|body| body.get("error")).unwrap_or(&Value::Null)).failure(status)
}

/// The answer of a server that was asked to stream and did not.
pub(in crate::vendors) fn whole(body: &[u8], content_type: &str) -> Result<Vec<ChatEvent>, CallFailure> {
    let odd = || {
        let text = format!("the server answered with `{content_type}` that is no message; is `base_url` right?");
        CallFailure::new(FailureClass::InvalidRequest, false, text)
    };
    let parsed: Value = serde_json::from_slice(body).map_err(|_| odd())?;
    if parsed.get("error").is_some_and(|error| !error.is_null()) {
        return Err(refusal(StatusCode::OK, body));
    }
    let mut reader = Reader::default();
    let events = reader.take_whole(&parsed).ok_or_else(odd)?;
    if reader.is_whole() { Ok(events) } else { Err(odd()) }
}

/// One page of the answer to `GET /v1/models`.
pub(in crate::vendors) fn models(body: &[u8]) -> Result<ModelPage, CallFailure> {
    let odd = |_| {
        let text = "the server answered with something else than a list of models; is `base_url` right?";
        CallFailure::new(FailureClass::InvalidRequest, false, text)
    };
    let models: Models = serde_json::from_slice(body).map_err(odd)?;
    let names = models.data.into_iter().map(|model| model.id).filter(|id| !id.trim().is_empty()).collect();
    Ok(ModelPage { names, next: models.last_id.filter(|_| models.has_more) })
}

// === impl Refusal ===

impl Refusal {
    pub(super) fn of(error: &Value) -> Self {
        serde_json::from_value(error.clone()).unwrap_or_default()
    }

    /// What it means. `status` is 200 where the error came in an answer that had begun well.
    pub(super) fn failure(&self, status: StatusCode) -> CallFailure {
        let reason = match (self.r#type.as_str(), self.message.as_str()) {
            ("", "") => "no reason given",
            (kind, "") => kind,
            (_, message) => message,
        };
        CallFailure::refused(self.class(status), status, reason)
    }

    fn class(&self, status: StatusCode) -> (FailureClass, bool) {
        let message = self.message.to_lowercase();
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
        match self.r#type.as_str() {
            // One type for many faults: only the message tells them apart.
            "invalid_request_error" if says(&["prompt is too long", "context limit", "context window"]) => {
                (FailureClass::PromptTooLong, false)
            }
            "invalid_request_error" if says(&["credit balance", "usage limit", "spend limit"]) => (FailureClass::QuotaExhausted, false),
            "invalid_request_error" if says(&["content filtering"]) => (FailureClass::Declined, false),
            "invalid_request_error" | "not_found_error" => (FailureClass::InvalidRequest, false),
            "authentication_error" | "permission_error" => (FailureClass::Unauthenticated, false),
            "billing_error" => (FailureClass::QuotaExhausted, false),
            "request_too_large" => (FailureClass::PromptTooLong, false),
            "rate_limit_error" => (FailureClass::RateLimited, true),
            "overloaded_error" | "api_error" | "timeout_error" => (FailureClass::Overloaded, true),
            _ => by_status(status),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn class(status: u16, body: &Value) -> (FailureClass, bool) {
        let failure = refusal(StatusCode::from_u16(status).unwrap(), body.to_string().as_bytes());
        (failure.class(), failure.is_retryable())
    }

    fn error(kind: &str, message: &str) -> Value {
        json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": "req_011" })
    }

    #[test]
    fn a_refusal_is_told_by_its_type_and_else_by_its_status() {
        let cases = [
            (401, error("authentication_error", "invalid x-api-key"), (FailureClass::Unauthenticated, false)),
            (403, error("permission_error", "m"), (FailureClass::Unauthenticated, false)),
            (402, error("billing_error", "m"), (FailureClass::QuotaExhausted, false)),
            (404, error("not_found_error", "model: claude-0"), (FailureClass::InvalidRequest, false)),
            (413, error("request_too_large", "m"), (FailureClass::PromptTooLong, false)),
            (429, error("rate_limit_error", "m"), (FailureClass::RateLimited, true)),
            (500, error("api_error", "Internal server error"), (FailureClass::Overloaded, true)),
            (504, error("timeout_error", "m"), (FailureClass::Overloaded, true)),
            (529, error("overloaded_error", "Overloaded"), (FailureClass::Overloaded, true)),
            (200, error("overloaded_error", "Overloaded"), (FailureClass::Overloaded, true)),
            (200, error("something_new", "m"), (FailureClass::Overloaded, true)),
            (400, error("something_new", "m"), (FailureClass::InvalidRequest, false)),
            (529, json!("not an object"), (FailureClass::Overloaded, true)),
        ];
        for (status, body, expected) in cases {
            assert_eq!(class(status, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn the_many_faults_of_one_type_are_told_by_their_message() {
        let cases = [
            ("prompt is too long: 207310 tokens > 200000 maximum", FailureClass::PromptTooLong),
            ("input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000", FailureClass::PromptTooLong),
            ("Your credit balance is too low to access the Anthropic API.", FailureClass::QuotaExhausted),
            ("You have reached your specified API usage limits.", FailureClass::QuotaExhausted),
            ("Output blocked by content filtering policy", FailureClass::Declined),
            ("max_tokens: 100000 > 8192", FailureClass::InvalidRequest),
        ];
        for (message, expected) in cases {
            assert_eq!(class(400, &error("invalid_request_error", message)), (expected, false), "{message}");
        }
    }

    #[test]
    fn a_page_of_models_tells_where_the_next_one_begins() {
        let page =
            |has_more: bool| json!({ "data": [{ "type": "model", "id": "a" }], "has_more": has_more, "first_id": "a", "last_id": "a" });
        assert_eq!(models(page(true).to_string().as_bytes()).unwrap().next.as_deref(), Some("a"));
        assert_eq!(models(page(false).to_string().as_bytes()).unwrap().next, None);
    }

    #[test]
    fn a_page_instead_of_a_message_names_the_address() {
        let failure = whole(b"<html></html>", "text/html").unwrap_err();
        assert!(failure.detail.contains("text/html") && failure.detail.contains("base_url"), "{}", failure.detail);
        assert!(whole(b"{\"status\": \"ok\"}", "application/json").is_err());
    }

    #[test]
    fn a_server_that_does_not_stream_is_understood() {
        let body = json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [{ "type": "text", "text": "Hi." }, { "type": "tool_use", "id": "t", "name": "now", "input": { "zone": "UTC" } }],
            "stop_reason": "tool_use", "usage": { "input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 2 },
        });
        let call = |id: &str, name: &str, arguments: &str| ChatEvent::ToolCall {
            index: 0,
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        };
        let expected = [
            ChatEvent::Text("Hi.".to_owned()),
            call("t", "now", "{\"zone\":\"UTC\"}"),
            ChatEvent::Finished { reason: "tool_calls".to_owned() },
            ChatEvent::Usage { input_tokens: 7, output_tokens: 2 },
        ];
        assert_eq!(whole(body.to_string().as_bytes(), "application/json").unwrap(), expected);
    }
}
