//! The thread that commits: takes what waits, makes one batch of it, syncs once, answers all.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::File,
    io,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use crate::{
    batch::Batch,
    blobs::Blobs,
    error::StoreError,
    record::{self, Body, CHUNK_BYTES_MAX, CHUNKED_BYTES_MAX, DIGEST_BYTES, Head},
};

/// Commits that may wait; who comes later waits for a place.
const QUEUE_CAPACITY: usize = 64;

type Digest = [u8; DIGEST_BYTES];
type Waiting = (Batch, SyncSender<Result<(), StoreError>>);

/// The committer, as seen by others. Dropping it commits what waits and ends the thread.
#[derive(Debug)]
pub(crate) struct Committer {
    queue: Option<SyncSender<Waiting>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread owns.
pub(crate) struct Work {
    pub(crate) db: sled::Db,
    /// The engine's one file, to sync what it has flushed.
    pub(crate) file: File,
    pub(crate) blobs: std::sync::Arc<Blobs>,
    /// How many records name each file.
    pub(crate) references: HashMap<Digest, usize>,
}

// === impl Committer ===

impl Committer {
    pub(crate) fn start(work: Work) -> io::Result<Self> {
        let (queue, waiting) = sync_channel(QUEUE_CAPACITY);
        let thread = thread::Builder::new().name("argentum-store".to_owned()).stack_size(512 * 1024).spawn(move || work.run(&waiting))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Waits until `batch` is on disk.
    pub(crate) fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let (sender, answer) = sync_channel(1);
        self.queue.as_ref().and_then(|queue| queue.send((batch, sender)).ok()).ok_or(StoreError::Ended)?;
        answer.recv().map_err(|_| StoreError::Ended)?
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.queue.take();
        if let Some(thread) = self.thread.take() {
            // It has answered everybody it could; a panic of it is in the log.
            let _ = thread.join();
        }
    }
}

// === impl Work ===

impl Work {
    fn run(mut self, waiting: &Receiver<Waiting>) {
        let mut is_poisoned = false;
        while let Ok(first) = waiting.recv() {
            let group: Vec<Waiting> = std::iter::once(first).chain(waiting.try_iter().take(QUEUE_CAPACITY)).collect();
            let (batches, askers): (Vec<Batch>, Vec<_>) = group.into_iter().unzip();
            let changes = batches.into_iter().flat_map(|batch| batch.changes).collect();
            // A failed sync is final: what the kernel dropped is not written by a second one.
            let result = if is_poisoned { Err(StoreError::Poisoned) } else { self.commit(changes) };
            is_poisoned |= result.is_err();
            for asker in askers {
                // Who has given up waiting learns it from the next read.
                let _ = asker.send(result.clone());
            }
        }
    }

    fn commit(&mut self, changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>) -> Result<(), StoreError> {
        let mut engine = sled::Batch::default();
        let mut has_garbage = false;
        for (key, change) in changes {
            has_garbage |= self.take_away(&key, &mut engine)?;
            if let Some(value) = change {
                self.add(&key, &value, &mut engine)?;
            }
        }
        self.db.apply_batch(engine)?;
        self.db.flush()?;
        self.file.sync_data().map_err(|error| StoreError::file("db", error))?;
        if has_garbage {
            let needed: HashSet<Digest> = self.references.keys().copied().collect();
            self.blobs.keep_only(&needed)?;
        }
        Ok(())
    }

    /// Removes what the record of `key` takes now. Returns whether a file may not be needed any more.
    fn take_away(&mut self, key: &[u8], engine: &mut sled::Batch) -> Result<bool, StoreError> {
        let head_key = record::head_key(key);
        let Some(bytes) = self.db.get(&head_key)? else { return Ok(false) };
        engine.remove(head_key);
        match Head::decode(key, &bytes)?.body {
            Body::Inline(_) => Ok(false),
            Body::Chunked { chunks } => {
                (0..chunks).for_each(|index| engine.remove(record::chunk_key(key, index)));
                Ok(false)
            }
            Body::File { digest } => Ok(self.release(digest)),
        }
    }

    fn add(&mut self, key: &[u8], value: &[u8], engine: &mut sled::Batch) -> Result<(), StoreError> {
        let body = if value.len() <= CHUNK_BYTES_MAX {
            Body::Inline(value.to_vec())
        } else if value.len() <= CHUNKED_BYTES_MAX {
            for (index, chunk) in (0..).zip(value.chunks(CHUNK_BYTES_MAX)) {
                engine.insert(record::chunk_key(key, index), chunk);
            }
            Body::Chunked { chunks: record::chunk_count(value.len()) }
        } else {
            let digest = self.blobs.write(value)?;
            *self.references.entry(digest).or_default() += 1;
            Body::File { digest }
        };
        engine.insert(record::head_key(key), Head::new(value, body).encode());
        Ok(())
    }

    fn release(&mut self, digest: Digest) -> bool {
        let Some(count) = self.references.get_mut(&digest) else { return false };
        *count -= 1;
        let is_free = *count == 0;
        if is_free {
            self.references.remove(&digest);
        }
        is_free
    }
}
