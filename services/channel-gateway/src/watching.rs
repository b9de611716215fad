//! Which progress of the watched conversation a page is told, as a plain value.
//!
//! Progress may be lost, and a snapshot crosses with what is on its way. So: what the snapshot contains already is dropped, a gap
//! asks for a new snapshot, a higher attempt replaces the text of the lower ones.

use argentum_proto::channel::v1::{TurnProgressed, turn_progressed::Change};

/// How far a page knows the running turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watching {
    turn: String,
    attempt: u32,
    sequence: u64,
    /// Nothing came since the last look.
    is_silent: bool,
}

/// What to do with a piece of progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The page knows it already.
    Drop,
    Tell,
    /// Something is missing, or the turn has ended: only a snapshot helps.
    Snapshot,
}

// === impl Watching ===

impl Watching {
    /// After a snapshot in which `turn` had got so far.
    pub(crate) fn at(turn: &str, attempt: u32, sequence: u64) -> Self {
        Self { turn: turn.to_owned(), attempt, sequence, is_silent: false }
    }

    /// Whether the turn that runs has said nothing since the last call.
    pub(crate) fn is_silent_again(&mut self) -> bool {
        let was_silent = std::mem::replace(&mut self.is_silent, true);
        was_silent && !self.turn.is_empty()
    }

    /// What to do with `progress` of the watched conversation.
    pub(crate) fn judge(&mut self, progress: &TurnProgressed) -> Verdict {
        let is_known = progress.turn_id == self.turn;
        self.is_silent = false;
        match progress.change {
            Some(Change::Started(_)) if is_known && progress.attempt <= self.attempt => Verdict::Drop,
            Some(Change::Started(_)) => {
                *self = Self::at(&progress.turn_id, progress.attempt, 0);
                Verdict::Tell
            }
            Some(Change::Appended(_)) if !is_known || progress.attempt > self.attempt => Verdict::Snapshot,
            Some(Change::Appended(_)) if progress.attempt < self.attempt || progress.sequence <= self.sequence => Verdict::Drop,
            Some(Change::Appended(_)) if progress.sequence == self.sequence + 1 => {
                self.sequence += 1;
                Verdict::Tell
            }
            Some(Change::Appended(_) | Change::Ended(_)) => Verdict::Snapshot,
            None => Verdict::Drop,
        }
    }
}

#[cfg(test)]
mod tests {
    use argentum_proto::channel::v1::{TextAppended, TurnEnded, TurnStarted};

    use super::*;

    fn progress(attempt: u32, sequence: u64, change: Change) -> TurnProgressed {
        TurnProgressed { turn_id: "t".into(), attempt, sequence, change: Some(change), ..TurnProgressed::default() }
    }

    fn delta(attempt: u32, sequence: u64) -> TurnProgressed {
        progress(attempt, sequence, Change::Appended(TextAppended { text: "x".into() }))
    }

    #[test]
    fn what_the_snapshot_contains_is_told_once() {
        let mut watching = Watching::at("t", 1, 2);
        let verdicts = [1, 2, 3, 3, 4].map(|sequence| watching.judge(&delta(1, sequence)));
        assert_eq!(verdicts, [Verdict::Drop, Verdict::Drop, Verdict::Tell, Verdict::Drop, Verdict::Tell]);
    }

    #[test]
    fn a_turn_that_goes_silent_is_asked_for() {
        let mut watching = Watching::at("t", 1, 2);
        assert_eq!([watching.is_silent_again(), watching.is_silent_again()], [false, true]);
        watching.judge(&delta(1, 3));
        assert!(!watching.is_silent_again());
        assert!(![Watching::default().is_silent_again(), Watching::default().is_silent_again()].contains(&true), "nothing runs");
    }

    #[test]
    fn a_gap_asks_for_a_snapshot() {
        assert_eq!(Watching::at("t", 1, 2).judge(&delta(1, 4)), Verdict::Snapshot);
    }

    #[test]
    fn a_higher_attempt_begins_anew_and_a_lower_one_is_late() {
        let mut watching = Watching::at("t", 1, 2);
        assert_eq!(watching.judge(&progress(2, 0, Change::Started(TurnStarted {}))), Verdict::Tell);
        assert_eq!(watching.judge(&delta(1, 3)), Verdict::Drop);
        assert_eq!(watching.judge(&delta(2, 1)), Verdict::Tell);
    }

    #[test]
    fn text_of_an_unknown_turn_or_attempt_asks_for_a_snapshot() {
        assert_eq!(Watching::default().judge(&delta(1, 1)), Verdict::Snapshot);
        assert_eq!(Watching::at("t", 1, 2).judge(&delta(2, 1)), Verdict::Snapshot);
    }

    #[test]
    fn the_end_of_a_turn_asks_for_a_snapshot() {
        assert_eq!(Watching::at("t", 1, 2).judge(&progress(1, 2, Change::Ended(TurnEnded::default()))), Verdict::Snapshot);
    }
}
