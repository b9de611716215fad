//! The pairing of one account, kept in the gateway's store: a change is on disk before anybody acts on it.

use std::collections::BTreeSet;

use argentum_proto::ids::{ConversationId, Gateway};
use argentum_service::unix_ms;
use argentum_store::{Batch, StoreError, Tree};
use tokio::sync::{Mutex, MutexGuard};

use super::{
    pairing::{Author, Pairing, Stranger, Verdict},
    shelf::Shelf,
};

const TREE: Tree = Tree::new("pairing");

/// Who may write to one account.
pub(crate) struct Admission {
    gateway: Gateway,
    shelf: Shelf,
    /// Let in by the configuration.
    allowed: BTreeSet<String>,
    pairing: Mutex<Pairing>,
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
        Ok(Self { gateway, shelf, allowed: allowed.into_iter().collect(), pairing: Mutex::new(pairing) })
    }

    /// What becomes of a message of `author`; `pairs` says that it asks to let its group in.
    pub(crate) async fn judge(&self, author: &Author, pairs: bool) -> Result<Verdict, StoreError> {
        let entropy = getrandom::u64().unwrap_or_default();
        let pairing = self.pairing.lock().await;
        let mut next = pairing.clone();
        // Without randomness nobody is told a code that could be guessed.
        let verdict = match next.judge(author, &self.allowed, pairs, entropy, unix_ms()) {
            Verdict::Invited { .. } if entropy == 0 => return Ok(Verdict::Ignored),
            verdict => verdict,
        };
        self.keep(pairing, next).await?;
        Ok(verdict)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
    async fn nobody_is_told_a_code_that_is_not_on_disk() {
        let store = Arc::new(MemoryStore::new());
        let admission = admission(&store);
        store.fail(StoreError::Closed);
        assert!(admission.judge(&stranger(), false).await.is_err());
        assert!(admission.shelf.broken().is_cancelled());
        assert_eq!(admission.pairing().await, Pairing::default());
    }
}
