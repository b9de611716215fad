//! The platform: it keeps whatever it gets, byte by byte, and what is labelled apart from what is not.

use argentum_channel_gateway::outbox::Part;

/// What is delivered: two parts.
pub(crate) const TEXT: &str = "abcd";
const PART_BYTES: usize = 2;
/// Copies of one byte; bounds the space.
const COPIES_MAX: u8 = 3;

/// How often each byte stands.
#[derive(Clone, Default, Hash)]
pub(crate) struct Platform {
    plain: [u8; TEXT.len()],
    labelled: [u8; TEXT.len()],
}

/// The label takes no room.
pub(crate) fn split(rest: &str, _: bool) -> usize {
    rest.len().min(PART_BYTES)
}

/// The label takes half of a part.
pub(crate) fn split_narrowly(rest: &str, is_labelled: bool) -> usize {
    rest.len().min(if is_labelled { PART_BYTES / 2 } else { PART_BYTES })
}

// === impl Platform ===

impl Platform {
    pub(crate) fn store(&mut self, part: &Part) {
        let from = usize::try_from(part.id.first_byte).unwrap();
        let copies = if part.maybe_sent { &mut self.labelled } else { &mut self.plain };
        copies[from..from + part.text.len()].iter_mut().for_each(|copies| *copies += 1);
    }

    /// Where bytes stand twice without a label.
    pub(crate) fn doubled(&self) -> Option<usize> {
        self.plain.iter().position(|copies| 1 < *copies)
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.copies().all(|copies| 0 < copies)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.copies().any(|copies| COPIES_MAX <= copies)
    }

    fn copies(&self) -> impl Iterator<Item = u8> {
        self.plain.iter().zip(&self.labelled).map(|(plain, labelled)| plain + labelled)
    }
}
