//! Those who answer: one folder per protocol, and what they have in common.

mod anthropic;
mod chat;
mod endpoint;
mod failure;
mod http;
pub(crate) mod offline;
mod openai;
mod reading;
pub(crate) mod relay;
#[cfg(test)]
mod tests;

use argentum_proto::ids::TurnId;
use tokio::sync::mpsc;

use crate::{actors::turns::CallEvent, core::VendorEvent};

pub(crate) use chat::{ChatEvent, ChatRequest, ChatRole, ChatStream};
use chat::{ChatMessage, ModelPage};
pub(crate) use endpoint::Endpoint;
pub(crate) use failure::CallFailure;

/// Where the events of one call go.
#[derive(Clone, Debug)]
pub(crate) struct EventSink {
    turn: TurnId,
    attempt: u32,
    events: mpsc::Sender<CallEvent>,
}

// === impl EventSink ===

impl EventSink {
    pub(crate) fn new(turn: TurnId, attempt: u32, events: mpsc::Sender<CallEvent>) -> Self {
        Self { turn, attempt, events }
    }

    /// Tells an event; waits while the actor has too many already. Without an actor there is nobody to tell.
    pub(crate) async fn tell(&self, event: VendorEvent) {
        let _ = self.events.send(CallEvent { turn: self.turn, attempt: self.attempt, event }).await;
    }
}
