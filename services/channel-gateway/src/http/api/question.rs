//! What a client of `/v1/chat/completions` asks, as far as it concerns the way back. All else is the vendor's.

use serde::Deserialize;
use serde_json::Value;

use super::error::ApiFault;

/// The keys of a body that the gateway looks at.
#[derive(Debug, Deserialize)]
struct Body {
    model: Option<Value>,
    messages: Option<Value>,
    n: Option<Value>,
    stream: Option<Value>,
    stream_options: Option<StreamOptions>,
}

#[derive(Debug, Default, Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

/// How a client wants its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) is_streamed: bool,
    pub(super) includes_usage: bool,
}

// === impl Question ===

impl Question {
    /// Reads a body; what can never be answered is refused here, with the key that is wrong.
    pub(super) fn read(body: &[u8]) -> Result<Self, ApiFault> {
        let body: Body =
            serde_json::from_slice(body).map_err(|error| ApiFault::unreadable(format!("the body is no valid JSON: {error}")))?;
        if !matches!(&body.model, Some(Value::String(model)) if !model.is_empty()) {
            return Err(ApiFault::invalid("model", "`model` must be the name of a model, as `GET /v1/models` tells it"));
        }
        if !matches!(&body.messages, Some(Value::Array(messages)) if !messages.is_empty()) {
            return Err(ApiFault::invalid("messages", "`messages` must be a list with at least one message"));
        }
        if !matches!(&body.n, None | Some(Value::Null)) && body.n.as_ref().and_then(Value::as_u64) != Some(1) {
            return Err(ApiFault::invalid("n", "only one answer at a time is given: leave `n` out or set it to 1"));
        }
        let is_streamed = match body.stream {
            None | Some(Value::Null) => false,
            Some(Value::Bool(is_streamed)) => is_streamed,
            Some(_) => return Err(ApiFault::invalid("stream", "`stream` must be true or false")),
        };
        let includes_usage = body.stream_options.unwrap_or_default().include_usage.unwrap_or_default();
        Ok(Self { is_streamed, includes_usage })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(change: &Value) -> Result<Question, Value> {
        let mut body = json!({ "model": "acme/m", "messages": [{ "role": "user", "content": "hi" }] });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        Question::read(body.to_string().as_bytes()).map_err(|fault| fault.body()["error"]["param"].clone())
    }

    #[test]
    fn a_plain_question_is_answered_at_once_and_whole() {
        assert_eq!(read(&json!({})), Ok(Question { is_streamed: false, includes_usage: false }));
        assert_eq!(read(&json!({ "n": 1, "stream": null, "stream_options": null, "top_k": 3 })), read(&json!({})));
    }

    #[test]
    fn a_streamed_question_may_want_its_usage() {
        let wanted = Question { is_streamed: true, includes_usage: true };
        assert_eq!(read(&json!({ "stream": true, "stream_options": { "include_usage": true } })), Ok(wanted));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (change, parameter) in [
            (json!({ "n": 2 }), "n"),
            (json!({ "n": "1" }), "n"),
            (json!({ "model": "" }), "model"),
            (json!({ "model": 4 }), "model"),
            (json!({ "messages": [] }), "messages"),
            (json!({ "messages": "hi" }), "messages"),
            (json!({ "stream": "yes" }), "stream"),
        ] {
            assert_eq!(read(&change), Err(parameter.into()), "{change}");
        }
    }

    #[test]
    fn what_is_no_json_object_is_unreadable() {
        for body in ["", "[]", "{", "null"] {
            assert!(Question::read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
