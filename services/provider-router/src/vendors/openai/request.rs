//! What is sent.

use reqwest::{
    RequestBuilder,
    header::{AUTHORIZATION, HeaderValue},
};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::{
    core::FailureClass,
    vendors::{CallFailure, ChatRequest},
};

/// The body of `POST /chat/completions`: everything that the asker set, always streamed, with what it used.
pub(in crate::vendors) fn body(request: &ChatRequest) -> Value {
    let mut body: Map<String, Value> = request.parameters.clone();
    body.insert("model".to_owned(), json!(request.model));
    body.insert("messages".to_owned(), json!(request.messages));
    body.insert("stream".to_owned(), json!(true));
    body.insert("stream_options".to_owned(), json!({ "include_usage": true }));
    Value::Object(body)
}

/// Shows the key.
pub(in crate::vendors) fn authorize(request: RequestBuilder, key: Option<&[u8]>) -> Result<RequestBuilder, CallFailure> {
    let Some(key) = key else { return Ok(request) };
    let value = Zeroizing::new([b"Bearer ", key].concat());
    let unusable = || CallFailure::new(FailureClass::Unauthenticated, false, "the key holds characters that no header can");
    let mut value = HeaderValue::from_bytes(&value).map_err(|_| unusable())?;
    value.set_sensitive(true);
    Ok(request.header(AUTHORIZATION, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Prompt, PromptMessage, Role};

    #[test]
    fn a_prompt_becomes_a_streamed_question() {
        let message = |role, text: &str| PromptMessage { role, text: text.to_owned() };
        let messages = vec![message(Role::User, "hi"), message(Role::Assistant, "hello"), message(Role::User, "and?")];
        let prompt = Prompt { system: "Be brief.".to_owned(), messages, ..Prompt::default() };
        let body = body(&ChatRequest { model: "small".to_owned(), ..ChatRequest::from(&prompt) });
        let expected = json!({
            "model": "small",
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": "hi" },
                { "role": "assistant", "content": "hello" },
                { "role": "user", "content": "and?" },
            ],
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn what_the_asker_set_is_passed_on_but_for_what_is_ours() {
        let parameters = json!({ "temperature": 0.5, "tools": [{ "type": "function" }], "stream": false });
        let Value::Object(parameters) = parameters else { unreachable!("it is an object") };
        let body = body(&ChatRequest { model: "m".to_owned(), messages: Vec::new(), parameters, recalled: Vec::new() });
        assert_eq!((&body["temperature"], &body["tools"][0]["type"], &body["stream"]), (&json!(0.5), &json!("function"), &json!(true)));
    }
}
