//! What was let through and has no final answer yet. IRC keeps nothing for us: until the router has a message, this is the only copy.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use argentum_proto::{channel::v1::AcceptMessageRequest, ids::Gateway};
use argentum_store::{Batch, StoreError, Tree};
use prost::Message;

use super::contacts::Contacts;
use crate::channels::shelf::Shelf;

const TREE: Tree = Tree::new("irc-spool");

/// The spool of one account.
pub(super) struct Spool {
    gateway: Gateway,
    shelf: Shelf,
    contacts: Arc<Contacts>,
    count: AtomicUsize,
    count_max: usize,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is on disk.
    Yes,
    /// Too many are waiting; it is nowhere.
    Full,
}

/// Why a spool cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpoolError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the spool of `{gateway}` cannot be read; use the version that wrote it")]
    Decode {
        gateway: Gateway,
        #[source]
        source: prost::DecodeError,
    },
}

// === impl Spool ===

impl Spool {
    /// Counts what waits, and sees that it can be read; blocks on the disk.
    pub(super) fn open(gateway: Gateway, shelf: Shelf, contacts: Arc<Contacts>, count_max: usize) -> Result<Self, SpoolError> {
        let spool = Self { gateway, shelf, contacts, count: AtomicUsize::new(0), count_max };
        spool.count.store(spool.waiting()?.len(), Ordering::SeqCst);
        Ok(spool)
    }

    /// What has no final answer, oldest first; blocks on the disk.
    pub(super) fn waiting(&self) -> Result<Vec<AcceptMessageRequest>, SpoolError> {
        // With one more than may ever wait, the page is the whole.
        let page = self.shelf.store().scan(TREE, format!("{}/", self.gateway).as_bytes(), None, self.count_max + 1)?;
        let decode = |(_, value): &(Vec<u8>, Vec<u8>)| {
            AcceptMessageRequest::decode(value.as_slice()).map_err(|source| SpoolError::Decode { gateway: self.gateway.clone(), source })
        };
        page.records.iter().map(decode).collect()
    }

    /// Keeps a message, and under which nick its sender is reached; when this returns, both are on disk.
    pub(super) async fn keep(&self, request: &AcceptMessageRequest) -> Result<Kept, StoreError> {
        let room = self.count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| (count < self.count_max).then_some(count + 1));
        if room.is_err() {
            return Ok(Kept::Full);
        }
        let mut batch = Batch::new();
        batch.put(TREE, self.key(&request.platform_message_id), request.encode_to_vec());
        self.contacts.note(request, &mut batch);
        let kept = self.shelf.keep(batch).await;
        if kept.is_err() {
            self.count.fetch_sub(1, Ordering::SeqCst);
        }
        kept.map(|()| Kept::Yes)
    }

    /// Forgets a message that has its final answer.
    pub(super) async fn forget(&self, message_id: &str) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        batch.delete(TREE, self.key(message_id));
        self.shelf.keep(batch).await?;
        self.count.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }

    /// In the order of the ids, which are ULIDs.
    fn key(&self, message_id: &str) -> String {
        format!("{}/{message_id}", self.gateway)
    }
}

#[cfg(test)]
mod tests {
    use argentum_store::{MemoryStore, Store};

    use super::*;

    fn opened(store: &Arc<MemoryStore>, count_max: usize) -> (Spool, Vec<String>) {
        let shelf = Shelf::over(Arc::clone(store) as Arc<dyn Store>);
        let gateway: Gateway = "irc".parse().unwrap();
        let contacts = Arc::new(Contacts::new(gateway.clone(), shelf.clone()));
        let spool = Spool::open(gateway, shelf, contacts, count_max).unwrap();
        let waiting = spool.waiting().unwrap();
        (spool, waiting.into_iter().map(|request| request.platform_message_id).collect())
    }

    fn request(id: &str) -> AcceptMessageRequest {
        AcceptMessageRequest { platform_message_id: id.to_owned(), ..AcceptMessageRequest::default() }
    }

    #[tokio::test]
    async fn what_has_no_final_answer_waits_in_order_after_a_restart() {
        let store = Arc::new(MemoryStore::new());
        let (spool, _) = opened(&store, 9);
        for id in ["03", "01", "02"] {
            spool.keep(&request(id)).await.unwrap();
        }
        spool.forget("02").await.unwrap();
        assert_eq!(opened(&store, 9).1, ["01", "03"]);
    }

    #[tokio::test]
    async fn a_full_spool_says_so_until_one_is_forgotten() {
        let store = Arc::new(MemoryStore::new());
        opened(&store, 2).0.keep(&request("01")).await.unwrap();
        let (spool, _) = opened(&store, 2);
        assert_eq!(spool.keep(&request("02")).await.unwrap(), Kept::Yes);
        assert_eq!(spool.keep(&request("03")).await.unwrap(), Kept::Full);
        spool.forget("01").await.unwrap();
        assert_eq!(spool.keep(&request("03")).await.unwrap(), Kept::Yes);
    }

    #[tokio::test]
    async fn what_is_not_on_disk_is_not_kept() {
        let store = Arc::new(MemoryStore::new());
        let (spool, _) = opened(&store, 1);
        store.fail(StoreError::QueueFull);
        assert!(spool.keep(&request("01")).await.is_err());
        assert_eq!(spool.count.load(Ordering::SeqCst), 0);
    }
}
