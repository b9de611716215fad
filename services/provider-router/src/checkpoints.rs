//! The core's whole state, kept now and then, so that the journal need not be read from its beginning and old segments can go.
//!
//! A checkpoint is of the moment at which an append was handed to the journal; it is kept only once that append is synced, and only
//! once it is itself on disk are the records before it freed. From then on it is the only copy: it is state, not cache.

use std::{
    io,
    path::Path,
    sync::{
        Weak,
        mpsc::{SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use argentum_proto::provider::v1::Checkpoint;
use argentum_store::{Batch, DiskStore, Records, Store, StoreError, StoreOptions, Tree};
use prost::Message;
use tracing::{debug, error};

use crate::journal::{Journal, Position};

const TREE: Tree = Tree::new("checkpoint");
const KEY: &[u8] = b"newest";
/// Written into the store, so that it is not taken for another one.
const MAGIC: &str = "argentum-router";
/// Folder of the store in the data directory.
const FOLDER: &str = "router";

/// Why the last checkpoint cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckpointError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the checkpoint cannot be decoded; use the version that wrote it")]
    Decode(#[source] prost::DecodeError),
}

/// Where checkpoints are kept.
pub(crate) struct Checkpoints {
    store: DiskStore,
}

/// The thread that keeps checkpoints. Dropping it waits for its end, so that the store is free again.
pub(crate) struct Keeper {
    inbox: Option<SyncSender<Checkpoint>>,
    thread: Option<JoinHandle<()>>,
}

/// Hands checkpoints to the keeper.
#[derive(Clone)]
pub(crate) struct KeeperInbox(SyncSender<Checkpoint>);

// === impl Checkpoints ===

impl Checkpoints {
    /// Opens the store; what it holds is synced and verified.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, StoreError> {
        Ok(Self { store: DiskStore::open(&data_dir.join(FOLDER), &StoreOptions::new(MAGIC))? })
    }

    /// The last one that was kept.
    pub(crate) fn newest(&self) -> Result<Option<Checkpoint>, CheckpointError> {
        let Some(bytes) = self.store.get(TREE, KEY)? else { return Ok(None) };
        Checkpoint::decode(bytes.as_slice()).map(Some).map_err(CheckpointError::Decode)
    }

    /// Keeps from now on what it is handed, and frees what `journal` holds before it.
    pub(crate) fn start(self, journal: Weak<Journal>) -> io::Result<Keeper> {
        let (sender, checkpoints) = sync_channel::<Checkpoint>(1);
        let thread = thread::Builder::new().name("checkpoints".to_owned()).spawn(move || {
            for checkpoint in checkpoints {
                if let Err(error) = self.keep(&checkpoint) {
                    // The journal still holds everything; only its room is not freed.
                    error!(error = argentum_service::chain(&error), "the checkpoint cannot be kept");
                    return;
                }
                // Weak, so that whoever drops the journal waits for its end and for nobody else.
                let Some(journal) = journal.upgrade() else { return };
                journal.free_before(Position::from_u64(checkpoint.position + 1));
                debug!(position = checkpoint.position, "checkpoint kept");
            }
        })?;
        Ok(Keeper { inbox: Some(sender), thread: Some(thread) })
    }

    fn keep(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        batch.put(TREE, KEY, checkpoint.encode_to_vec());
        self.store.commit_blocking(batch)
    }
}

// === impl Keeper ===

impl Keeper {
    pub(crate) fn inbox(&self) -> Option<KeeperInbox> {
        self.inbox.clone().map(KeeperInbox)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.inbox.take();
        if let Some(thread) = self.thread.take() {
            // A panic of it is in the log.
            let _ = thread.join();
        }
    }
}

impl KeeperInbox {
    /// Keeps `checkpoint`, whose records up to `position` are synced. While the one before is still being written, this one is skipped:
    /// the next will hold it.
    pub(crate) fn keep(&self, checkpoint: Checkpoint, position: Position) {
        let _ = self.0.try_send(Checkpoint { position: position.to_u64(), ..checkpoint });
    }
}
