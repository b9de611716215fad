//! What comes in pieces.

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::response::Refusal;
use crate::{
    core::FailureClass,
    vendors::{CallFailure, ChatEvent, reading},
};

/// What ends a stream.
const DONE: &str = "[DONE]";

/// Reads the events of one answer.
#[derive(Debug, Default)]
pub(in crate::vendors) struct Reader {
    is_finished: bool,
    is_done: bool,
}

/// A streamed chunk; also the whole answer, which has `message` instead of `delta`. What is unknown is ignored.
#[derive(Deserialize)]
pub(super) struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    #[serde(default, alias = "message")]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<ToolCall>>,
}

#[derive(Deserialize)]
struct ToolCall {
    index: Option<u32>,
    id: Option<String>,
    #[serde(default)]
    function: Function,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Function {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
}

// === impl Reader ===

impl reading::Reader for Reader {
    fn read(&mut self, data: &str) -> Result<Vec<ChatEvent>, CallFailure> {
        if data.trim() == DONE {
            // Some servers never say why they ended.
            let events = if self.is_finished { Vec::new() } else { vec![ChatEvent::Finished { reason: "stop".to_owned() }] };
            (self.is_finished, self.is_done) = (true, true);
            return Ok(events);
        }
        if data.is_empty() || self.is_done {
            return Ok(Vec::new());
        }
        let garbage = |_| CallFailure::new(FailureClass::Interrupted, true, "the answer holds an event that is no JSON of a completion");
        let value: Value = serde_json::from_str(data).map_err(garbage)?;
        if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
            return Err(Refusal::of(error).failure(StatusCode::OK));
        }
        Ok(self.take(serde_json::from_value(value).map_err(garbage)?))
    }

    fn is_whole(&self) -> bool {
        self.is_finished
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}

impl Reader {
    pub(super) fn take(&mut self, chunk: Chunk) -> Vec<ChatEvent> {
        let mut events = Vec::new();
        // We ask for one answer; a server that gives several is heard as if it had given the first.
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            events.extend(choice.delta.events());
            if let Some(reason) = choice.finish_reason.filter(|_| !self.is_finished) {
                self.is_finished = true;
                events.push(ChatEvent::Finished { reason });
            }
        }
        if let Some(usage) = chunk.usage {
            events.push(ChatEvent::Usage { input_tokens: usage.prompt_tokens, output_tokens: usage.completion_tokens });
        }
        events
    }
}

// === impl Delta ===

impl Delta {
    fn events(self) -> impl Iterator<Item = ChatEvent> {
        let text = self.content.filter(|text| !text.is_empty()).map(ChatEvent::Text);
        let refusal = self.refusal.filter(|text| !text.is_empty()).map(ChatEvent::Refusal);
        let calls = self.tool_calls.unwrap_or_default().into_iter().zip(0..).map(|(call, place)| ChatEvent::ToolCall {
            index: call.index.unwrap_or(place),
            id: call.id.unwrap_or_default(),
            name: call.function.name.unwrap_or_default(),
            arguments: call.function.arguments.unwrap_or_default(),
        });
        text.into_iter().chain(refusal).chain(calls)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::vendors::{reading::Reader as _, tests::read_all};

    fn read(events: &[Value]) -> (Result<Vec<ChatEvent>, CallFailure>, bool) {
        read_all(Reader::default(), events)
    }

    fn delta(delta: &Value) -> Value {
        json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] })
    }

    #[test]
    fn an_answer_in_pieces_is_put_together() {
        let events = [
            delta(&json!({ "role": "assistant", "content": "" })),
            delta(&json!({ "content": "Good " })),
            delta(&json!({ "content": "day." })),
            json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }),
            json!({ "choices": [], "usage": { "prompt_tokens": 9, "completion_tokens": 3 } }),
        ];
        let expected = vec![
            ChatEvent::Text("Good ".to_owned()),
            ChatEvent::Text("day.".to_owned()),
            ChatEvent::Finished { reason: "stop".to_owned() },
            ChatEvent::Usage { input_tokens: 9, output_tokens: 3 },
        ];
        let (told, is_whole) = read(&events);
        assert_eq!((told.unwrap(), is_whole), (expected, true));
    }

    #[test]
    fn a_tool_call_in_pieces_keeps_its_place() {
        let call = |call: Value| delta(&json!({ "tool_calls": [call] }));
        let events = [
            call(json!({ "index": 1, "id": "call_1", "type": "function", "function": { "name": "now", "arguments": "" } })),
            call(json!({ "index": 1, "function": { "arguments": "{}" } })),
        ];
        let piece = |id: &str, name: &str, arguments: &str| ChatEvent::ToolCall {
            index: 1,
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        };
        assert_eq!(read(&events).0.unwrap(), [piece("call_1", "now", ""), piece("", "", "{}")]);
    }

    #[test]
    fn an_error_in_the_stream_is_a_failure() {
        let (told, _) = read(&[json!({ "error": { "message": "busy", "type": "server_error", "code": null } })]);
        let failure = told.unwrap_err();
        assert_eq!((failure.class(), failure.detail.as_str()), (FailureClass::Overloaded, "the answer broke off with an error: busy"));
    }

    #[test]
    fn a_stream_without_a_finish_is_not_whole() {
        assert!(!read(&[delta(&json!({ "content": "Half" }))]).1);
        let mut reader = Reader::default();
        assert!(reader.read("[DONE]").is_ok() && reader.is_whole());
    }

    #[test]
    fn garbage_is_a_failure_and_unknown_fields_are_none() {
        assert!(Reader::default().read("<html>").is_err());
        assert!(Reader::default().read("[1, 2]").is_err());
        assert!(read(&[json!({ "choices": [], "x": 1 })]).0.is_ok_and(|events| events.is_empty()));
    }
}
