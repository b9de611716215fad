//! What comes in pieces.

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::response::Refusal;
use crate::{
    core::FailureClass,
    vendors::{CallFailure, ChatEvent, reading},
};

/// Calls of tools in one answer. More is no answer of a model.
const CALLS_MAX: usize = 1_024;

/// Reads the events of one answer.
#[derive(Debug, Default)]
pub(in crate::vendors) struct Reader {
    is_finished: bool,
    is_done: bool,
    /// As counted so far: the beginning tells of the question, the end of the answer.
    usage: Usage,
    /// The content blocks that call a tool, in order: the place in here is the number of the call.
    calls: Vec<u64>,
}

/// One event. Its type is in its data too, so the name of the server-sent event is not needed. What is unknown is ignored.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Message,
    },
    ContentBlockStart {
        index: u64,
        content_block: Block,
    },
    ContentBlockDelta {
        index: u64,
        delta: Delta,
    },
    MessageDelta {
        delta: End,
        #[serde(default)]
        usage: Usage,
    },
    MessageStop,
    Error {
        error: Value,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    usage: Usage,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(default)]
        input: Value,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "input_json_delta")]
    Arguments { partial_json: String },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct End {
    stop_reason: Option<String>,
}

/// Counts are cumulative, and only those that are there have changed.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Usage {
    /// Without what a cache was read or written for.
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

// === impl Reader ===

impl reading::Reader for Reader {
    fn read(&mut self, data: &str) -> Result<Vec<ChatEvent>, CallFailure> {
        if data.is_empty() || self.is_done {
            return Ok(Vec::new());
        }
        let garbage = |_| CallFailure::new(FailureClass::Interrupted, true, "the answer holds an event that is no JSON of a message");
        Ok(match serde_json::from_str(data).map_err(garbage)? {
            Event::MessageStart { message } => self.count(message.usage),
            Event::ContentBlockStart { index, content_block } => self.begin(index, content_block)?,
            Event::ContentBlockDelta { index, delta } => self.go_on(index, delta),
            Event::MessageDelta { delta, usage } => [self.finish(delta.stop_reason), self.count(usage)].concat(),
            Event::MessageStop => self.stop(),
            Event::Error { error } => return Err(Refusal::of(&error).failure(StatusCode::OK)),
            Event::Other => Vec::new(),
        })
    }

    fn is_whole(&self) -> bool {
        self.is_finished
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}

impl Reader {
    /// The message of a server that does not stream; `None` where it is none.
    pub(super) fn take_whole(&mut self, message: &Value) -> Option<Vec<ChatEvent>> {
        let blocks = message.get("content")?.as_array()?;
        let mut events = Vec::new();
        for (index, block) in (0..).zip(blocks) {
            events.extend(self.begin(index, serde_json::from_value(block.clone()).ok()?).ok()?);
        }
        events.extend(self.finish(message["stop_reason"].as_str().map(str::to_owned)));
        events.extend(self.count(serde_json::from_value(message["usage"].clone()).unwrap_or_default()));
        Some(events)
    }

    fn begin(&mut self, index: u64, block: Block) -> Result<Vec<ChatEvent>, CallFailure> {
        Ok(match block {
            Block::Text { text } => said(text),
            Block::ToolUse { id, name, input } => {
                if self.calls.len() == CALLS_MAX {
                    return Err(CallFailure::new(FailureClass::Interrupted, false, "the answer calls more than 1024 tools"));
                }
                self.calls.push(index);
                let arguments = input.as_object().filter(|input| !input.is_empty()).map(whole_arguments).unwrap_or_default();
                self.call(index, id, name, arguments)
            }
            Block::Other => Vec::new(),
        })
    }

    fn go_on(&self, index: u64, delta: Delta) -> Vec<ChatEvent> {
        match delta {
            Delta::Text { text } => said(text),
            Delta::Arguments { partial_json } if !partial_json.is_empty() => self.call(index, String::new(), String::new(), partial_json),
            // What it thinks and whom it cites is not shown.
            _ => Vec::new(),
        }
    }

    /// More of the call in a content block; nothing where the block is another's, for example of a tool that the vendor runs itself.
    fn call(&self, block: u64, id: String, name: String, arguments: String) -> Vec<ChatEvent> {
        let place = self.calls.iter().position(|known| *known == block).and_then(|place| u32::try_from(place).ok());
        place.map(|index| ChatEvent::ToolCall { index, id, name, arguments }).into_iter().collect()
    }

    fn finish(&mut self, reason: Option<String>) -> Vec<ChatEvent> {
        let Some(reason) = reason.filter(|_| !self.is_finished) else { return Vec::new() };
        self.is_finished = true;
        vec![ChatEvent::Finished { reason: canonical(&reason).to_owned() }]
    }

    /// The end. Some servers never say why they ended.
    fn stop(&mut self) -> Vec<ChatEvent> {
        self.is_done = true;
        self.finish(Some("end_turn".to_owned()))
    }

    fn count(&mut self, counted: Usage) -> Vec<ChatEvent> {
        self.usage = self.usage.with(counted);
        self.usage.event().into_iter().collect()
    }
}

/// The reason in OpenAI's words.
fn canonical(reason: &str) -> &'static str {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        // `end_turn`, `stop_sequence`, `pause_turn`, and what is unknown.
        _ => "stop",
    }
}

fn said(text: String) -> Vec<ChatEvent> {
    if text.is_empty() { Vec::new() } else { vec![ChatEvent::Text(text)] }
}

fn whole_arguments(input: &Map<String, Value>) -> String {
    Value::Object(input.clone()).to_string()
}

// === impl Usage ===

impl Usage {
    fn with(self, newer: Self) -> Self {
        Self {
            input_tokens: newer.input_tokens.or(self.input_tokens),
            cache_creation_input_tokens: newer.cache_creation_input_tokens.or(self.cache_creation_input_tokens),
            cache_read_input_tokens: newer.cache_read_input_tokens.or(self.cache_read_input_tokens),
            output_tokens: newer.output_tokens.or(self.output_tokens),
        }
    }

    /// What was counted, if anything was.
    fn event(self) -> Option<ChatEvent> {
        let asked = [self.input_tokens, self.cache_creation_input_tokens, self.cache_read_input_tokens];
        if asked.iter().chain([&self.output_tokens]).all(Option::is_none) {
            return None;
        }
        let input_tokens = asked.into_iter().flatten().fold(0, u64::saturating_add);
        Some(ChatEvent::Usage { input_tokens, output_tokens: self.output_tokens.unwrap_or_default() })
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

    fn start(usage: &Value) -> Value {
        json!({ "type": "message_start", "message": { "id": "msg_1", "type": "message", "role": "assistant", "content": [], "usage": usage } })
    }

    fn text(text: &str) -> Value {
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text } })
    }

    fn end(reason: &str) -> Value {
        json!({ "type": "message_delta", "delta": { "stop_reason": reason, "stop_sequence": null }, "usage": { "output_tokens": 15 } })
    }

    #[test]
    fn an_answer_in_pieces_is_put_together() {
        let events = [
            start(&json!({ "input_tokens": 25, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 0, "output_tokens": 1 })),
            json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
            json!({ "type": "ping" }),
            text("Good "),
            text("day."),
            json!({ "type": "content_block_stop", "index": 0 }),
            end("end_turn"),
            json!({ "type": "message_stop" }),
        ];
        let expected = vec![
            ChatEvent::Usage { input_tokens: 125, output_tokens: 1 },
            ChatEvent::Text("Good ".to_owned()),
            ChatEvent::Text("day.".to_owned()),
            ChatEvent::Finished { reason: "stop".to_owned() },
            ChatEvent::Usage { input_tokens: 125, output_tokens: 15 },
        ];
        let (told, is_whole) = read(&events);
        assert_eq!((told.unwrap(), is_whole), (expected, true));
    }

    #[test]
    fn calls_of_tools_are_numbered_by_themselves() {
        let begin = |index: u64, id: &str| {
            let block = json!({ "type": "tool_use", "id": id, "name": "now", "input": {} });
            json!({ "type": "content_block_start", "index": index, "content_block": block })
        };
        let more = |index: u64, json: &str| json!({ "type": "content_block_delta", "index": index, "delta": { "type": "input_json_delta", "partial_json": json } });
        let piece = |index: u32, id: &str, name: &str, arguments: &str| ChatEvent::ToolCall {
            index,
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        };
        let events = [begin(1, "a"), more(1, ""), more(1, "{\"z\":"), more(1, "1}"), begin(2, "b"), more(2, "{}"), more(7, "{}")];
        let expected = [
            piece(0, "a", "now", ""),
            piece(0, "", "", "{\"z\":"),
            piece(0, "", "", "1}"),
            piece(1, "b", "now", ""),
            piece(1, "", "", "{}"),
        ];
        assert_eq!(read(&events).0.unwrap(), expected);
    }

    #[test]
    fn reasons_are_told_in_the_words_of_chat_completions() {
        let cases = [
            ("end_turn", "stop"),
            ("stop_sequence", "stop"),
            ("max_tokens", "length"),
            ("model_context_window_exceeded", "length"),
            ("tool_use", "tool_calls"),
            ("refusal", "content_filter"),
            ("something_new", "stop"),
        ];
        for (reason, expected) in cases {
            assert_eq!(read(&[end(reason)]).0.unwrap()[0], ChatEvent::Finished { reason: expected.to_owned() }, "{reason}");
        }
    }

    #[test]
    fn an_error_in_the_stream_is_a_failure() {
        let error = json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } });
        let failure = read(&[start(&json!({})), error]).0.unwrap_err();
        assert_eq!(
            (failure.class(), failure.detail.as_str()),
            (FailureClass::Overloaded, "the answer broke off with an error: Overloaded")
        );
    }

    #[test]
    fn thoughts_and_unknown_events_are_not_told() {
        let delta = |delta: Value| json!({ "type": "content_block_delta", "index": 0, "delta": delta });
        let events = [
            json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "thinking", "thinking": "" } }),
            delta(json!({ "type": "thinking_delta", "thinking": "hm" })),
            delta(json!({ "type": "signature_delta", "signature": "x" })),
            json!({ "type": "something_new", "index": "?" }),
        ];
        assert!(read(&events).0.unwrap().is_empty());
    }

    #[test]
    fn a_stream_without_a_finish_is_not_whole() {
        assert!(!read(&[start(&json!({})), text("Half")]).1);
        assert!(read(&[json!({ "type": "message_stop" })]).1);
    }

    #[test]
    fn garbage_is_a_failure() {
        for data in ["<html>", "[1, 2]", "{\"type\":\"content_block_delta\",\"index\":0}", "{}"] {
            assert_eq!(Reader::default().read(data).unwrap_err().class(), FailureClass::Interrupted, "{data}");
        }
    }
}
