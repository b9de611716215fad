//! What completions of `/v1` cost, on its way into the journal: they are no turns, but their spend is in the same books.

use actix::{Context, StreamHandler};
use argentum_proto::{ids::CompletionId, provider::v1::Settlement};
use tokio::sync::{mpsc, oneshot};

use super::Turns;
use crate::core::Input;

/// Entries on their way; who makes more waits.
const CAPACITY: usize = 256;

/// Hands entries to the books. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Ledger(mpsc::Sender<Entry>);

/// What happened to a completion.
#[derive(Debug)]
pub(crate) enum Entry {
    /// It may cost so much; answered once that is on disk, or refused.
    Hold { completion: CompletionId, estimate: Settlement, held: oneshot::Sender<bool> },
    /// It cost so much.
    Settle { completion: CompletionId, settlement: Option<Settlement> },
}

// === impl Ledger ===

impl Ledger {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Entry>) {
        let (sender, entries) = mpsc::channel(CAPACITY);
        (Self(sender), entries)
    }

    /// Holds what a completion may cost. Returns whether it may go on; it is to be settled either way.
    pub(crate) async fn hold(&self, completion: CompletionId, estimate: Settlement) -> bool {
        let (held, is_held) = oneshot::channel();
        let is_told = self.0.send(Entry::Hold { completion, estimate, held }).await.is_ok();
        is_told && is_held.await.unwrap_or(false)
    }

    /// Settles a completion. Without the books the process ends, and the next life settles what was held.
    pub(crate) async fn settle(&self, completion: CompletionId, settlement: Option<Settlement>) {
        let _ = self.0.send(Entry::Settle { completion, settlement }).await;
    }
}

impl StreamHandler<Entry> for Turns {
    fn handle(&mut self, entry: Entry, context: &mut Context<Self>) {
        match entry {
            Entry::Hold { completion, estimate, held } => {
                self.waiting.completions.insert(completion, held);
                self.handle_input(Input::CompletionAsked { completion, estimate }, context);
            }
            Entry::Settle { completion, settlement } => self.handle_input(Input::CompletionEnded { completion, settlement }, context),
        }
    }
}
