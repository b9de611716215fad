//! A store in a folder, on sled.
//!
//! ```text
//! tree/    sled: records and chunks        files/   values over 1 MiB, by SHA-256
//! mark     the last commit that was synced
//! ```
//! sled 0.34 survives a kill, but its flush is not power-safe: after each flush its `db` file is synced here, and no value
//! reaches the size from which sled uses files that nobody syncs.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
};

use crate::{
    batch::Batch,
    error::StoreError,
    store::{Done, Page, ReadJob, Records, Store},
    tree::Tree,
};

mod files;
mod format;
mod mark;
mod opening;
mod reader;
mod record;
mod room;
mod writer;

use reader::Shelf;
use writer::{Commit, Writer};

/// Batches and reads that may wait.
const QUEUE_LENGTH_MAX: usize = 1024;
/// Bytes of batches that may wait, beside the first.
const QUEUE_BYTES_MAX: usize = 128 << 20;

/// Whose store it is, and how much memory it may use.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// What the store is of, such as `vault`; another one is refused.
    pub magic: &'static str,
    /// The format that this program writes: that of a new store. An older one keeps its own until a batch sets it.
    pub format: u32,
    /// The lowest format that this program reads.
    pub format_lowest: u32,
    /// The lowest format whose programs may read a store that this one makes.
    pub lowest_reader: u32,
    /// Memory for pages of the store. Default: 16 MiB (sled's own is 1 GiB).
    pub cache_bytes_max: u64,
}

/// Records in a folder, which belongs to this store alone.
///
/// Dropping it commits what is queued and waits for that.
#[derive(Debug)]
pub struct DiskStore {
    shelf: Arc<Shelf>,
    format: Arc<AtomicU32>,
    queued_bytes: Arc<AtomicUsize>,
    commits: Option<SyncSender<Commit>>,
    reads: Option<SyncSender<ReadJob>>,
    threads: Vec<JoinHandle<()>>,
}

// === impl StoreOptions ===

impl StoreOptions {
    /// Format 1 of this magic, with a cache of 16 MiB.
    pub const fn new(magic: &'static str) -> Self {
        Self { magic, format: 1, format_lowest: 1, lowest_reader: 1, cache_bytes_max: 16 << 20 }
    }
}

// === impl DiskStore ===

impl DiskStore {
    /// Opens the store in this folder, or makes one where there is none; syncs and verifies all of it before it serves.
    pub fn open(path: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        let opening = opening::open(path, options)?;
        let shelf = Arc::new(opening.shelf);
        let format = Arc::new(AtomicU32::new(opening.format.format.version));
        let queued_bytes = Arc::new(AtomicUsize::new(0));
        let writer = Writer {
            shelf: Arc::clone(&shelf),
            db_file: opening.db_file,
            mark: opening.mark,
            format: opening.format,
            format_version: Arc::clone(&format),
            queued_bytes: Arc::clone(&queued_bytes),
            census: opening.census,
            chunk_id_next: opening.chunk_id_next,
            references: opening.references,
            released: Vec::new(),
            poison: None,
        };
        let (commits, to_commit) = sync_channel(QUEUE_LENGTH_MAX);
        let (reads, to_read) = sync_channel(QUEUE_LENGTH_MAX);
        let reader = Arc::clone(&shelf);
        let threads = vec![
            spawn(path, "store-writer", move || writer.run(&to_commit))?,
            spawn(path, "store-reader", move || serve_reads(&reader, &to_read))?,
        ];
        Ok(Self { shelf, format, queued_bytes, commits: Some(commits), reads: Some(reads), threads })
    }

    /// Whether it could be opened anew: not while its disk is full.
    pub fn can_be_opened_anew(&self) -> bool {
        room::lacking(&self.shelf.path).is_none()
    }
}

fn spawn(path: &Path, name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let spawned: io::Result<JoinHandle<()>> = thread::Builder::new().name(name.to_owned()).spawn(work);
    spawned.map_err(StoreError::disk("start a thread for", path))
}

fn serve_reads(shelf: &Shelf, jobs: &Receiver<ReadJob>) {
    for job in jobs {
        // One job's panic is no other's.
        let _ = catch_unwind(AssertUnwindSafe(|| job(shelf)));
    }
}

fn refused<T>(error: &TrySendError<T>) -> StoreError {
    match error {
        TrySendError::Full(_) => StoreError::QueueFull,
        TrySendError::Disconnected(_) => StoreError::Closed,
    }
}

impl Records for DiskStore {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.shelf.get(tree, key)
    }

    fn scan(&self, tree: Tree, prefix: &[u8], after: Option<&[u8]>, records_max: usize) -> Result<Page, StoreError> {
        self.shelf.scan(tree, prefix, after, records_max)
    }
}

impl Store for DiskStore {
    fn commit(&self, batch: Batch, done: Done) -> Result<(), StoreError> {
        batch.check()?;
        let bytes = batch.bytes();
        let queued = self.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        let outcome = match &self.commits {
            _ if 0 < queued && QUEUE_BYTES_MAX < queued + bytes => Err(StoreError::QueueFull),
            Some(commits) => commits.try_send(Commit { batch, done }).map_err(|error| refused(&error)),
            None => Err(StoreError::Closed),
        };
        if outcome.is_err() {
            self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        outcome
    }

    fn read(&self, job: ReadJob) -> Result<(), StoreError> {
        self.reads.as_ref().map_or(Err(StoreError::Closed), |reads| reads.try_send(job).map_err(|error| refused(&error)))
    }

    fn format(&self) -> u32 {
        self.format.load(Ordering::Acquire)
    }
}

impl Drop for DiskStore {
    fn drop(&mut self) {
        self.commits = None;
        self.reads = None;
        for thread in self.threads.drain(..) {
            // A callback may hold the last handle; its thread cannot wait for itself.
            let is_itself = thread.thread().id() == thread::current().id();
            let _ = is_itself || thread.join().is_err();
        }
    }
}
