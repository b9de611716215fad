//! How much of a streamed answer may be on its way: credit in bytes, as plain values on both sides. Instants are given.
//!
//! The reader grants totals, counted from the beginning of the stream: a grant that is lost, repeated or overtaken costs nothing, since
//! the next one says more. It repeats them, which is also how the writer knows that the reader lives.

use std::time::{Duration, Instant};

/// What may be on its way at one time.
pub const WINDOW_BYTES: u64 = 256 * 1024;
/// Largest frame: small beside the window, so that a slow reader still gets a steady stream.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
/// What a frame costs at least. It bounds the number of frames on their way, and so the reader's queue.
const FRAME_COST_MIN: u64 = 256;
/// Frames with content that can be on their way at one time.
pub(crate) const FRAMES_MAX: usize = (WINDOW_BYTES / FRAME_COST_MIN) as usize;

/// How often either side says something, if only that it lives.
pub(crate) const BEAT: Duration = Duration::from_secs(3);
/// Silence for which the other side is taken for dead.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Share of the window after which the reader grants at once: often enough that a fast stream never waits.
const GRANTS_PER_WINDOW: u64 = 4;

/// The writer's side.
#[derive(Clone, Debug)]
pub(crate) struct SendCredit {
    granted_bytes: u64,
    sent_bytes: u64,
    heard_at: Instant,
    is_cancelled: bool,
}

/// Why a writer has nobody to write for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwanted {
    /// The reader says so.
    Cancelled,
    /// The reader has been silent for too long.
    Silent,
}

/// The reader's side.
#[derive(Clone, Debug)]
pub(crate) struct ReceiveCredit {
    read_bytes: u64,
    /// Read bytes as of the last grant.
    told_bytes: u64,
    told_at: Instant,
}

/// What a frame of so many bytes costs: never more than there can ever be.
pub(crate) fn cost(frame_bytes: usize) -> u64 {
    (frame_bytes as u64).clamp(FRAME_COST_MIN, WINDOW_BYTES)
}

// === impl SendCredit ===

impl SendCredit {
    pub(crate) fn new(now: Instant) -> Self {
        Self { granted_bytes: WINDOW_BYTES, sent_bytes: 0, heard_at: now, is_cancelled: false }
    }

    /// The reader was heard.
    pub(crate) fn granted(&mut self, total_bytes: u64, is_cancelled: bool, now: Instant) {
        self.granted_bytes = self.granted_bytes.max(total_bytes);
        self.is_cancelled |= is_cancelled;
        self.heard_at = self.heard_at.max(now);
    }

    /// Takes credit for a frame, if there is enough.
    pub(crate) fn take(&mut self, cost: u64) -> bool {
        let sent_bytes = self.sent_bytes.saturating_add(cost);
        let is_enough = sent_bytes <= self.granted_bytes;
        if is_enough {
            self.sent_bytes = sent_bytes;
        }
        is_enough
    }

    /// Whether somebody still reads.
    pub(crate) fn standing(&self, now: Instant) -> Result<(), Unwanted> {
        if self.is_cancelled {
            Err(Unwanted::Cancelled)
        } else if self.silent_at() <= now {
            Err(Unwanted::Silent)
        } else {
            Ok(())
        }
    }

    /// When the reader is taken for dead unless it is heard.
    pub(crate) fn silent_at(&self) -> Instant {
        self.heard_at + SILENCE_MAX
    }
}

// === impl ReceiveCredit ===

impl ReceiveCredit {
    pub(crate) fn new(now: Instant) -> Self {
        Self { read_bytes: 0, told_bytes: 0, told_at: now }
    }

    /// A frame was read.
    pub(crate) fn read(&mut self, cost: u64) {
        self.read_bytes = self.read_bytes.saturating_add(cost);
    }

    /// Whether so much was read that the writer should know at once.
    pub(crate) fn is_due(&self) -> bool {
        WINDOW_BYTES / GRANTS_PER_WINDOW <= self.read_bytes - self.told_bytes
    }

    /// When the next grant is due at the latest.
    pub(crate) fn due_at(&self) -> Instant {
        self.told_at + BEAT
    }

    /// The grant to send now.
    pub(crate) fn grant(&mut self, now: Instant) -> u64 {
        (self.told_bytes, self.told_at) = (self.read_bytes, now);
        self.read_bytes.saturating_add(WINDOW_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    /// What may happen between a writer and a reader.
    #[derive(Clone, Debug)]
    enum Deed {
        /// The writer has a frame of this size.
        Write(usize),
        /// The reader takes the oldest frame that arrived.
        Read,
        /// The reader sends a grant.
        Grant,
        /// A grant that is on its way arrives, is lost, or arrives and comes again later.
        Arrive(usize),
        Lose(usize),
        Repeat(usize),
    }

    struct World {
        writer: SendCredit,
        reader: ReceiveCredit,
        frames: VecDeque<u64>,
        grants: Vec<u64>,
        now: Instant,
    }

    impl World {
        fn new() -> Self {
            let now = Instant::now();
            Self { writer: SendCredit::new(now), reader: ReceiveCredit::new(now), frames: VecDeque::new(), grants: Vec::new(), now }
        }

        fn do_it(&mut self, deed: &Deed) {
            match deed {
                Deed::Write(bytes) if self.writer.take(cost(*bytes)) => self.frames.push_back(cost(*bytes)),
                Deed::Write(_) => {}
                Deed::Read => {
                    if let Some(cost) = self.frames.pop_front() {
                        self.reader.read(cost);
                    }
                }
                Deed::Grant => self.grants.push(self.reader.grant(self.now)),
                Deed::Arrive(_) | Deed::Lose(_) | Deed::Repeat(_) if self.grants.is_empty() => {}
                Deed::Arrive(at) => {
                    let grant = self.grants.swap_remove(at % self.grants.len());
                    self.writer.granted(grant, false, self.now);
                }
                Deed::Repeat(at) => self.writer.granted(self.grants[at % self.grants.len()], false, self.now),
                Deed::Lose(at) => _ = self.grants.swap_remove(at % self.grants.len()),
            }
        }

        fn bytes_on_their_way(&self) -> u64 {
            self.frames.iter().sum()
        }
    }

    fn deeds() -> impl Strategy<Value = Vec<Deed>> {
        let deed = prop_oneof![
            4 => (0..=FRAME_BYTES_MAX).prop_map(Deed::Write),
            2 => (0_usize..300).prop_map(Deed::Write),
            4 => Just(Deed::Read),
            2 => Just(Deed::Grant),
            2 => any::<usize>().prop_map(Deed::Arrive),
            1 => any::<usize>().prop_map(Deed::Lose),
            1 => any::<usize>().prop_map(Deed::Repeat),
        ];
        proptest::collection::vec(deed, 0..400)
    }

    proptest! {
        #[test]
        fn never_more_than_the_window_is_on_its_way(deeds in deeds()) {
            let mut world = World::new();
            for deed in &deeds {
                world.do_it(deed);
                prop_assert!(world.bytes_on_their_way() <= WINDOW_BYTES);
                prop_assert!(world.frames.len() <= FRAMES_MAX);
            }
        }

        #[test]
        fn whatever_was_lost_one_grant_that_arrives_lets_the_stream_go_on(deeds in deeds()) {
            let mut world = World::new();
            deeds.iter().for_each(|deed| world.do_it(deed));
            while !world.frames.is_empty() {
                world.do_it(&Deed::Read);
            }
            let grant = world.reader.grant(world.now);
            world.writer.granted(grant, false, world.now);
            prop_assert!(world.writer.take(cost(FRAME_BYTES_MAX)), "the writer waits for ever");
        }
    }

    #[test]
    fn a_reader_that_is_not_heard_for_ten_seconds_is_dead() {
        let now = Instant::now();
        let mut credit = SendCredit::new(now);
        credit.granted(0, false, now + BEAT);
        assert_eq!(credit.standing(now + SILENCE_MAX), Ok(()));
        assert_eq!(credit.standing(now + BEAT + SILENCE_MAX), Err(Unwanted::Silent));
    }

    #[test]
    fn a_cancel_that_is_overtaken_by_an_older_grant_stays_a_cancel() {
        let now = Instant::now();
        let mut credit = SendCredit::new(now);
        credit.granted(0, true, now);
        credit.granted(WINDOW_BYTES, false, now);
        assert_eq!(credit.standing(now), Err(Unwanted::Cancelled));
    }

    #[test]
    fn a_reader_grants_at_once_after_a_quarter_of_the_window() {
        let mut credit = ReceiveCredit::new(Instant::now());
        credit.read(WINDOW_BYTES / GRANTS_PER_WINDOW - 1);
        assert!(!credit.is_due());
        credit.read(1);
        assert!(credit.is_due());
        credit.grant(Instant::now());
        assert!(!credit.is_due());
    }
}
