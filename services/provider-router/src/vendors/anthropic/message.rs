//! The messages of a question: the system apart, everything else in blocks, speakers in turns.

use serde_json::{Value, json};

use crate::{
    core::FailureClass,
    vendors::{CallFailure, ChatMessage, ChatRole},
};

/// What was said, as the vendor wants it.
pub(super) struct Conversation {
    pub(super) system: String,
    pub(super) messages: Vec<Value>,
}

/// Maps messages. Those that follow each other with the same speaker become one: the results of several calls have to stand together.
pub(super) fn conversation(messages: &[ChatMessage]) -> Result<Conversation, CallFailure> {
    let mut system: Vec<String> = Vec::new();
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in messages {
        let (speaker, said) = match message.role {
            ChatRole::System | ChatRole::Developer => {
                system.extend(blocks(&message.content)?.iter().filter_map(|block| block["text"].as_str().map(str::to_owned)));
                continue;
            }
            ChatRole::User => ("user", blocks(&message.content)?),
            ChatRole::Assistant => ("assistant", [blocks(&message.content)?, calls(message)?].concat()),
            ChatRole::Tool => ("user", vec![result(message)?]),
        };
        match turns.last_mut() {
            Some((last, blocks)) if *last == speaker => blocks.extend(said),
            // The vendor takes no message in which nothing is said.
            _ if said.is_empty() => {}
            _ => turns.push((speaker, said)),
        }
    }
    let messages = turns.into_iter().map(|(role, content)| json!({ "role": role, "content": content })).collect();
    Ok(Conversation { system: system.join("\n\n"), messages })
}

/// A text, or the parts of a content.
fn blocks(content: &Value) -> Result<Vec<Value>, CallFailure> {
    match content {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(text_block(text).into_iter().collect()),
        Value::Array(parts) => parts.iter().filter_map(|part| block(part).transpose()).collect(),
        _ => Err(invalid("the content of a message is neither a text nor a list of parts")),
    }
}

fn block(part: &Value) -> Result<Option<Value>, CallFailure> {
    let kind = part["type"].as_str().unwrap_or_default();
    match kind {
        "text" => Ok(part["text"].as_str().and_then(text_block)),
        "refusal" => Ok(part["refusal"].as_str().and_then(text_block)),
        "image_url" => image(part["image_url"]["url"].as_str().unwrap_or_default()).map(Some),
        _ => Err(invalid(format!("content of type `{kind}` cannot be passed to this vendor"))),
    }
}

/// The vendor takes no text that is blank.
fn text_block(text: &str) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({ "type": "text", "text": text }))
}

/// By its address, or with its bytes in the address (RFC 2397).
fn image(url: &str) -> Result<Value, CallFailure> {
    let source = match url.strip_prefix("data:") {
        Some(data) => {
            let (media_type, data) = data.split_once(";base64,").ok_or_else(|| invalid("an image in a `data:` address must be base64"))?;
            json!({ "type": "base64", "media_type": media_type, "data": data })
        }
        None if url.starts_with("https://") || url.starts_with("http://") => json!({ "type": "url", "url": url }),
        None => return Err(invalid("an image has no address")),
    };
    Ok(json!({ "type": "image", "source": source }))
}

/// The tools that an assistant called.
fn calls(message: &ChatMessage) -> Result<Vec<Value>, CallFailure> {
    let calls = message.more.get("tool_calls").and_then(Value::as_array);
    calls.into_iter().flatten().map(call).collect()
}

fn call(call: &Value) -> Result<Value, CallFailure> {
    let function = &call["function"];
    let arguments = function["arguments"].as_str().filter(|arguments| !arguments.trim().is_empty()).unwrap_or("{}");
    let input: Option<Value> = serde_json::from_str(arguments).ok().filter(Value::is_object);
    let input = input.ok_or_else(|| invalid("the arguments of a tool call are no JSON object"))?;
    Ok(json!({ "type": "tool_use", "id": call["id"], "name": function["name"], "input": input }))
}

/// What a tool gave.
fn result(message: &ChatMessage) -> Result<Value, CallFailure> {
    let id = message.more.get("tool_call_id").and_then(Value::as_str).ok_or_else(|| invalid("a tool's message names no `tool_call_id`"))?;
    let mut result = json!({ "type": "tool_result", "tool_use_id": id });
    let content = blocks(&message.content)?;
    if !content.is_empty() {
        result["content"] = content.into();
    }
    Ok(result)
}

fn invalid(text: impl AsRef<str>) -> CallFailure {
    CallFailure::new(FailureClass::InvalidRequest, false, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(messages: Value) -> Result<Conversation, CallFailure> {
        conversation(&serde_json::from_value::<Vec<ChatMessage>>(messages).unwrap())
    }

    fn text(text: &str) -> Value {
        json!({ "type": "text", "text": text })
    }

    #[test]
    fn everything_that_the_operator_says_becomes_the_system() {
        let told = mapped(json!([
            { "role": "system", "content": "A" },
            { "role": "user", "content": "hi" },
            { "role": "developer", "content": [{ "type": "text", "text": "B" }] },
        ]))
        .unwrap();
        assert_eq!((told.system.as_str(), told.messages), ("A\n\nB", vec![json!({ "role": "user", "content": [text("hi")] })]));
    }

    #[test]
    fn calls_of_tools_and_their_results_keep_their_places() {
        let call =
            |id: &str, arguments: &str| json!({ "id": id, "type": "function", "function": { "name": "now", "arguments": arguments } });
        let told = mapped(json!([
            { "role": "user", "content": "when?" },
            { "role": "assistant", "content": "I look.", "tool_calls": [call("a", "{\"zone\":\"UTC\"}"), call("b", "")] },
            { "role": "tool", "tool_call_id": "a", "content": "noon" },
            { "role": "tool", "tool_call_id": "b", "content": "" },
            { "role": "user", "content": "so?" },
        ]))
        .unwrap();
        let expected = json!([
            { "role": "user", "content": [text("when?")] },
            { "role": "assistant", "content": [
                text("I look."),
                { "type": "tool_use", "id": "a", "name": "now", "input": { "zone": "UTC" } },
                { "type": "tool_use", "id": "b", "name": "now", "input": {} },
            ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "a", "content": [text("noon")] },
                { "type": "tool_result", "tool_use_id": "b" },
                text("so?"),
            ] },
        ]);
        assert_eq!(Value::from(told.messages), expected);
    }

    #[test]
    fn an_assistant_that_only_calls_a_tool_says_nothing_else() {
        let call = json!({ "id": "a", "type": "function", "function": { "name": "now", "arguments": "{}" } });
        let told = mapped(json!([{ "role": "assistant", "content": null, "tool_calls": [call] }])).unwrap();
        assert_eq!(told.messages[0]["content"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn blank_messages_are_left_out_and_speakers_still_take_turns() {
        let told = mapped(json!([
            { "role": "user", "content": "a" },
            { "role": "assistant", "content": " \n" },
            { "role": "user", "content": "b" },
        ]))
        .unwrap();
        assert_eq!(told.messages, [json!({ "role": "user", "content": [text("a"), text("b")] })]);
    }

    #[test]
    fn images_are_passed_on_by_address_or_with_their_bytes() {
        let part = |url: &str| json!({ "type": "image_url", "image_url": { "url": url } });
        let content = json!([part("https://example.org/a.png"), part("data:image/png;base64,AAAA")]);
        let told = mapped(json!([{ "role": "user", "content": content }])).unwrap();
        let expected = json!([
            { "type": "image", "source": { "type": "url", "url": "https://example.org/a.png" } },
            { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AAAA" } },
        ]);
        assert_eq!(told.messages[0]["content"], expected);
    }

    #[test]
    fn what_cannot_be_mapped_is_refused() {
        let call = json!({ "id": "a", "type": "function", "function": { "name": "now", "arguments": "[" } });
        for message in [
            json!({ "role": "user", "content": [{ "type": "input_audio", "input_audio": {} }] }),
            json!({ "role": "user", "content": [{ "type": "image_url", "image_url": { "url": "file:///etc/passwd" } }] }),
            json!({ "role": "user", "content": 7 }),
            json!({ "role": "assistant", "tool_calls": [call] }),
            json!({ "role": "tool", "content": "noon" }),
        ] {
            let failure = mapped(json!([message])).err().unwrap();
            assert_eq!((failure.class(), failure.is_retryable()), (FailureClass::InvalidRequest, false), "{message}");
        }
    }
}
