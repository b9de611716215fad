//! Since when we are in which channel, and how often we were away: what was said then is not ours, and we say so.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use argentum_proto::ids::Gateway;
use argentum_store::{Batch, StoreError, Tree};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::channels::shelf::Shelf;

const TREE: Tree = Tree::new("irc-presence");

/// Where one account is.
pub(super) struct Presence {
    gateway: Gateway,
    shelf: Shelf,
    /// The channels that we are in, with how often we had been away.
    present: Mutex<BTreeMap<String, u64>>,
}

/// A time that we were not in a channel in which we had been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// The last moment at which we surely were there, in Unix milliseconds.
    pub(super) since_ms: u64,
    /// How many gaps this channel has had, this one included: how much was not received in them is not known.
    pub(super) unreceived_gaps: u64,
}

// === impl Presence ===

impl Presence {
    pub(super) fn new(gateway: Gateway, shelf: Shelf) -> Self {
        Self { gateway, shelf, present: Mutex::default() }
    }

    /// The gap before now, if we had been in this channel ever.
    pub(super) async fn gap(&self, channel: &str) -> Result<Option<Gap>, StoreError> {
        let value = self.shelf.store().got(TREE, self.key(channel).into_bytes()).await?;
        Ok(value.as_deref().and_then(decode).map(|(since_ms, gaps)| Gap { since_ms, unreceived_gaps: gaps + 1 }))
    }

    /// From now on we are there; `gap` was stated.
    pub(super) async fn enter(&self, channel: &str, gap: Option<Gap>, now_ms: u64) -> Result<(), StoreError> {
        let gaps = gap.map_or(0, |gap| gap.unreceived_gaps);
        self.lock().insert(channel.to_owned(), gaps);
        self.keep([(channel.to_owned(), gaps)], now_ms).await
    }

    /// We are there no more.
    pub(super) async fn leave(&self, channel: &str, now_ms: u64) -> Result<(), StoreError> {
        let left = self.lock().remove_entry(channel);
        self.keep(left, now_ms).await
    }

    /// We are nowhere.
    pub(super) async fn leave_all(&self, now_ms: u64) -> Result<(), StoreError> {
        let left = std::mem::take(&mut *self.lock());
        self.keep(left, now_ms).await
    }

    /// Notes that we are still where we are: if we die, the gap begins here.
    pub(super) async fn beat(&self, now_ms: u64) -> Result<(), StoreError> {
        let present = self.lock().clone();
        self.keep(present, now_ms).await
    }

    async fn keep(&self, channels: impl IntoIterator<Item = (String, u64)>, now_ms: u64) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        for (channel, gaps) in channels {
            batch.put(TREE, self.key(&channel), [now_ms.to_be_bytes(), gaps.to_be_bytes()].concat());
        }
        if batch.is_empty() { Ok(()) } else { self.shelf.keep(batch).await }
    }

    /// Names of channels may be longer than keys.
    fn key(&self, channel: &str) -> String {
        format!("{}/{}", self.gateway, HEXLOWER.encode(&Sha256::digest(channel.as_bytes())[..16]))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Gap ===

impl Gap {
    /// What the channel is told.
    pub(super) fn text(&self, now_ms: u64) -> String {
        let seconds = now_ms.saturating_sub(self.since_ms) / 1_000;
        let about = match seconds {
            0..=119 => format!("{} s", seconds.max(1)),
            120..=7_199 => format!("{} min", seconds / 60),
            7_200..=172_799 => format!("{} hours", seconds / 3_600),
            _ => format!("{} days", seconds / 86_400),
        };
        format!("I was away for about {about}. What was said here meanwhile did not reach me.")
    }
}

fn decode(value: &[u8]) -> Option<(u64, u64)> {
    let (since_ms, gaps) = value.split_at_checked(8)?;
    Some((u64::from_be_bytes(since_ms.try_into().ok()?), u64::from_be_bytes(gaps.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use argentum_store::{MemoryStore, Store};

    use super::*;

    fn presence(store: &Arc<MemoryStore>) -> Presence {
        Presence::new("irc".parse().unwrap(), Shelf::over(Arc::clone(store) as Arc<dyn Store>))
    }

    #[tokio::test]
    async fn where_we_never_were_nothing_was_missed() {
        let presence = presence(&Arc::new(MemoryStore::new()));
        assert_eq!(presence.gap("#tea").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_gap_begins_at_the_last_sign_of_life_and_is_counted() {
        let store = Arc::new(MemoryStore::new());
        let before = presence(&store);
        before.enter("#tea", None, 1_000).await.unwrap();
        before.beat(5_000).await.unwrap();
        let after = presence(&store);
        let gap = after.gap("#tea").await.unwrap();
        assert_eq!(gap, Some(Gap { since_ms: 5_000, unreceived_gaps: 1 }));
        after.enter("#tea", gap, 9_000).await.unwrap();
        after.leave_all(10_000).await.unwrap();
        after.beat(20_000).await.unwrap();
        assert_eq!(after.gap("#tea").await.unwrap(), Some(Gap { since_ms: 10_000, unreceived_gaps: 2 }));
    }

    #[test]
    fn a_gap_tells_how_long_it_was() {
        let text = |ms| Gap { since_ms: 0, unreceived_gaps: 1 }.text(ms);
        assert!(text(300).contains("1 s") && text(150_000).contains("2 min") && text(7_200_000).contains("2 hours"));
    }
}
