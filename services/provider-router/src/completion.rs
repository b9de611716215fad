//! A completion of `/v1`, as plain values: what is asked, the frames that an answer makes, and what it costs.

use argentum_bus::FRAME_BYTES_MAX;
use argentum_proto::provider::v1::{
    Answering, CompleteFrame, CompletionEnded, CompletionFailed, CompletionFailureClass, Finished, Settlement, ToolCallDelta, Usage,
    complete_frame::Content,
};
use serde_json::{Map, Value};

use crate::{
    core::{FailureClass, Price},
    vendors::{CallFailure, ChatEvent, ChatRequest},
};

/// Text of one frame, well below its limit.
const PIECE_BYTES_MAX: usize = FRAME_BYTES_MAX / 2;
/// Keys of the body that are about the way back to the client, not about the answer.
const OWN_PARAMETERS: [&str; 3] = ["stream", "stream_options", "n"];

/// What an answer has come to so far.
#[derive(Debug)]
pub(crate) struct Completion {
    price: Price,
    request_bytes: usize,
    answer_bytes: u64,
    usage: Option<Usage>,
    /// The vendor has the request, as far as anybody knows.
    is_reached: bool,
    /// The vendor has said something.
    is_begun: bool,
    is_finished: bool,
}

/// Reads a body of the chat completions API.
pub(crate) fn read(body: &[u8]) -> Result<ChatRequest, CallFailure> {
    let mut body: Map<String, Value> =
        serde_json::from_slice(body).map_err(|error| invalid(&format!("the body is no JSON object: {error}")))?;
    let Some(Value::String(model)) = body.remove("model") else { return Err(invalid("`model` must be a string")) };
    let messages = body.remove("messages").ok_or_else(|| invalid("`messages` is missing"))?;
    let messages = serde_json::from_value(messages).map_err(|error| invalid(&format!("`messages` cannot be read: {error}")))?;
    for name in OWN_PARAMETERS {
        body.remove(name);
    }
    Ok(ChatRequest { model, messages, parameters: body, recalled: Vec::new() })
}

fn invalid(text: &str) -> CallFailure {
    CallFailure::new(FailureClass::InvalidRequest, false, text)
}

// === impl Completion ===

impl Completion {
    /// Of `model`, as the client names it: who answers is known only when somebody does. Nobody has stated prices yet, so it is tokens
    /// that are counted.
    pub(crate) fn new(model: &str, request_bytes: usize) -> Self {
        let (provider, model) = model.split_once('/').unwrap_or_default();
        let price = Price { provider: provider.to_owned(), model: model.to_owned(), ..Price::default() };
        Self { price, request_bytes, answer_bytes: 0, usage: None, is_reached: false, is_begun: false, is_finished: false }
    }

    /// What it may cost: all of the request, and as many tokens as the client allows.
    pub(crate) fn estimate(&self, request: &ChatRequest) -> Settlement {
        let limit = ["max_completion_tokens", "max_tokens"].iter().find_map(|name| request.parameters.get(*name)?.as_u64());
        self.price.estimate(self.request_bytes, limit.unwrap_or(self.price.output_tokens_estimated))
    }

    /// Takes note of who answers after all.
    pub(crate) fn opened(&mut self, provider: String, model: String) {
        (self.price.provider, self.price.model) = (provider, model);
        self.is_reached = true;
    }

    /// Takes note of a failure: vendors charge for an answer that had begun.
    pub(crate) fn broke(&mut self) {
        self.is_reached = self.is_begun;
    }

    /// The frames that an event makes.
    pub(crate) fn frames(&mut self, event: ChatEvent) -> Vec<CompleteFrame> {
        let first = (!self.is_begun).then(|| Content::Answering(Answering { model: self.model() }));
        self.is_begun = true;
        first.into_iter().chain(self.contents(event)).map(frame).collect()
    }

    fn contents(&mut self, event: ChatEvent) -> Vec<Content> {
        match event {
            ChatEvent::Text(text) => self.pieces(&text).map(Content::Text).collect(),
            ChatEvent::Refusal(text) => self.pieces(&text).map(Content::Refusal).collect(),
            ChatEvent::ToolCall { index, id, name, arguments } => self.tool_call(&ToolCallDelta { index, id, name, arguments }),
            ChatEvent::Finished { reason } => {
                self.is_finished = true;
                vec![Content::Finished(Finished { reason })]
            }
            // The last count is the one that counts, so it is told at the end.
            ChatEvent::Usage { input_tokens, output_tokens } => {
                self.usage = Some(Usage { input_tokens, output_tokens, ..Usage::default() });
                Vec::new()
            }
        }
    }

    fn tool_call(&mut self, call: &ToolCallDelta) -> Vec<Content> {
        let index = call.index;
        let mut pieces = self.pieces(&call.arguments);
        let first = ToolCallDelta { arguments: pieces.next().unwrap_or_default(), ..call.clone() };
        let more = pieces.map(|arguments| ToolCallDelta { index, arguments, ..ToolCallDelta::default() });
        std::iter::once(first).chain(more).map(Content::ToolCall).collect()
    }

    /// `text` in pieces that fit into a frame.
    fn pieces<'a>(&mut self, text: &'a str) -> impl Iterator<Item = String> + use<'a> {
        self.answer_bytes += text.len() as u64;
        let mut rest = text;
        std::iter::from_fn(move || {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES_MAX));
            rest = after;
            (!piece.is_empty()).then(|| piece.to_owned())
        })
    }

    /// The last frames: an answer that its vendor did not finish is none.
    pub(crate) fn end(&self) -> Vec<CompleteFrame> {
        if !self.is_finished {
            return vec![failed(&CallFailure::new(FailureClass::Interrupted, true, "the vendor's answer broke off"))];
        }
        self.usage.map(Content::Usage).into_iter().chain([Content::Ended(CompletionEnded {})]).map(frame).collect()
    }

    /// What it cost: as the vendor counted, else as much as came; nothing where nothing came.
    pub(crate) fn settlement(&self) -> Option<Settlement> {
        match self.usage {
            Some(usage) => Some(self.price.settle(usage.input_tokens, usage.output_tokens)),
            None => self.is_reached.then(|| self.price.estimate(self.request_bytes, self.answer_bytes.div_ceil(4))),
        }
    }

    fn model(&self) -> String {
        format!("{}/{}", self.price.provider, self.price.model)
    }
}

fn frame(content: Content) -> CompleteFrame {
    CompleteFrame { sequence: 0, content: Some(content) }
}

/// The last frame of an answer that failed.
pub(crate) fn failed(failure: &CallFailure) -> CompleteFrame {
    let retry_after_ms = failure.failure.retry_after_ms.unwrap_or_default();
    fail(class(failure.failure.class), &failure.detail, retry_after_ms)
}

/// The last frame of an answer that failed here.
pub(crate) fn fail(class: CompletionFailureClass, text: &str, retry_after_ms: u64) -> CompleteFrame {
    frame(Content::Failed(CompletionFailed { class: class.into(), code: String::new(), text: text.to_owned(), retry_after_ms }))
}

fn class(class: FailureClass) -> CompletionFailureClass {
    match class {
        FailureClass::Unreachable => CompletionFailureClass::Unreachable,
        FailureClass::RateLimited => CompletionFailureClass::RateLimited,
        FailureClass::Overloaded => CompletionFailureClass::Overloaded,
        FailureClass::Interrupted | FailureClass::NoAnswer => CompletionFailureClass::Interrupted,
        FailureClass::Unauthenticated => CompletionFailureClass::Unauthenticated,
        FailureClass::QuotaExhausted => CompletionFailureClass::QuotaExhausted,
        FailureClass::PromptTooLong => CompletionFailureClass::PromptTooLong,
        FailureClass::Declined => CompletionFailureClass::Declined,
        FailureClass::InvalidRequest => CompletionFailureClass::InvalidRequest,
        FailureClass::Deadline => CompletionFailureClass::Deadline,
        FailureClass::UnknownModel => CompletionFailureClass::ModelNotFound,
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    fn completion() -> Completion {
        let price = Price {
            input_micros_per_million: 1_000_000,
            output_micros_per_million: 2_000_000,
            output_tokens_estimated: 100,
            ..Price::default()
        };
        let mut completion = Completion::new("acme/m1", 400);
        completion.price = Price { provider: completion.price.provider, model: completion.price.model, ..price };
        completion
    }

    fn contents(frames: Vec<CompleteFrame>) -> Vec<Content> {
        frames.into_iter().filter_map(|frame| frame.content).collect()
    }

    #[test]
    fn unknown_parameters_pass_and_those_of_the_way_back_do_not() {
        let body = br#"{"model": "acme/m1", "messages": [], "stream": true, "n": 1, "stream_options": {}, "top_k": 5, "tools": [{}]}"#;
        let request = read(body).unwrap();
        assert_eq!(request.parameters.keys().collect::<Vec<_>>(), ["tools", "top_k"]);
    }

    #[test]
    fn a_body_that_is_no_request_is_refused_with_its_fault() {
        for (body, fault) in [("{", "JSON"), ("[]", "JSON"), (r#"{"messages": []}"#, "`model`"), (r#"{"model": "a"}"#, "`messages`")] {
            let failure = read(body.as_bytes()).err().unwrap();
            assert!(failure.detail.contains(fault), "{body}: {failure}");
        }
    }

    #[test]
    fn the_first_frame_tells_who_answers() {
        let frames = contents(completion().frames(ChatEvent::Text("Hi".into())));
        assert_eq!(frames, [Content::Answering(Answering { model: "acme/m1".into() }), Content::Text("Hi".into())]);
    }

    #[test]
    fn a_long_text_is_split_into_frames_that_fit_and_nothing_of_it_is_lost() {
        let text = "ö€".repeat(FRAME_BYTES_MAX);
        let frames = completion().frames(ChatEvent::Text(text.clone()));
        assert!(frames.iter().all(|frame| frame.encoded_len() < FRAME_BYTES_MAX));
        let joined: String =
            contents(frames).into_iter().filter_map(|content| if let Content::Text(text) = content { Some(text) } else { None }).collect();
        assert!(joined == text);
    }

    #[test]
    fn a_tool_call_names_itself_once_however_long_its_arguments_are() {
        let call = ChatEvent::ToolCall { index: 1, id: "c".into(), name: "f".into(), arguments: "x".repeat(FRAME_BYTES_MAX) };
        let calls: Vec<_> = contents(completion().frames(call))
            .into_iter()
            .filter_map(|content| if let Content::ToolCall(call) = content { Some(call) } else { None })
            .collect();
        assert_eq!(
            calls.iter().map(|call| (call.index, call.id.as_str(), call.name.as_str())).collect::<Vec<_>>(),
            [(1, "c", "f"), (1, "", "")]
        );
    }

    #[test]
    fn a_tool_call_without_arguments_is_told() {
        let call = ChatEvent::ToolCall { index: 0, id: "c".into(), name: "f".into(), arguments: String::new() };
        assert_eq!(completion().frames(call).len(), 2);
    }

    #[test]
    fn an_answer_that_was_not_finished_is_a_failure() {
        let mut completion = completion();
        completion.frames(ChatEvent::Text("half".into()));
        assert!(matches!(contents(completion.end()).as_slice(), [Content::Failed(_)]));
    }

    #[test]
    fn usage_comes_last_as_the_vendor_counted_in_the_end() {
        let mut completion = completion();
        let usage = |output_tokens| ChatEvent::Usage { input_tokens: 7, output_tokens };
        for event in [usage(1), ChatEvent::Finished { reason: "stop".into() }, usage(3)] {
            completion.frames(event);
        }
        let end = contents(completion.end());
        assert!(matches!(end.as_slice(), [Content::Usage(usage), Content::Ended(_)] if usage.output_tokens == 3), "{end:?}");
        assert_eq!(completion.settlement().map(|settlement| (settlement.cost_micros, settlement.is_estimated)), Some((13, false)));
    }

    #[test]
    fn what_was_not_counted_is_estimated_and_what_did_not_begin_costs_nothing() {
        let mut completion = completion();
        assert_eq!(completion.settlement(), None);
        completion.opened("acme".into(), "m1".into());
        completion.frames(ChatEvent::Text("12345678".into()));
        completion.broke();
        assert_eq!(completion.settlement().map(|settlement| (settlement.cost_micros, settlement.is_estimated)), Some((104, true)));
    }

    #[test]
    fn a_hold_is_as_large_as_the_client_allows() {
        let held = |body: &[u8]| completion().estimate(&read(body).unwrap()).output_tokens;
        assert_eq!(held(br#"{"model": "m", "messages": [], "max_tokens": 7}"#), 7);
        assert_eq!(held(br#"{"model": "m", "messages": []}"#), 100);
    }
}
