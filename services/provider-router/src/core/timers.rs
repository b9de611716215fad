//! What is due when, on the monotonic clock. One due time per timer: setting it again moves it.

use std::collections::{BTreeMap, BTreeSet};

use argentum_proto::ids::{Gateway, OutboundId, TurnId};

/// Something that happens when nothing else did.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Timer {
    /// The turn goes on without recalled records.
    Recall(TurnId),
    /// The vendor is asked again.
    Retry(TurnId),
    /// The turn has taken too long.
    Deadline(TurnId),
    /// The outbound is published again.
    Publish(OutboundId),
    /// The outbound has taken too long.
    Expire(OutboundId),
    /// The gateway is asked again who lives.
    AskHello(Gateway),
    /// The turn is remembered again.
    Remember(TurnId),
    /// Uptime is counted, keys are purged.
    Housekeeping,
}

/// All timers that are set.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Timers {
    by_due: BTreeSet<(u64, Timer)>,
    due_of: BTreeMap<Timer, u64>,
}

// === impl Timers ===

impl Timers {
    /// Sets or moves a timer.
    pub(super) fn set(&mut self, timer: Timer, due_ms: u64) {
        self.cancel(&timer);
        self.due_of.insert(timer.clone(), due_ms);
        self.by_due.insert((due_ms, timer));
    }

    /// Forgets a timer, if it is set.
    pub(super) fn cancel(&mut self, timer: &Timer) {
        if let Some(due_ms) = self.due_of.remove(timer) {
            self.by_due.remove(&(due_ms, timer.clone()));
        }
    }

    /// Takes the earliest timer that is due.
    pub(super) fn pop(&mut self, now_ms: u64) -> Option<Timer> {
        let is_due = self.next_due_ms().is_some_and(|due_ms| due_ms <= now_ms);
        let (_, timer) = if is_due { self.by_due.pop_first() } else { None }?;
        self.due_of.remove(&timer);
        Some(timer)
    }

    /// When the earliest timer is due.
    pub(super) fn next_due_ms(&self) -> Option<u64> {
        self.by_due.first().map(|(due_ms, _)| *due_ms)
    }
}

/// `min` doubled `times` times, at most `max`.
pub(super) fn backoff_ms(min: u64, max: u64, times: u32) -> u64 {
    min.saturating_mul(1 << times.min(32)).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_that_is_set_again_is_due_once() {
        let mut timers = Timers::default();
        timers.set(Timer::Housekeeping, 5);
        timers.set(Timer::Housekeeping, 9);
        assert_eq!([timers.pop(8), timers.pop(9), timers.pop(10)], [None, Some(Timer::Housekeeping), None]);
    }
}
