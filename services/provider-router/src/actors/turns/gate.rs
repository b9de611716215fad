//! The one gate: nothing leaves the router before all that it has decided is on disk.

use std::collections::VecDeque;

/// What was decided and waits for the journal.
#[derive(Debug)]
pub(super) struct Gate<E> {
    /// Oldest first, each with the append that it waits for.
    held: VecDeque<(u64, E)>,
    synced: u64,
}

// === impl Gate ===

impl<E> Gate<E> {
    pub(super) fn new() -> Self {
        Self { held: VecDeque::new(), synced: 0 }
    }

    /// Holds `effect` until the append `number`, the last one that was made, is synced. Returns it where it is already.
    pub(super) fn pass(&mut self, effect: E, number: u64) -> Option<E> {
        if number <= self.synced && self.held.is_empty() {
            return Some(effect);
        }
        self.held.push_back((number, effect));
        None
    }

    /// Takes note that everything up to the append `number` is synced; what waited for no more may leave, in order.
    pub(super) fn open_until(&mut self, number: u64) -> Vec<E> {
        self.synced = self.synced.max(number);
        let free = self.held.iter().take_while(|(held_for, _)| *held_for <= self.synced).count();
        self.held.drain(..free).map(|(_, effect)| effect).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_before_what_was_written_before_it_is_synced() {
        let mut gate = Gate::new();
        assert_eq!(gate.pass("a", 1), None);
        assert_eq!(gate.pass("b", 2), None);
        assert_eq!(gate.open_until(1), ["a"]);
        assert_eq!(gate.open_until(2), ["b"]);
    }

    #[test]
    fn what_waits_for_nothing_leaves_at_once() {
        let mut gate = Gate::new();
        gate.open_until(3);
        assert_eq!(gate.pass("a", 3), Some("a"));
    }

    #[test]
    fn nobody_overtakes_another() {
        let mut gate = Gate::new();
        gate.pass("late", 2);
        assert_eq!(gate.pass("early", 1), None);
        assert_eq!(gate.open_until(1), Vec::<&str>::new());
        assert_eq!(gate.open_until(2), ["late", "early"]);
    }
}
