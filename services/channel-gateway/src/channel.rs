//! What every channel's sender offers to the outbox that drives it.

use std::pin::Pin;

use crate::outbox::{Outcome, Part, Split};

/// A send under way; how it ended.
pub type Sending = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The sending half of a channel.
pub trait Sender: Send + Sync + 'static {
    /// How the platform's limits cut a text, in its own unit.
    fn split(&self) -> Split;

    /// Sends a part. Only one part of a conversation is on its way at a time. Where `part.maybe_sent`, the platform may have it already:
    /// look first, if it can be asked, else repeat it visibly labelled.
    fn send(&self, part: Part) -> Sending;
}
