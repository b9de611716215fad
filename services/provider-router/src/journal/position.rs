//! Where a record stands in the journal.

use std::fmt;

/// A record's place: the number of its frame, then its index in that frame.
///
/// Frame numbers go on for the life of the journal, also across the copy that every opening makes, so a record keeps its
/// position as long as it exists and positions order all records ever written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

/// Bits of the index; a frame holds at most 512 records.
const INDEX_BITS: u32 = 16;

// === impl Position ===

impl Position {
    /// Before the first record of any journal.
    pub const START: Self = Self(0);

    pub(crate) const fn new(frame: u64, index: u16) -> Self {
        Self(frame << INDEX_BITS | index as u64)
    }

    /// The number of the frame, from 1.
    pub const fn frame(self) -> u64 {
        self.0 >> INDEX_BITS
    }

    /// The place in the frame, from 0.
    pub const fn index(self) -> u16 {
        (self.0 & ((1 << INDEX_BITS) - 1)) as u16
    }

    /// As a number that orders as positions do, for a store.
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    /// The position that [`Position::to_u64`] made.
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.frame(), self.index())
    }
}
