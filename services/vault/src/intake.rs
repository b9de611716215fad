//! Keys that secrets on their way in are sealed to: each good for one secret, for a minute.

use std::collections::BTreeMap;

use argentum_service::sealing::Recipient;

/// How long an offered key is good for.
const LIFE_MS: u64 = 60_000;
/// Keys offered at the same time; the oldest makes room.
const OFFERS_MAX: usize = 16;

/// The keys that are on offer.
#[derive(Default)]
pub(crate) struct Intakes {
    offers: BTreeMap<u64, (Recipient, u64)>,
    offered: u64,
}

// === impl Intakes ===

impl Intakes {
    /// A new key: its name and its public half.
    pub(crate) fn offer(&mut self, now_ms: u64) -> (String, Vec<u8>) {
        let recipient = Recipient::new();
        let public = recipient.public();
        self.offered += 1;
        if self.offers.len() == OFFERS_MAX {
            self.offers.pop_first();
        }
        self.offers.insert(self.offered, (recipient, now_ms));
        (self.offered.to_string(), public)
    }

    /// Takes an offered key; it is gone with that. `None` where it is unknown, used or too old.
    pub(crate) fn take(&mut self, id: &str, now_ms: u64) -> Option<Recipient> {
        let (recipient, offered_at_ms) = self.offers.remove(&id.parse().ok()?)?;
        // A clock that went back makes it expired.
        (offered_at_ms <= now_ms && now_ms - offered_at_ms <= LIFE_MS).then_some(recipient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_good_once_and_for_a_minute() {
        let mut intakes = Intakes::default();
        let (first, _) = intakes.offer(1_000);
        assert!(intakes.take(&first, 61_000).is_some());
        assert!(intakes.take(&first, 61_000).is_none(), "used");
        let (late, _) = intakes.offer(1_000);
        assert!(intakes.take(&late, 61_001).is_none(), "too old");
        let (early, _) = intakes.offer(1_000);
        assert!(intakes.take(&early, 999).is_none(), "the clock went back");
    }

    #[test]
    fn the_oldest_offer_makes_room() {
        let mut intakes = Intakes::default();
        let (oldest, _) = intakes.offer(0);
        for _ in 0..OFFERS_MAX {
            intakes.offer(0);
        }
        assert!(intakes.take(&oldest, 0).is_none());
    }
}
