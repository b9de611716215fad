//! What the gateway itself tells in a chat: rejections, pairing, help. At most once: remembered, synced, then sent.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use argentum_proto::ids::{Gateway, KeyDigest};
use argentum_service::unix_ms;
use argentum_store::{Batch, Records, StoreError, Tree};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use tracing::{debug, warn};

use super::shelf::Shelf;

const TREE: Tree = Tree::new("notice");
/// How long it is remembered that something was told: longer than any platform brings a message again.
const REMEMBERED_MS: u64 = 30 * 24 * 60 * 60 * 1_000;
/// Names of notices that one round of forgetting looks at.
const FORGOTTEN_MAX: usize = 10_000;
/// Notices that a conversation is told at once, and how long it then waits for one more: who floods is not answered with a flood.
const BURST: f64 = 5.0;
const REFILL: Duration = Duration::from_secs(5);
/// Conversations whose pace is known.
const PACES_MAX: usize = 1_000;
/// How long a notice may take. It is lost then: nothing waits for it.
const SEND_DEADLINE: Duration = Duration::from_secs(20);

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) platform_conversation_id: String,
    /// The message that it answers; empty = none.
    pub(crate) reply_to: String,
    pub(crate) text: String,
}

/// How a channel tells a notice: one try.
pub(crate) trait Teller: Send + Sync + 'static {
    fn tell(&self, notice: Notice) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>>;
}

/// The notices of one account.
pub(crate) struct Notices {
    gateway: Gateway,
    shelf: Shelf,
    teller: Arc<dyn Teller>,
    paces: Mutex<HashMap<String, Pace>>,
}

/// What a notice is about: told twice, it is one notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoticeName([u8; 16]);

#[derive(Clone, Copy)]
struct Pace {
    left: f64,
    at: Instant,
}

// === impl Notices ===

impl Notices {
    /// Forgets what is too old; blocks on the disk.
    pub(crate) fn open(gateway: Gateway, shelf: Shelf, teller: Arc<dyn Teller>) -> Result<Self, StoreError> {
        let notices = Self { gateway, shelf, teller, paces: Mutex::default() };
        let expired = notices.expired(unix_ms())?;
        if !expired.is_empty() {
            notices.shelf.store().commit_blocking(expired)?;
        }
        Ok(notices)
    }

    /// Tells it, unless something of this name was told before. A notice that gets lost is lost.
    pub(crate) async fn once(&self, name: NoticeName, notice: Notice) -> Result<(), StoreError> {
        let key = self.key(name);
        if self.shelf.store().got(TREE, key.clone()).await?.is_some() {
            return Ok(());
        }
        if !self.has_pace(&notice.platform_conversation_id, Instant::now()) {
            debug!(gateway = %self.gateway, "a notice is left out: the conversation was told several lately");
            return Ok(());
        }
        let mut batch = Batch::new();
        batch.put(TREE, key, unix_ms().to_be_bytes());
        self.shelf.keep(batch).await?;
        match tokio::time::timeout(SEND_DEADLINE, self.teller.tell(notice)).await {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => warn!(gateway = %self.gateway, reason, "a notice is lost"),
            Err(_) => warn!(gateway = %self.gateway, "a notice is lost: the platform did not take it in time"),
        }
        Ok(())
    }

    fn key(&self, name: NoticeName) -> Vec<u8> {
        format!("{}/{}", self.gateway, HEXLOWER.encode(&name.0)).into_bytes()
    }

    fn has_pace(&self, conversation: &str, now: Instant) -> bool {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        if PACES_MAX <= paces.len() {
            paces.retain(|_, pace| pace.refilled(now) < BURST);
        }
        if PACES_MAX <= paces.len() && !paces.contains_key(conversation) {
            return false;
        }
        let pace = paces.entry(conversation.to_owned()).or_insert(Pace { left: BURST, at: now });
        *pace = Pace { left: pace.refilled(now), at: now };
        let has_one = 1.0 <= pace.left;
        pace.left -= if has_one { 1.0 } else { 0.0 };
        has_one
    }

    fn expired(&self, now_ms: u64) -> Result<Batch, StoreError> {
        let store: &dyn Records = self.shelf.store().as_ref();
        let mut batch = Batch::new();
        for (key, value) in store.scan(TREE, format!("{}/", self.gateway).as_bytes(), None, FORGOTTEN_MAX)?.records {
            let told_ms = value.as_slice().try_into().map(u64::from_be_bytes).unwrap_or_default();
            if REMEMBERED_MS < now_ms.saturating_sub(told_ms) {
                batch.delete(TREE, key);
            }
        }
        Ok(batch)
    }
}

// === impl Pace ===

impl Pace {
    fn refilled(self, now: Instant) -> f64 {
        (self.left + now.duration_since(self.at).as_secs_f64() / REFILL.as_secs_f64()).min(BURST)
    }
}

// === impl NoticeName ===

impl NoticeName {
    /// Of a notice that is not about a message.
    pub(crate) fn of(what: &str) -> Self {
        let mut name = [0; 16];
        name.copy_from_slice(&Sha256::digest(what.as_bytes())[..16]);
        Self(name)
    }
}

impl From<KeyDigest> for NoticeName {
    fn from(message: KeyDigest) -> Self {
        Self(*message.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use argentum_store::MemoryStore;

    use super::*;

    #[derive(Default)]
    struct Told(Mutex<Vec<String>>);

    impl Teller for Told {
        fn tell(&self, notice: Notice) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
            self.0.lock().unwrap().push(notice.text);
            Box::pin(async { Ok(()) })
        }
    }

    fn notice(text: &str) -> Notice {
        Notice { platform_conversation_id: "1".to_owned(), reply_to: String::new(), text: text.to_owned() }
    }

    fn notices(store: &Arc<MemoryStore>, told: &Arc<Told>) -> Notices {
        let shelf = Shelf::over(Arc::clone(store) as Arc<dyn argentum_store::Store>);
        Notices::open("home".parse().unwrap(), shelf, Arc::clone(told) as Arc<dyn Teller>).unwrap()
    }

    #[tokio::test]
    async fn a_notice_is_told_once_also_after_a_restart() {
        let (store, told) = (Arc::new(MemoryStore::new()), Arc::new(Told::default()));
        for _ in 0..2 {
            notices(&store, &told).once(NoticeName::of("a"), notice("a")).await.unwrap();
        }
        assert_eq!(*told.0.lock().unwrap(), ["a"]);
    }

    #[tokio::test]
    async fn a_notice_that_cannot_be_remembered_is_not_told() {
        let (store, told) = (Arc::new(MemoryStore::new()), Arc::new(Told::default()));
        let notices = notices(&store, &told);
        store.fail(StoreError::Closed);
        assert!(notices.once(NoticeName::of("a"), notice("a")).await.is_err());
        assert!(told.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_flood_is_not_answered_with_a_flood() {
        let (store, told) = (Arc::new(MemoryStore::new()), Arc::new(Told::default()));
        let notices = notices(&store, &told);
        for number in 0..20 {
            notices.once(NoticeName::of(&number.to_string()), notice("slow down")).await.unwrap();
        }
        assert_eq!(told.0.lock().unwrap().len(), 5);
    }
}
