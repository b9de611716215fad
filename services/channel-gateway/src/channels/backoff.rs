//! Waits that grow, with a jitter, so that not all come again at the same moment.

use std::time::Duration;

/// The waits between tries.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    tries: u32,
}

// === impl Backoff ===

impl Backoff {
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, tries: 0 }
    }

    /// How long to wait now: doubled at each call, of which up to a half is left to chance.
    pub(crate) fn next(&mut self) -> Duration {
        let whole = self.min.saturating_mul(1 << self.tries.min(16)).min(self.max);
        self.tries = self.tries.saturating_add(1);
        // A system without randomness is no reason to fail here.
        let chance = f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        whole.mul_f64(0.5 + chance / 2.0)
    }

    /// The last try went well.
    pub(crate) fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_limit_and_begin_anew() {
        let (min, max) = (Duration::from_millis(100), Duration::from_secs(1));
        let mut backoff = Backoff::new(min, max);
        let waits: Vec<_> = (0..20).map(|_| backoff.next()).collect();
        assert!(waits[0] <= min && min / 2 <= waits[0]);
        assert!(waits.iter().all(|wait| *wait <= max) && max / 2 <= waits[19]);
        backoff.reset();
        assert!(backoff.next() <= min);
    }
}
