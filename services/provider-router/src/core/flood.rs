//! How fast a sender may write: a token bucket for each, on the monotonic clock.

use std::collections::BTreeMap;

use argentum_proto::ids::{Gateway, SenderId};

/// Buckets that are kept at most; beyond it, full ones are dropped, which changes nothing for their senders.
const BUCKETS_MAX: usize = 10_000;

/// The buckets of all senders that wrote lately.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Flood {
    buckets: BTreeMap<(Gateway, SenderId), Bucket>,
}

/// When the bucket will be full again says how much is in it now.
#[derive(Clone, Debug, Hash)]
struct Bucket {
    full_at_ms: u64,
}

/// How large a bucket is and how fast it fills.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub(super) burst: u64,
    pub(super) refill_ms: u64,
}

// === impl Flood ===

impl Flood {
    /// Takes one token of the sender's bucket, if there is one.
    pub(super) fn admits(&mut self, sender: (Gateway, SenderId), rate: Rate, now_ms: u64) -> bool {
        if BUCKETS_MAX <= self.buckets.len() {
            self.buckets.retain(|_, bucket| now_ms < bucket.full_at_ms);
        }
        let bucket = self.buckets.entry(sender).or_insert(Bucket { full_at_ms: now_ms });
        let full_at_ms = bucket.full_at_ms.max(now_ms) + rate.refill_ms;
        let has_token = full_at_ms - now_ms <= rate.burst * rate.refill_ms;
        if has_token {
            bucket.full_at_ms = full_at_ms;
        }
        has_token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, refill_ms: 100 };

    fn sender(name: &str) -> (Gateway, SenderId) {
        (Gateway::parse("web").unwrap(), SenderId::parse(name).unwrap())
    }

    #[test]
    fn a_flooding_sender_is_held_back() {
        let mut flood = Flood::default();
        let admitted = [(); 4].map(|()| flood.admits(sender("ada"), RATE, 0));
        assert_eq!(admitted, [true, true, true, false]);
    }

    #[test]
    fn a_flooding_sender_does_not_hold_back_another() {
        let mut flood = Flood::default();
        for _ in 0..4 {
            flood.admits(sender("ada"), RATE, 0);
        }
        assert!(flood.admits(sender("bob"), RATE, 0));
    }

    #[test]
    fn a_sender_gets_one_more_after_the_refill_time() {
        let mut flood = Flood::default();
        for _ in 0..4 {
            flood.admits(sender("ada"), RATE, 0);
        }
        let admitted = [99, 100, 100].map(|now_ms| flood.admits(sender("ada"), RATE, now_ms));
        assert_eq!(admitted, [false, true, false]);
    }
}
