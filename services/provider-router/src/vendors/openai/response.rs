//! What comes back whole: refusals, lists of models, answers of servers that do not stream.

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::stream::{Chunk, Reader};
use crate::{
    core::FailureClass,
    vendors::{CallFailure, ChatEvent, failure::by_status, reading::Reader as _},
};

/// `error` of a body or of an event. Servers differ in what they put where.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    message: Value,
    r#type: Value,
    code: Value,
}

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

/// A body with an error, of whatever status.
pub(in crate::vendors) fn refusal(status: StatusCode, body: &[u8]) -> CallFailure {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let told = parsed.as_ref().and_then(|body| body.get("error")).cloned().unwrap_or_default();
    Refusal::of(&told).failure(status)
}

/// The answer of a server that was asked to stream and did not.
pub(in crate::vendors) fn whole(body: &[u8], content_type: &str) -> Result<Vec<ChatEvent>, CallFailure> {
    let odd = || {
        let text = format!("the server answered with `{content_type}` that is no completion; is `base_url` right?");
        CallFailure::new(FailureClass::InvalidRequest, false, text)
    };
    let parsed: Value = serde_json::from_slice(body).map_err(|_| odd())?;
    if parsed.get("error").is_some_and(|error| !error.is_null()) {
        return Err(refusal(StatusCode::OK, body));
    }
    let chunk: Chunk = serde_json::from_value(parsed).map_err(|_| odd())?;
    let mut reader = Reader::default();
    let events = reader.take(chunk);
    if reader.is_whole() { Ok(events) } else { Err(odd()) }
}

/// The names in the answer to `GET /models`.
pub(in crate::vendors) fn models(body: &[u8]) -> Result<Vec<String>, CallFailure> {
    let odd = |_| {
        CallFailure::new(
            FailureClass::InvalidRequest,
            false,
            "the server answered with something else than a list of models; is `base_url` right?",
        )
    };
    let models: Models = serde_json::from_slice(body).map_err(odd)?;
    Ok(models.data.into_iter().map(|model| model.id).filter(|id| !id.trim().is_empty()).collect())
}

// === impl Refusal ===

impl Refusal {
    /// From an object, or from the plain text that some servers send.
    pub(super) fn of(error: &Value) -> Self {
        match error {
            Value::String(text) => Self { message: text.as_str().into(), ..Self::default() },
            error => serde_json::from_value(error.clone()).unwrap_or_default(),
        }
    }

    /// What it means. `status` is 200 where the error came in an answer that had begun well.
    pub(super) fn failure(&self, status: StatusCode) -> CallFailure {
        CallFailure::refused(self.class(status), status, self.message.as_str().unwrap_or("no reason given"))
    }

    fn class(&self, status: StatusCode) -> (FailureClass, bool) {
        let says = |word: &str| [&self.code, &self.r#type].iter().any(|value| value.as_str().is_some_and(|value| value.contains(word)));
        let message = self.message.as_str().unwrap_or_default().to_lowercase();
        // The code says it more exactly than the status, which servers choose freely.
        match () {
            () if ["insufficient_quota", "billing", "credit_balance", "spend_limit"].into_iter().any(says) => {
                return (FailureClass::QuotaExhausted, false);
            }
            () if says("context_length") || says("string_above_max") || says("exceed_context_size") => {
                return (FailureClass::PromptTooLong, false);
            }
            // Servers without such a code, and a limit per minute that this question alone is above.
            () if message.contains("maximum context length") || message.starts_with("request too large") => {
                return (FailureClass::PromptTooLong, false);
            }
            () if says("content_filter") || says("content_policy") || says("moderation") => return (FailureClass::Declined, false),
            () if says("invalid_api_key") || says("authentication") || says("permission") => return (FailureClass::Unauthenticated, false),
            () if says("rate_limit") => return (FailureClass::RateLimited, true),
            () => {}
        }
        // A number as code is a status that came too late to be one.
        let status = self.code.as_u64().and_then(|code| StatusCode::from_u16(code.try_into().ok()?).ok()).unwrap_or(status);
        by_status(status)
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

    #[test]
    fn a_refusal_is_told_by_its_code_and_else_by_its_status() {
        let coded = |code: &str| json!({ "error": { "message": "m", "type": "t", "code": code } });
        let cases = [
            (401, coded("invalid_api_key"), (FailureClass::Unauthenticated, false)),
            (429, coded("insufficient_quota"), (FailureClass::QuotaExhausted, false)),
            (429, coded("rate_limit_exceeded"), (FailureClass::RateLimited, true)),
            (400, coded("context_length_exceeded"), (FailureClass::PromptTooLong, false)),
            (400, coded("content_filter"), (FailureClass::Declined, false)),
            (429, coded("organization_spend_limit_exceeded"), (FailureClass::QuotaExhausted, false)),
            (
                400,
                json!({ "error": { "message": "This model's maximum context length is 4096 tokens.", "code": 400 } }),
                (FailureClass::PromptTooLong, false),
            ),
            (
                429,
                json!({ "error": { "message": "Request too large for m on tokens per min", "code": "rate_limit_exceeded" } }),
                (FailureClass::PromptTooLong, false),
            ),
            (404, coded("model_not_found"), (FailureClass::InvalidRequest, false)),
            (402, json!({}), (FailureClass::QuotaExhausted, false)),
            (500, json!({ "error": "overloaded" }), (FailureClass::Overloaded, true)),
            (503, json!("not an object"), (FailureClass::Overloaded, true)),
            (200, json!({ "error": { "message": "m", "code": 429 } }), (FailureClass::RateLimited, true)),
            (200, json!({ "error": { "message": "m" } }), (FailureClass::Overloaded, true)),
        ];
        for (status, body, expected) in cases {
            assert_eq!(class(status, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_body_that_is_no_json_is_told_by_its_status() {
        let failure = refusal(StatusCode::BAD_GATEWAY, b"<html>Bad Gateway</html>");
        assert_eq!((failure.class(), failure.detail.as_str()), (FailureClass::Overloaded, "502: no reason given"));
    }

    #[test]
    fn a_page_instead_of_a_completion_names_the_address() {
        let failure = whole(b"<html></html>", "text/html").unwrap_err();
        assert!(failure.detail.contains("text/html") && failure.detail.contains("base_url"), "{}", failure.detail);
    }

    #[test]
    fn a_server_that_does_not_stream_is_understood() {
        let body = json!({
            "object": "chat.completion",
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Hi." }, "finish_reason": "stop" }],
            "usage": { "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5 },
        });
        let events = whole(body.to_string().as_bytes(), "application/json").unwrap();
        let finished = ChatEvent::Finished { reason: "stop".to_owned() };
        assert_eq!(events, [ChatEvent::Text("Hi.".to_owned()), finished, ChatEvent::Usage { input_tokens: 3, output_tokens: 2 }]);
    }
}
