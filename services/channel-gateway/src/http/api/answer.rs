//! An answer of `/v1/chat/completions` in exactly OpenAI's shape: as chunks of a stream, or whole.

use argentum_proto::provider::v1::{ToolCallDelta, Usage, complete_frame::Content};
use serde_json::{Map, Value, json};

use super::question::Question;

/// What every piece of one answer bears.
#[derive(Clone, Debug)]
pub(super) struct Heading {
    pub(super) id: String,
    /// Unix seconds.
    pub(super) created: u64,
    /// Who answers; empty until that is known.
    pub(super) model: String,
}

/// Turns what the router sends into chunks.
#[derive(Debug)]
pub(super) struct Chunks {
    heading: Heading,
    includes_usage: bool,
}

/// What a frame means for a stream.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Nothing to send.
    Nothing,
    Chunk(Value),
    /// The answer is whole.
    Done,
}

/// Gathers an answer until it is whole.
#[derive(Debug)]
pub(super) struct Whole {
    heading: Heading,
    text: Option<String>,
    refusal: Option<String>,
    tool_calls: Vec<ToolCallDelta>,
    finish_reason: Option<String>,
    usage: Usage,
}

// === impl Heading ===

impl Heading {
    fn object(&self, kind: &str, choices: &Value) -> Map<String, Value> {
        let object = json!({ "id": self.id, "object": kind, "created": self.created, "model": self.model, "choices": choices });
        if let Value::Object(object) = object { object } else { Map::new() }
    }
}

// === impl Chunks ===

impl Chunks {
    pub(super) fn new(heading: Heading, question: Question) -> Self {
        Self { heading, includes_usage: question.includes_usage }
    }

    /// What `content` means; a failure is somebody else's to tell.
    pub(super) fn step(&mut self, content: Content) -> Step {
        match content {
            Content::Waiting(_) | Content::Failed(_) => Step::Nothing,
            Content::Answering(answering) => {
                self.heading.model = answering.model;
                self.choice(&json!({ "role": "assistant", "content": "", "refusal": null }), None)
            }
            Content::Text(text) => self.choice(&json!({ "content": text }), None),
            Content::Refusal(text) => self.choice(&json!({ "refusal": text }), None),
            Content::ToolCall(call) => self.choice(&json!({ "tool_calls": [tool_call_delta(&call)] }), None),
            Content::Finished(finished) => self.choice(&json!({}), Some(&finished.reason)),
            Content::Usage(usage) if self.includes_usage => self.chunk(&json!([]), usage_of(&usage)),
            Content::Usage(_) => Step::Nothing,
            Content::Ended(_) => Step::Done,
        }
    }

    fn choice(&self, delta: &Value, finish_reason: Option<&str>) -> Step {
        let choice = json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason });
        self.chunk(&json!([choice]), Value::Null)
    }

    fn chunk(&self, choices: &Value, usage: Value) -> Step {
        let mut chunk = self.heading.object("chat.completion.chunk", choices);
        if self.includes_usage {
            chunk.insert("usage".to_owned(), usage);
        }
        Step::Chunk(Value::Object(chunk))
    }
}

// === impl Whole ===

impl Whole {
    pub(super) fn new(heading: Heading) -> Self {
        Self { heading, text: None, refusal: None, tool_calls: Vec::new(), finish_reason: None, usage: Usage::default() }
    }

    /// Adds what came.
    pub(super) fn add(&mut self, content: Content) {
        match content {
            Content::Answering(answering) => self.heading.model = answering.model,
            Content::Text(text) => self.text.get_or_insert_default().push_str(&text),
            Content::Refusal(text) => self.refusal.get_or_insert_default().push_str(&text),
            Content::ToolCall(call) => self.add_tool_call(call),
            Content::Finished(finished) => self.finish_reason = Some(finished.reason),
            Content::Usage(usage) => self.usage = usage,
            Content::Waiting(_) | Content::Ended(_) | Content::Failed(_) => {}
        }
    }

    fn add_tool_call(&mut self, call: ToolCallDelta) {
        match self.tool_calls.iter_mut().find(|known| known.index == call.index) {
            Some(known) => {
                known.id.push_str(&call.id);
                known.name.push_str(&call.name);
                known.arguments.push_str(&call.arguments);
            }
            None => self.tool_calls.push(call),
        }
    }

    /// The answer, once the router said that it is whole.
    pub(super) fn finish(mut self) -> Value {
        self.tool_calls.sort_by_key(|call| call.index);
        let has_calls = !self.tool_calls.is_empty();
        // An answer that only calls tools has no text; any other has one, if an empty one.
        let text = self.text.or_else(|| (!has_calls && self.refusal.is_none()).then(String::new));
        let mut message = json!({ "role": "assistant", "content": text, "refusal": self.refusal });
        if has_calls {
            message["tool_calls"] = self.tool_calls.iter().map(tool_call).collect();
        }
        let choice = json!({ "index": 0, "message": message, "logprobs": null, "finish_reason": self.finish_reason });
        let mut answer = self.heading.object("chat.completion", &json!([choice]));
        answer.insert("usage".to_owned(), usage_of(&self.usage));
        Value::Object(answer)
    }
}

fn tool_call(call: &ToolCallDelta) -> Value {
    json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": call.arguments } })
}

/// Name, id and type stand in the first delta of a call only.
fn tool_call_delta(call: &ToolCallDelta) -> Value {
    let is_first = !call.id.is_empty() || !call.name.is_empty();
    if is_first {
        let mut first = tool_call(call);
        first["index"] = call.index.into();
        return first;
    }
    json!({ "index": call.index, "function": { "arguments": call.arguments } })
}

fn usage_of(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens.saturating_add(usage.output_tokens),
        "prompt_tokens_details": { "cached_tokens": usage.cached_input_tokens },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning_tokens },
    })
}

#[cfg(test)]
mod tests {
    use argentum_proto::provider::v1::{Answering, CompletionEnded, Finished, Waiting};

    use super::*;

    fn heading() -> Heading {
        Heading { id: "chatcmpl-1".into(), created: 7, model: String::new() }
    }

    fn call(index: u32, id: &str, name: &str, arguments: &str) -> Content {
        Content::ToolCall(ToolCallDelta { index, id: id.into(), name: name.into(), arguments: arguments.into() })
    }

    fn frames() -> Vec<Content> {
        vec![
            Content::Waiting(Waiting {}),
            Content::Answering(Answering { model: "acme/m".into() }),
            Content::Text("Hi".into()),
            call(0, "c1", "look", ""),
            call(0, "", "", "{\"a\""),
            call(0, "", "", ":1}"),
            Content::Finished(Finished { reason: "tool_calls".into() }),
            Content::Usage(Usage { input_tokens: 5, output_tokens: 2, cached_input_tokens: 1, reasoning_tokens: 0 }),
            Content::Ended(CompletionEnded {}),
        ]
    }

    fn chunks(includes_usage: bool) -> Vec<Value> {
        let mut chunks = Chunks::new(heading(), Question { is_streamed: true, includes_usage });
        frames().into_iter().filter_map(|frame| if let Step::Chunk(chunk) = chunks.step(frame) { Some(chunk) } else { None }).collect()
    }

    #[test]
    fn a_stream_begins_with_the_role_and_ends_with_the_reason() {
        let chunks = chunks(false);
        let wanted = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "acme/m",
            "choices": [{
                "index": 0, "delta": { "role": "assistant", "content": "", "refusal": null }, "logprobs": null, "finish_reason": null,
            }],
        });
        assert_eq!(chunks[0], wanted);
        assert_eq!(chunks[1]["choices"][0]["delta"], json!({ "content": "Hi" }));
        let last = &chunks[chunks.len() - 1]["choices"][0];
        assert_eq!((&last["delta"], &last["finish_reason"]), (&json!({}), &"tool_calls".into()));
        assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()));
    }

    #[test]
    fn a_tool_call_is_named_in_its_first_delta_only() {
        let chunks = chunks(false);
        let delta = |at: usize| chunks[at]["choices"][0]["delta"]["tool_calls"][0].clone();
        assert_eq!(delta(2), json!({ "index": 0, "id": "c1", "type": "function", "function": { "name": "look", "arguments": "" } }));
        assert_eq!(delta(3), json!({ "index": 0, "function": { "arguments": "{\"a\"" } }));
    }

    #[test]
    fn wanted_usage_is_null_until_a_last_chunk_without_choices() {
        let chunks = chunks(true);
        let (last, others) = chunks.split_last().unwrap();
        assert!(others.iter().all(|chunk| chunk.get("usage") == Some(&Value::Null)));
        assert_eq!((&last["choices"], &last["usage"]["total_tokens"]), (&json!([]), &7.into()));
    }

    #[test]
    fn a_whole_answer_has_all_that_came() {
        let mut whole = Whole::new(heading());
        frames().into_iter().for_each(|frame| whole.add(frame));
        let wanted = json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "acme/m",
            "choices": [{
                "index": 0,
                "message": {
                    "role": "assistant", "content": "Hi", "refusal": null,
                    "tool_calls": [{ "id": "c1", "type": "function", "function": { "name": "look", "arguments": "{\"a\":1}" } }],
                },
                "logprobs": null,
                "finish_reason": "tool_calls",
            }],
            "usage": {
                "prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7,
                "prompt_tokens_details": { "cached_tokens": 1 }, "completion_tokens_details": { "reasoning_tokens": 0 },
            },
        });
        assert_eq!(whole.finish(), wanted);
    }

    #[test]
    fn an_answer_that_only_calls_tools_has_no_text_and_an_empty_one_has_an_empty_text() {
        let mut calls = Whole::new(heading());
        calls.add(call(0, "c", "f", "{}"));
        assert_eq!(calls.finish()["choices"][0]["message"]["content"], Value::Null);
        assert_eq!(Whole::new(heading()).finish()["choices"][0]["message"]["content"], "");
    }
}
