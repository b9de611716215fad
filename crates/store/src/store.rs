//! The traits that services use.

use std::sync::mpsc::sync_channel;

use crate::{answer::Answer, batch::Batch, error::StoreError, tree::Tree};

/// Told once when a batch is synced or failed, in the order of the commits, on the store's thread. Must not block.
pub type Done = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// A read that runs on the store's thread.
pub type ReadJob = Box<dyn FnOnce(&dyn Records) + Send>;

/// A page of a scan ends after this many bytes of keys and values, but holds one record at least.
pub const PAGE_BYTES_MAX: usize = 8 << 20;

/// Some records of a tree, in the order of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub records: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether there may be more: go on behind the last key.
    pub is_partial: bool,
}

/// Reading, which blocks on the disk.
pub trait Records {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Records whose keys start with `prefix`, behind the key `after`, at most `records_max` and [`PAGE_BYTES_MAX`].
    ///
    /// Each record is read as it is at that moment; commits go on between them.
    fn scan(&self, tree: Tree, prefix: &[u8], after: Option<&[u8]>, records_max: usize) -> Result<Page, StoreError>;
}

/// Durable records with atomic batches.
pub trait Store: Records + Send + Sync {
    /// Queues a batch. Never waits; where it fails, nothing was queued and `done` is not called.
    ///
    /// A failed sync is final: that batch and all that follow are answered with [`StoreError::Poisoned`].
    fn commit(&self, batch: Batch, done: Done) -> Result<(), StoreError>;

    /// Queues a read for the store's thread. Never waits; where it fails, `job` does not run.
    fn read(&self, job: ReadJob) -> Result<(), StoreError>;

    /// The format that was last set, by [`Batch::set_format`] or when the store was made.
    fn format(&self) -> u32;

    /// Commits and waits: for threads that may block.
    fn commit_blocking(&self, batch: Batch) -> Result<(), StoreError> {
        let (sender, receiver) = sync_channel(1);
        // The receiver waits below, so there is somebody to tell.
        self.commit(batch, Box::new(move |outcome| sender.send(outcome).unwrap_or(())))?;
        receiver.recv().unwrap_or(Err(StoreError::Closed))
    }

    /// Commits: the future resolves when the batch is synced.
    fn committed(&self, batch: Batch) -> Answer<()> {
        let (teller, answer) = Answer::new();
        let (refused, refusal) = Answer::new();
        match self.commit(batch, Box::new(move |outcome| drop(teller.send(outcome)))) {
            Ok(()) => answer,
            Err(error) => {
                drop(refused.send(Err(error)));
                refusal
            }
        }
    }

    /// Gets a record on the store's thread.
    fn got(&self, tree: Tree, key: Vec<u8>) -> Answer<Option<Vec<u8>>> {
        let (teller, answer) = Answer::new();
        let (refused, refusal) = Answer::new();
        match self.read(Box::new(move |records| drop(teller.send(records.get(tree, &key))))) {
            Ok(()) => answer,
            Err(error) => {
                drop(refused.send(Err(error)));
                refusal
            }
        }
    }
}
