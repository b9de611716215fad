//! Vendor calls under way.

use std::{collections::HashMap, sync::Arc};

use argentum_proto::ids::TurnId;
use tokio::{sync::mpsc, task::AbortHandle};
use tracing::{Instrument, Span};

use crate::{
    core::{Prompt, VendorEvent},
    routing::Routing,
    vendors::{EventSink, relay},
};

/// Events of all calls that may wait for the actor. A vendor that is faster than that waits.
const EVENTS_CAPACITY: usize = 256;

/// One event of one call.
#[derive(Debug)]
pub(crate) struct CallEvent {
    pub(crate) turn: TurnId,
    pub(crate) attempt: u32,
    pub(crate) event: VendorEvent,
}

/// Vendor calls under way. Dropping it ends them.
pub(super) struct Calls {
    running: HashMap<TurnId, AbortHandle>,
    routing: Arc<Routing>,
    events: mpsc::Sender<CallEvent>,
}

// === impl Calls ===

impl Calls {
    pub(super) fn new(routing: Arc<Routing>) -> (Self, mpsc::Receiver<CallEvent>) {
        let (events, received) = mpsc::channel(EVENTS_CAPACITY);
        (Self { running: HashMap::new(), routing, events }, received)
    }

    /// Asks the vendor; what comes back arrives as events, ending with one that is final.
    pub(super) fn start(&mut self, turn: TurnId, attempt: u32, prompt: Prompt, span: Span) {
        let sink = EventSink::new(turn, attempt, self.events.clone());
        let call = tokio::spawn(relay::answer(Arc::clone(&self.routing), prompt, sink).instrument(span));
        if let Some(before) = self.running.insert(turn, call.abort_handle()) {
            before.abort();
        }
    }

    /// Ends the call of a turn: its task is dropped, and with it the vendor's connection.
    pub(super) fn cancel(&mut self, turn: TurnId) {
        if let Some(call) = self.running.remove(&turn) {
            call.abort();
        }
    }

    /// Forgets a call that has ended by itself.
    pub(super) fn ended(&mut self, turn: TurnId) {
        self.running.remove(&turn);
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.running.values().for_each(AbortHandle::abort);
    }
}
