//! How fast lines may go out, as a plain value: some at once, then one per interval. Servers cut whoever writes faster.

/// Lines that may go out now.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    burst: u64,
    refill_ms: u64,
    /// When the bucket was or will be full, had nothing gone out since.
    full_at_ms: u64,
}

// === impl Bucket ===

impl Bucket {
    pub(super) fn new(burst: u32, refill_ms: u64) -> Self {
        Self { burst: u64::from(burst.max(1)), refill_ms, full_at_ms: 0 }
    }

    /// Takes one line out, if there is one.
    pub(super) fn take(&mut self, now_ms: u64) -> bool {
        let may = self.due_ms(now_ms) <= now_ms;
        if may {
            self.full_at_ms = self.full_at_ms.max(now_ms) + self.refill_ms;
        }
        may
    }

    /// When the next line may go out.
    pub(super) fn due_ms(&self, now_ms: u64) -> u64 {
        let room_ms = self.refill_ms.saturating_mul(self.burst - 1);
        self.full_at_ms.saturating_sub(room_ms).max(now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_out_at_once_and_then_one_line_per_interval() {
        let mut bucket = Bucket::new(4, 2_000);
        assert_eq!((0..6).filter(|_| bucket.take(10_000)).count(), 4);
        assert_eq!(bucket.due_ms(10_000), 12_000);
        assert!(!bucket.take(11_999) && bucket.take(12_000) && !bucket.take(12_000));
    }

    #[test]
    fn a_rest_fills_it_again_and_not_further() {
        let mut bucket = Bucket::new(4, 2_000);
        while bucket.take(0) {}
        assert_eq!((0..9).filter(|_| bucket.take(1_000_000)).count(), 4);
    }
}
