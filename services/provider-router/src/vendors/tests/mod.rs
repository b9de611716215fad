//! Both protocols against a vendor on this machine, well behaved and not.

mod chunks;
mod failures;
mod streams;
mod ways;

use std::time::Duration;

use argentum_testkit::vendor::FakeVendor;
use futures::StreamExt;
use serde_json::{Map, Value, json};

use super::{CallFailure, ChatEvent, ChatMessage, ChatRequest, ChatRole, Endpoint, reading::Reader};
use crate::{
    config::{Kind, Provider},
    core::FailureClass,
};

const KINDS: [Kind; 2] = [Kind::OpenAi, Kind::Anthropic];
const KEY: &[u8] = b"sk-canary-7d1f";

/// How a vendor on this machine is configured, with more time than anything that works takes.
fn provider(kind: Kind, vendor: &FakeVendor) -> Provider {
    let patience = argentum_testkit::PATIENCE;
    let base_url = Some(vendor.base_url());
    Provider { kind, base_url, first_byte_timeout: patience, idle_timeout: patience, ..Provider::default() }
}

fn question() -> ChatRequest {
    let message = ChatMessage { role: ChatRole::User, content: json!("hello"), more: Map::new() };
    ChatRequest { model: "small".to_owned(), messages: vec![message], parameters: Map::new(), recalled: Vec::new() }
}

/// What a reader makes of these events, and whether the answer was whole then.
pub(super) fn read_all(mut reader: impl Reader, events: &[Value]) -> (Result<Vec<ChatEvent>, CallFailure>, bool) {
    let told = events.iter().try_fold(Vec::new(), |mut told, event| {
        told.extend(reader.read(&event.to_string())?);
        Ok(told)
    });
    (told, reader.is_whole())
}

/// What was told before the end, and the failure that was the end, if so.
#[derive(Debug)]
struct Told {
    events: Vec<ChatEvent>,
    failure: Option<CallFailure>,
}

// === impl Told ===

impl Told {
    /// Asks, and hears everything.
    async fn by(provider: &Provider) -> Self {
        let mut told = Self { events: Vec::new(), failure: None };
        match Endpoint::new(provider).unwrap().stream(Some(KEY), &question()).await {
            Ok(mut events) => {
                while let Some(event) = events.next().await {
                    match event {
                        Ok(event) => told.events.push(event),
                        Err(failure) => told.failure = Some(failure),
                    }
                }
            }
            Err(failure) => told.failure = Some(failure),
        }
        told
    }

    fn text(&self) -> String {
        let text = |event: &ChatEvent| if let ChatEvent::Text(text) = event { text.clone() } else { String::new() };
        self.events.iter().map(text).collect()
    }

    fn failure(&self) -> &CallFailure {
        self.failure.as_ref().expect("the call failed")
    }

    /// Class, and whether to ask again.
    fn class(&self) -> (FailureClass, bool) {
        (self.failure().class(), self.failure().is_retryable())
    }
}

/// A timeout that passes soon.
const SOON: Duration = Duration::from_millis(150);
