//! The pairing of one account, kept in the gateway's store: a change is on disk before anybody acts on it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use argentum_proto::ids::{ConversationId, Gateway};
use argentum_service::unix_ms;
use argentum_store::{Batch, StoreError, Tree};
use tokio::sync::{Mutex, MutexGuard};
use tracing::warn;

use super::{
    pairing::{Author, HOUR_MS, Pairing, REPLIES_PER_HOUR, Stranger, Verdict, is_within},
    shelf::Shelf,
};

const TREE: Tree = Tree::new("pairing");
/// Accounts that are read at once.
const PAGE_RECORDS: usize = 100;

/// Who may write to one account.
pub(crate) struct Admission {
    gateway: Gateway,
    shelf: Shelf,
    /// Let in by the configuration.
    allowed: BTreeSet<String>,
    pairing: Mutex<Pairing>,
    /// When the operator was last told that strangers hear nothing.
    crowd_told_ms: AtomicU64,
}

/// Why the pairing of an account cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdmissionError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the pairing of `{gateway}` cannot be read; use the version that wrote it")]
    Decode {
        gateway: Gateway,
        #[source]
        source: serde_json::Error,
    },
}

// === impl Admission ===

impl Admission {
    /// Reads who is let in; blocks on the disk.
    pub(crate) fn open(gateway: Gateway, shelf: Shelf, allowed: impl IntoIterator<Item = String>) -> Result<Self, AdmissionError> {
        let pairing = match shelf.store().get(TREE, gateway.as_str().as_bytes())? {
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|source| AdmissionError::Decode { gateway: gateway.clone(), source })?,
            None => Pairing::default(),
        };
        let (allowed, pairing) = (allowed.into_iter().collect(), Mutex::new(pairing));
        Ok(Self { gateway, shelf, allowed, pairing, crowd_told_ms: AtomicU64::new(0) })
    }

    /// What becomes of a message of `author`; `pairs` says that it asks to let its group in.
    pub(crate) async fn judge(&self, author: &Author, pairs: bool) -> Result<Verdict, StoreError> {
        let entropy = getrandom::u64().unwrap_or_default();
        let pairing = self.pairing.lock().await;
        let mut next = pairing.clone();
        // Without randomness nobody is told a code that could be guessed.
        let verdict = match next.judge(author, &self.allowed, pairs, entropy, unix_ms()) {
            Verdict::Invited { .. } if entropy == 0 => return Ok(Verdict::Ignored),
            Verdict::Crowded => {
                self.tell_of_crowd(unix_ms());
                Verdict::Crowded
            }
            verdict => verdict,
        };
        self.keep(pairing, next).await?;
        Ok(verdict)
    }

    /// Tells the operator, once an hour, that strangers hear nothing; returns whether it did.
    fn tell_of_crowd(&self, now_ms: u64) -> bool {
        if is_within(self.crowd_told_ms.load(Ordering::Relaxed), HOUR_MS, now_ms) {
            return false;
        }
        self.crowd_told_ms.store(now_ms, Ordering::Relaxed);
        warn!(gateway = %self.gateway, strangers = REPLIES_PER_HOUR, "as many strangers as may be were told a code; others hear nothing for up to an hour");
        true
    }

    /// Lets in who was told `code`; `None` where nobody was, or too long ago.
    pub(crate) async fn approve(&self, code: &str) -> Result<Option<Stranger>, StoreError> {
        let pairing = self.pairing.lock().await;
        let mut next = pairing.clone();
        let stranger = next.approve(code, unix_ms());
        self.keep(pairing, next).await?;
        Ok(stranger)
    }

    /// Lets a group in.
    pub(crate) async fn approve_group(&self, id: &ConversationId) -> Result<(), StoreError> {
        let pairing = self.pairing.lock().await;
        let mut next = pairing.clone();
        next.approve_group(id, unix_ms());
        self.keep(pairing, next).await
    }

    /// Lets a person or group in no longer; returns whether there was one.
    pub(crate) async fn revoke(&self, id: &str) -> Result<bool, StoreError> {
        let pairing = self.pairing.lock().await;
        let mut next = pairing.clone();
        let was_known = next.revoke(id);
        self.keep(pairing, next).await?;
        Ok(was_known)
    }

    /// Ids that only a change of the configuration takes away.
    pub(crate) fn allowed(&self) -> &BTreeSet<String> {
        &self.allowed
    }

    /// Everybody that the account knows.
    pub(crate) async fn pairing(&self) -> Pairing {
        self.pairing.lock().await.clone()
    }

    async fn keep(&self, mut pairing: MutexGuard<'_, Pairing>, next: Pairing) -> Result<(), StoreError> {
        if *pairing == next {
            return Ok(());
        }
        let mut batch = Batch::new();
        batch.put(TREE, self.gateway.as_str(), serde_json::to_vec(&next).expect("text keys and plain values are always JSON"));
        self.shelf.keep(batch).await?;
        *pairing = next;
        Ok(())
    }
}

/// The accounts that somebody is still paired with, and that are not `configured`; blocks on the disk.
pub(crate) fn former(shelf: &Shelf, configured: &BTreeSet<String>) -> Result<BTreeMap<Gateway, Arc<Admission>>, StoreError> {
    let mut former = BTreeMap::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = shelf.store().scan(TREE, &[], after.as_deref(), PAGE_RECORDS)?;
        for (key, _) in &page.records {
            let Some(gateway) = str::from_utf8(key).ok().and_then(|name| name.parse::<Gateway>().ok()) else { continue };
            if configured.contains(gateway.as_str()) {
                continue;
            }
            match Admission::open(gateway.clone(), shelf.clone(), []) {
                Ok(mut admission) => {
                    if admission.pairing.get_mut().has_guests() {
                        former.insert(gateway, Arc::new(admission));
                    }
                }
                Err(AdmissionError::Store(error)) => return Err(error),
                Err(error) => {
                    warn!(error = argentum_service::chain(&error), "who is paired with an account that is not configured is not known");
                }
            }
        }
        match page.records.last() {
            Some((key, _)) if page.is_partial => after = Some(key.clone()),
            _ => return Ok(former),
        }
    }
}

#[cfg(test)]
mod tests {
    use argentum_store::MemoryStore;

    use super::*;
    use crate::channels::pairing::Place;

    fn stranger() -> Author {
        Author { id: "1".parse().unwrap(), name: "Ada".to_owned(), is_weak: false, place: Place::Private("1".parse().unwrap()) }
    }

    fn admission(store: &Arc<MemoryStore>) -> Admission {
        let shelf = Shelf::over(Arc::clone(store) as Arc<dyn argentum_store::Store>);
        Admission::open("home".parse().unwrap(), shelf, Vec::new()).unwrap()
    }

    #[tokio::test]
    async fn who_was_approved_is_let_in_after_a_restart() {
        let store = Arc::new(MemoryStore::new());
        let Verdict::Invited { code } = admission(&store).judge(&stranger(), false).await.unwrap() else { panic!("no code") };
        admission(&store).approve(&code).await.unwrap().unwrap();
        assert_eq!(admission(&store).judge(&stranger(), false).await.unwrap(), Verdict::Admitted);
    }

    #[tokio::test]
    async fn who_is_paired_with_an_account_that_is_gone_is_known_and_can_be_revoked() {
        let store = Arc::new(MemoryStore::new());
        let Verdict::Invited { code } = admission(&store).judge(&stranger(), false).await.unwrap() else { panic!("no code") };
        admission(&store).approve(&code).await.unwrap().unwrap();
        let shelf = Shelf::over(Arc::clone(&store) as Arc<dyn argentum_store::Store>);
        assert!(former(&shelf, &BTreeSet::from(["home".to_owned()])).unwrap().is_empty(), "it is configured");
        let gone = former(&shelf, &BTreeSet::new()).unwrap();
        let [(gateway, kept)] = &gone.into_iter().collect::<Vec<_>>()[..] else { panic!("one account") };
        assert!(gateway.as_str() == "home" && kept.revoke("1").await.unwrap());
        assert!(former(&shelf, &BTreeSet::new()).unwrap().is_empty());
        assert_ne!(admission(&store).judge(&stranger(), false).await.unwrap(), Verdict::Admitted);
    }

    #[tokio::test]
    async fn a_crowd_is_told_to_the_operator_once_an_hour() {
        let admission = admission(&Arc::new(MemoryStore::new()));
        let now_ms = 1_700_000_000_000;
        let told = [0, 1, HOUR_MS - 1, HOUR_MS].map(|later_ms| admission.tell_of_crowd(now_ms + later_ms));
        assert_eq!(told, [true, false, false, true]);
    }

    #[tokio::test]
    async fn nobody_is_told_a_code_that_is_not_on_disk() {
        let store = Arc::new(MemoryStore::new());
        let admission = admission(&store);
        store.fail(StoreError::Closed);
        assert!(admission.judge(&stranger(), false).await.is_err());
        assert!(admission.shelf.broken().is_cancelled());
        assert_eq!(admission.pairing().await, Pairing::default());
    }
}
