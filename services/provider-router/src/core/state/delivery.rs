//! How far the delivery of an outbound is, by what its receipts say.

use argentum_proto::ids::Incarnation;

/// What is still to be delivered of a turn's outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::core) struct Delivery {
    holder: Option<Incarnation>,
    held_from_byte: u64,
    next_byte: u64,
    maybe_sent: bool,
}

// === impl Delivery ===

impl Delivery {
    /// From what a checkpoint kept.
    pub(super) fn restore(hold: Option<(Incarnation, u64)>, next_byte: u64, maybe_sent: bool) -> Self {
        let (holder, held_from_byte) = hold.map_or((None, 0), |(holder, from_byte)| (Some(holder), from_byte));
        Self { holder, held_from_byte, next_byte, maybe_sent }
    }

    /// The incarnation that may send.
    pub(in crate::core) fn holder(&self) -> Option<&Incarnation> {
        self.holder.as_ref()
    }

    /// First byte without a receipt when the holder took it. What the holder says of bytes before is of an earlier hold, from
    /// which others have gone on.
    pub(in crate::core) fn held_from_byte(&self) -> u64 {
        self.held_from_byte
    }

    /// First byte without a receipt.
    pub(in crate::core) fn next_byte(&self) -> u64 {
        self.next_byte
    }

    /// The part at the first byte without a receipt may stand at the platform.
    pub(in crate::core) fn maybe_sent(&self) -> bool {
        self.maybe_sent
    }

    pub(super) fn take(&mut self, incarnation: Incarnation) {
        self.holder = Some(incarnation);
        self.held_from_byte = self.next_byte;
    }

    pub(super) fn lose_holder(&mut self) {
        self.holder = None;
        self.held_from_byte = 0;
    }

    pub(super) fn note_unknown(&mut self) {
        self.maybe_sent = true;
    }

    pub(super) fn note_sent(&mut self, to_byte: u64) {
        self.next_byte = to_byte;
        self.maybe_sent = false;
    }
}
