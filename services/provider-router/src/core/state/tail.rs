//! The latest turns of a conversation, bounded by bytes and count.

use argentum_proto::channel::v1::PastTurn;

use super::Limits;

/// Turns that have an outcome, oldest first. The newest is kept whatever its size: for readers of a tail it is the delivery.
#[derive(Clone, Debug, Default, Hash)]
pub(in crate::core) struct Tail {
    turns: Vec<PastTurn>,
    bytes: usize,
}

// === impl Tail ===

impl Tail {
    pub(in crate::core) fn turns(&self) -> &[PastTurn] {
        &self.turns
    }

    pub(super) fn push(&mut self, turn: PastTurn, limits: Limits) {
        self.bytes += bytes(&turn);
        self.turns.push(turn);
        let mut dropped = 0;
        while self.is_over(dropped, limits) {
            self.bytes -= bytes(&self.turns[dropped]);
            dropped += 1;
        }
        self.turns.drain(..dropped);
    }

    fn is_over(&self, dropped: usize, limits: Limits) -> bool {
        let count = self.turns.len() - dropped;
        1 < count && (limits.count_max < count || limits.bytes_max < self.bytes)
    }
}

fn bytes(turn: &PastTurn) -> usize {
    turn.question.len() + turn.answer.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { bytes_max: 10, count_max: 3 };

    fn kept(sizes: &[usize]) -> Vec<usize> {
        let mut tail = Tail::default();
        for size in sizes {
            tail.push(PastTurn { answer: "x".repeat(*size), ..PastTurn::default() }, LIMITS);
        }
        tail.turns().iter().map(|turn| turn.answer.len()).collect()
    }

    #[test]
    fn the_oldest_turns_leave_when_there_are_too_many() {
        assert_eq!(kept(&[1, 2, 3, 4]), [2, 3, 4]);
    }

    #[test]
    fn the_oldest_turns_leave_when_they_are_too_long() {
        assert_eq!(kept(&[3, 4, 5]), [4, 5]);
    }

    #[test]
    fn the_newest_turn_stays_whatever_its_size() {
        assert_eq!(kept(&[1, 99]), [99]);
    }
}
