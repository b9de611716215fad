//! What is asked of a model and what comes back, whatever the vendor: the shape is that of OpenAI's chat completions.

use std::fmt;

use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::CallFailure;
use crate::core::{Prompt, Role};

/// A question to a model.
#[derive(Clone)]
pub(crate) struct ChatRequest {
    /// The vendor's own name.
    pub(crate) model: String,
    pub(crate) messages: Vec<ChatMessage>,
    /// Everything else that the asker set: `temperature`, `tools`, …
    pub(crate) parameters: Map<String, Value>,
    /// What memory recalled; the messages hold it, too. For who cannot read.
    pub(crate) recalled: Vec<String>,
}

/// One message of a question.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct ChatMessage {
    pub(crate) role: ChatRole,
    /// A text, or a list of parts.
    #[serde(default)]
    pub(crate) content: Value,
    /// Whatever else belongs to it: `tool_calls`, `tool_call_id`, `name`.
    #[serde(flatten)]
    pub(crate) more: Map<String, Value>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChatRole {
    System,
    Developer,
    User,
    Assistant,
    Tool,
}

/// Something of an answer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum ChatEvent {
    Text(String),
    /// Why the model does not answer, in its own words.
    Refusal(String),
    /// More of a tool call; id and name come with its first piece.
    ToolCall {
        index: u32,
        id: String,
        name: String,
        arguments: String,
    },
    /// The answer is whole: `stop`, `length`, `tool_calls`, `content_filter`.
    Finished {
        reason: String,
    },
    Usage {
        input_tokens: u64,
        output_tokens: u64,
    },
}

/// Some of the models that a vendor offers.
#[derive(Debug)]
pub(crate) struct ModelPage {
    pub(crate) names: Vec<String>,
    /// After which name the next page begins, where there is one.
    pub(crate) next: Option<String>,
}

/// An answer on its way. Dropping it closes the connection.
pub(crate) type ChatStream = BoxStream<'static, Result<ChatEvent, CallFailure>>;

// === impl ChatRequest ===

impl From<&Prompt> for ChatRequest {
    fn from(prompt: &Prompt) -> Self {
        let message = |role, text: &str| ChatMessage { role, content: text.into(), more: Map::new() };
        let system = (!prompt.system.is_empty()).then(|| message(ChatRole::System, &prompt.system));
        let said = prompt.messages.iter().map(|said| match said.role {
            Role::User => message(ChatRole::User, &said.text),
            Role::Assistant => message(ChatRole::Assistant, &said.text),
        });
        Self {
            model: String::new(),
            messages: system.into_iter().chain(said).collect(),
            parameters: Map::new(),
            recalled: prompt.recalled.clone(),
        }
    }
}

// === impl ChatEvent ===

impl fmt::Debug for ChatEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChatEvent::Text(text) => write!(formatter, "Text({} bytes)", text.len()),
            ChatEvent::Refusal(text) => write!(formatter, "Refusal({} bytes)", text.len()),
            ChatEvent::ToolCall { index, arguments, .. } => write!(formatter, "ToolCall({index}, {} bytes)", arguments.len()),
            ChatEvent::Finished { reason } => write!(formatter, "Finished({reason})"),
            ChatEvent::Usage { input_tokens, output_tokens } => write!(formatter, "Usage({input_tokens}, {output_tokens})"),
        }
    }
}
