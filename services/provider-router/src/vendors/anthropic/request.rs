//! What is sent.

use reqwest::{RequestBuilder, header::HeaderValue};
use serde_json::{Map, Value, json};

use super::message::{self, Conversation};
use crate::{
    core::FailureClass,
    vendors::{CallFailure, ChatRequest},
};

/// The version of the API that this is written for.
const VERSION: &str = "2023-06-01";
/// The vendor wants a limit. Every model that it still offers can say so much.
const OUTPUT_TOKENS_MAX_DEFAULT: u64 = 8_192;
/// The vendor's temperature ends here, OpenAI's at 2.
const TEMPERATURE_MAX: f64 = 1.0;
/// Parameters that mean the same to the vendor under the same name, and those that only it has.
const SAME: [&str; 6] = ["top_p", "top_k", "thinking", "metadata", "service_tier", "stop_sequences"];

/// Where `path` is. The base may end with the version of the path or not: the vendor's own libraries leave it out.
pub(in crate::vendors) fn address(base_url: &str, path: &str) -> String {
    format!("{}/v1/{path}", base_url.strip_suffix("/v1").unwrap_or(base_url))
}

/// Shows the key, and says which version we speak.
pub(in crate::vendors) fn authorize(request: RequestBuilder, key: Option<&[u8]>) -> Result<RequestBuilder, CallFailure> {
    let request = request.header("anthropic-version", VERSION);
    let Some(key) = key else { return Ok(request) };
    let unusable = || CallFailure::new(FailureClass::Unauthenticated, false, "the key holds characters that no header can");
    let mut value = HeaderValue::from_bytes(key).map_err(|_| unusable())?;
    value.set_sensitive(true);
    Ok(request.header("x-api-key", value))
}

/// The body of `POST /v1/messages`, always streamed. What only tunes an answer and has no counterpart is left out; what would change
/// its form is refused.
pub(in crate::vendors) fn body(request: &ChatRequest) -> Result<Value, CallFailure> {
    let parameters = &request.parameters;
    refuse_other_forms(parameters)?;
    let Conversation { system, messages } = message::conversation(&request.messages)?;
    let same = SAME.iter().filter_map(|&name| Some((name.to_owned(), parameters.get(name)?.clone())));
    let mut body: Map<String, Value> = same.filter(|(_, value)| !value.is_null()).collect();
    if !system.is_empty() {
        body.insert("system".to_owned(), system.into());
    }
    body.insert("model".to_owned(), json!(request.model));
    body.insert("messages".to_owned(), messages.into());
    body.insert("max_tokens".to_owned(), json!(output_tokens_max(parameters)));
    body.insert("stream".to_owned(), json!(true));
    if let Some(temperature) = parameters.get("temperature").and_then(Value::as_f64) {
        body.insert("temperature".to_owned(), json!(temperature.min(TEMPERATURE_MAX)));
    }
    body.extend(stops(parameters).map(|stops| ("stop_sequences".to_owned(), stops)));
    if let Some(tools) = parameters.get("tools").and_then(Value::as_array).filter(|tools| !tools.is_empty()) {
        body.insert("tools".to_owned(), tools.iter().map(tool).collect());
        body.extend(tool_choice(parameters).map(|choice| ("tool_choice".to_owned(), choice)));
    }
    Ok(Value::Object(body))
}

/// Whoever asks for another form must not get prose instead.
fn refuse_other_forms(parameters: &Map<String, Value>) -> Result<(), CallFailure> {
    let is_text = parameters.get("response_format").is_none_or(|format| format.is_null() || format["type"] == "text");
    let is_one = parameters.get("n").and_then(Value::as_u64).is_none_or(|count| count == 1);
    let refused = |name: &str| CallFailure::new(FailureClass::InvalidRequest, false, format!("`{name}` cannot be passed to this vendor"));
    match (is_text, is_one) {
        (true, true) => Ok(()),
        (false, _) => Err(refused("response_format")),
        (_, false) => Err(refused("n")),
    }
}

fn output_tokens_max(parameters: &Map<String, Value>) -> u64 {
    let named = ["max_completion_tokens", "max_tokens"].iter().find_map(|&name| parameters.get(name)?.as_u64());
    named.unwrap_or(OUTPUT_TOKENS_MAX_DEFAULT)
}

/// One or several.
fn stops(parameters: &Map<String, Value>) -> Option<Value> {
    match parameters.get("stop")? {
        Value::String(stop) => Some(json!([stop])),
        Value::Array(stops) => Some(json!(stops)),
        _ => None,
    }
}

/// A function becomes a tool. A tool of another type is the vendor's own and is passed on.
fn tool(tool: &Value) -> Value {
    let Some(function) = tool.get("function") else { return tool.clone() };
    let without_arguments = || json!({ "type": "object", "properties": {} });
    let schema = function.get("parameters").filter(|schema| schema.is_object()).cloned().unwrap_or_else(without_arguments);
    let mut mapped = json!({ "name": function["name"], "input_schema": schema });
    if let Some(description) = function.get("description").filter(|description| description.is_string()) {
        mapped["description"] = description.clone();
    }
    mapped
}

fn tool_choice(parameters: &Map<String, Value>) -> Option<Value> {
    let is_single = parameters.get("parallel_tool_calls") == Some(&Value::Bool(false));
    let mut choice = match parameters.get("tool_choice") {
        Some(Value::String(word)) if word == "none" => return Some(json!({ "type": "none" })),
        Some(Value::String(word)) if word == "required" => json!({ "type": "any" }),
        Some(Value::Object(named)) => json!({ "type": "tool", "name": named.get("function")?.get("name")? }),
        // `auto` is what the vendor does anyway.
        _ if !is_single => return None,
        _ => json!({ "type": "auto" }),
    };
    if is_single {
        choice["disable_parallel_tool_use"] = json!(true);
    }
    Some(choice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Prompt, PromptMessage, Role};

    fn body_with(parameters: Value) -> Result<Value, CallFailure> {
        let Value::Object(parameters) = parameters else { unreachable!("it is an object") };
        body(&ChatRequest { model: "m".to_owned(), messages: Vec::new(), parameters, recalled: Vec::new() })
    }

    #[test]
    fn a_prompt_becomes_a_streamed_question_with_the_system_apart() {
        let message = |role, text: &str| PromptMessage { role, text: text.to_owned() };
        let messages = vec![message(Role::User, "hi"), message(Role::Assistant, "hello"), message(Role::User, "and?")];
        let prompt = Prompt { system: "Be brief.".to_owned(), messages, ..Prompt::default() };
        let text = |text: &str| json!([{ "type": "text", "text": text }]);
        let expected = json!({
            "model": "small",
            "system": "Be brief.",
            "max_tokens": 8_192,
            "messages": [
                { "role": "user", "content": text("hi") },
                { "role": "assistant", "content": text("hello") },
                { "role": "user", "content": text("and?") },
            ],
            "stream": true,
        });
        assert_eq!(body(&ChatRequest { model: "small".to_owned(), ..ChatRequest::from(&prompt) }).unwrap(), expected);
    }

    #[test]
    fn parameters_are_passed_on_under_the_vendors_names_and_within_its_bounds() {
        let parameters = json!({
            "temperature": 1.5, "top_p": 0.9, "stop": "END", "max_completion_tokens": 7, "max_tokens": 9, "seed": 1, "stream": false,
            "stream_options": {}, "frequency_penalty": 0.1, "top_k": 40, "response_format": { "type": "text" }, "n": 1,
        });
        let expected = json!({
            "model": "m", "messages": [], "stream": true, "temperature": 1.0, "top_p": 0.9, "stop_sequences": ["END"], "max_tokens": 7,
            "top_k": 40,
        });
        assert_eq!(body_with(parameters).unwrap(), expected);
    }

    #[test]
    fn tools_are_passed_on() {
        let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] });
        let weather = json!({ "name": "weather", "description": "Tells it.", "parameters": schema, "strict": true });
        let own = json!({ "type": "web_search_20250305", "name": "web_search" });
        let tools = json!([{ "type": "function", "function": weather }, { "type": "function", "function": { "name": "now" } }, own]);
        let body = body_with(json!({ "tools": tools })).unwrap();
        let expected = json!([
            { "name": "weather", "description": "Tells it.", "input_schema": schema },
            { "name": "now", "input_schema": { "type": "object", "properties": {} } },
            own,
        ]);
        assert_eq!((&body["tools"], body.get("tool_choice")), (&expected, None));
    }

    #[test]
    fn the_choice_of_a_tool_is_passed_on() {
        let tools = json!([{ "type": "function", "function": { "name": "now" } }]);
        let cases = [
            (json!({ "tool_choice": "auto" }), Value::Null),
            (json!({ "tool_choice": "none" }), json!({ "type": "none" })),
            (json!({ "tool_choice": "required" }), json!({ "type": "any" })),
            (json!({ "tool_choice": { "type": "function", "function": { "name": "now" } } }), json!({ "type": "tool", "name": "now" })),
            (json!({ "parallel_tool_calls": false }), json!({ "type": "auto", "disable_parallel_tool_use": true })),
        ];
        for (mut parameters, expected) in cases {
            parameters["tools"] = tools.clone();
            assert_eq!(body_with(parameters).unwrap()["tool_choice"], expected);
        }
    }

    #[test]
    fn a_choice_without_tools_is_left_out() {
        assert_eq!(body_with(json!({ "tool_choice": "none", "tools": [] })).unwrap().get("tool_choice"), None);
    }

    #[test]
    fn another_form_of_answer_is_refused_and_not_ignored() {
        for (name, value) in [("response_format", json!({ "type": "json_object" })), ("n", json!(2))] {
            let failure = body_with(json!({ name: value })).unwrap_err();
            assert!(failure.class() == FailureClass::InvalidRequest && failure.detail.contains(name), "{failure}");
        }
    }

    #[test]
    fn the_version_of_the_path_may_stand_in_the_base_or_not() {
        for base in ["https://api.example", "https://api.example/v1"] {
            assert_eq!(address(base, "messages"), "https://api.example/v1/messages");
        }
    }
}
