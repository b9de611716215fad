//! Those who answer a prompt.

mod offline;

use argentum_proto::ids::TurnId;
use tokio::sync::mpsc;

use crate::{
    actors::turns::CallEvent,
    core::{Prompt, VendorEvent},
};

/// A vendor that can be asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Vendor {
    /// Built in: says that no model is configured.
    Offline,
}

/// Where the events of one call go.
#[derive(Clone, Debug)]
pub(crate) struct EventSink {
    turn: TurnId,
    attempt: u32,
    events: mpsc::Sender<CallEvent>,
}

// === impl Vendor ===

impl Vendor {
    /// Answers `prompt` into `sink`, ending with a final event.
    pub(crate) async fn complete(self, prompt: Prompt, sink: EventSink) {
        match self {
            Vendor::Offline => offline::complete(&prompt, sink).await,
        }
    }
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
