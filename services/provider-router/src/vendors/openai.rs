//! OpenAI's chat completions, as its own servers and many others speak them.
//!
//! Source: the vendor's API reference, "Chat completions" (the object, its streamed chunks, errors) and "Models".

mod request;
mod response;
mod stream;

pub(super) use request::{authorize, body};
pub(super) use response::{models, refusal, whole};
pub(super) use stream::Reader;
