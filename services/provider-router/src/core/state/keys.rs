//! Accepted keys, and how far back they reach.

use std::collections::{BTreeMap, VecDeque};

use argentum_proto::ids::{Gateway, KeyDigest, TurnId};

/// Every key that was accepted within the horizon.
#[derive(Clone, Debug, Default, Hash)]
pub(in crate::core) struct Keys {
    turns: BTreeMap<KeyDigest, TurnId>,
    /// Oldest first.
    accepted: VecDeque<AcceptedKey>,
    /// Stored time of the newest purged key of each account.
    horizons: BTreeMap<Gateway, u64>,
}

/// One accepted key.
#[derive(Clone, Debug, Hash)]
pub(super) struct AcceptedKey {
    pub(super) digest: KeyDigest,
    pub(super) turn: TurnId,
    pub(super) gateway: Gateway,
    pub(super) accepted_uptime_ms: u64,
    /// The lower of platform time and own clock at acceptance: a platform whose clock runs ahead must not make the messages
    /// after it TooOld.
    pub(super) stored_time_ms: u64,
}

// === impl Keys ===

impl Keys {
    /// The turn that the key got.
    pub(in crate::core) fn get(&self, digest: KeyDigest) -> Option<TurnId> {
        self.turns.get(&digest).copied()
    }

    /// Whether a message of this time may have had a key that is purged. The present clock is not consulted.
    pub(in crate::core) fn is_too_old(&self, gateway: &Gateway, platform_time_ms: u64) -> bool {
        self.horizons.get(gateway).is_some_and(|purged_time_ms| platform_time_ms <= *purged_time_ms)
    }

    /// When the oldest key was accepted.
    pub(in crate::core) fn oldest_uptime_ms(&self) -> Option<u64> {
        self.accepted.front().map(|key| key.accepted_uptime_ms)
    }

    pub(super) fn insert(&mut self, key: AcceptedKey) {
        self.turns.insert(key.digest, key.turn);
        self.accepted.push_back(key);
    }

    pub(super) fn purge(&mut self, accepted_until_uptime_ms: u64) {
        while let Some(key) = self.accepted.pop_front_if(|key| key.accepted_uptime_ms <= accepted_until_uptime_ms) {
            self.turns.remove(&key.digest);
            self.raise_horizon(key.gateway, key.stored_time_ms);
        }
    }

    pub(super) fn raise_horizon(&mut self, gateway: Gateway, purged_time_ms: u64) {
        let horizon = self.horizons.entry(gateway).or_default();
        *horizon = purged_time_ms.max(*horizon);
    }

    pub(super) fn accepted(&self) -> impl Iterator<Item = &AcceptedKey> {
        self.accepted.iter()
    }

    pub(super) fn horizons(&self) -> impl Iterator<Item = (&Gateway, u64)> {
        self.horizons.iter().map(|(gateway, time_ms)| (gateway, *time_ms))
    }
}
