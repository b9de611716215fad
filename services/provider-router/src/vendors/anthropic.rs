//! Anthropic's messages, mapped from and to the shape of OpenAI's chat completions.
//!
//! Source: the vendor's API reference, "Messages", "Streaming messages", "Tool use", "List models" and "Errors".

mod message;
mod request;
mod response;
mod stream;

pub(super) use request::{address, authorize, body};
pub(super) use response::{models, refusal, whole};
pub(super) use stream::Reader;
