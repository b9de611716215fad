//! The thread that applies batches: what waits is flushed and synced together, then answered in order.

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
        mpsc::Receiver,
    },
};

use crate::{
    batch::Batch,
    disk::{
        files::{Hash, References},
        format::{Census, FormatRecord},
        mark::Mark,
        reader::Shelf,
        record::{
            CENSUS_KEY, CHUNKED_BYTES_MAX, FORMAT_KEY, INLINE_BYTES_MAX, Kind, Place, chunk_count, chunk_key, digest, record_key, seal,
        },
    },
    error::StoreError,
    store::Done,
};

/// Most batches and bytes that share one sync.
const GROUP_BATCHES_MAX: usize = 256;
const GROUP_BYTES_MAX: usize = 4 << 20;

/// One batch on its way.
pub(crate) struct Commit {
    pub(crate) batch: Batch,
    pub(crate) done: Done,
}

pub(crate) struct Writer {
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) db_file: File,
    pub(crate) mark: Mark,
    pub(crate) format: FormatRecord,
    pub(crate) format_version: Arc<AtomicU32>,
    pub(crate) queued_bytes: Arc<AtomicUsize>,
    pub(crate) census: Census,
    pub(crate) chunk_id_next: u64,
    pub(crate) references: References,
    /// Files that lost a reference since the last sync.
    pub(crate) released: Vec<Hash>,
    pub(crate) poison: Option<Arc<StoreError>>,
}

/// One batch as it will be applied, so that a refused one changes nothing.
struct Draft {
    writes: sled::Batch,
    census: Census,
    chunk_id_next: u64,
    files_added: Vec<Hash>,
    files_released: Vec<Hash>,
}

/// Why a batch was not applied.
enum Failure {
    /// Nothing was changed; later batches may fare better.
    Refused(StoreError),
    /// What sled holds is unknown.
    Final(StoreError),
}

// === impl Writer ===

impl Writer {
    pub(crate) fn run(mut self, commits: &Receiver<Commit>) {
        while let Ok(first) = commits.recv() {
            let mut group = vec![first];
            let mut bytes = group[0].batch.bytes();
            while group.len() < GROUP_BATCHES_MAX && bytes < GROUP_BYTES_MAX {
                let Ok(commit) = commits.try_recv() else { break };
                bytes += commit.batch.bytes();
                group.push(commit);
            }
            self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.commit(group);
        }
    }

    fn commit(&mut self, group: Vec<Commit>) {
        // sled panics on some faults; the answers must come all the same.
        let applied: Vec<Result<(), StoreError>> = group.iter().map(|commit| self.apply_or_fail(&commit.batch)).collect();
        if self.poison.is_none() {
            let synced = catch_unwind(AssertUnwindSafe(|| self.sync())).unwrap_or_else(|_| Err(self.gave_up()));
            self.poison = synced.err().map(Arc::new);
        }
        for (commit, applied) in group.into_iter().zip(applied) {
            // Applied is not enough: only the sync makes it true.
            let outcome = self.poison.as_ref().map_or(applied, |error| Err(StoreError::Poisoned(Arc::clone(error))));
            let _ = catch_unwind(AssertUnwindSafe(|| (commit.done)(outcome)));
        }
    }

    fn apply_or_fail(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if let Some(error) = &self.poison {
            return Err(StoreError::Poisoned(Arc::clone(error)));
        }
        match catch_unwind(AssertUnwindSafe(|| self.apply(batch))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Failure::Refused(error))) => Err(error),
            Ok(Err(Failure::Final(error))) => Err(self.fail(error)),
            Err(_) => Err(self.fail(self.gave_up())),
        }
    }

    fn fail(&mut self, error: StoreError) -> StoreError {
        let error = Arc::new(error);
        self.poison = Some(Arc::clone(&error));
        StoreError::Poisoned(error)
    }

    fn gave_up(&self) -> StoreError {
        StoreError::Damaged { path: self.shelf.path.clone(), place: "its log".to_owned(), what: "sled gave up".to_owned() }
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), Failure> {
        let mut draft = self.draft(batch)?;
        let format = batch.format().unwrap_or(self.format.format);
        let format = FormatRecord { format, ..self.format.clone() };
        if format != self.format {
            draft.writes.insert(FORMAT_KEY, format.seal());
        }
        draft.writes.insert(CENSUS_KEY, draft.census.seal());
        self.shelf.db.apply_batch(draft.writes).map_err(|error| Failure::Final(self.shelf.sled_failed(error)))?;
        self.format = format;
        self.census = draft.census;
        self.chunk_id_next = draft.chunk_id_next;
        draft.files_added.into_iter().for_each(|hash| *self.references.entry(hash).or_default() += 1);
        for hash in draft.files_released {
            self.references.entry(hash).and_modify(|count| *count -= 1);
            self.released.push(hash);
        }
        Ok(())
    }

    fn draft(&self, batch: &Batch) -> Result<Draft, Failure> {
        let census = Census { commits: self.census.commits + 1, ..self.census };
        let (files_added, files_released) = (Vec::new(), Vec::new());
        let mut draft = Draft { writes: sled::Batch::default(), census, chunk_id_next: self.chunk_id_next, files_added, files_released };
        for (tree, key, value) in batch.changes() {
            let physical = record_key(tree, key);
            let old = self.shelf.sealed(&physical).map_err(Failure::Final)?;
            if let Some(old) = &old {
                let damaged = || Failure::Final(self.shelf.damaged(&physical, "its checksum is wrong"));
                draft.release(&physical, old).ok_or_else(damaged)?;
            }
            if let Some(value) = value {
                draft.place(&self.shelf, physical, value)?;
            } else if old.is_some() {
                draft.writes.remove(physical);
            }
        }
        Ok(draft)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.shelf.db.flush().map_err(|error| self.shelf.sled_failed(error))?;
        // flush() alone leaves acknowledged records to the kernel: a power cut loses them.
        self.db_file.sync_data().map_err(StoreError::disk("sync", &self.shelf.path))?;
        // A belt: where it cannot be written, the store works as before.
        let _ = self.mark.set(self.census.commits);
        self.format_version.store(self.format.format.version, Ordering::Release);
        for hash in std::mem::take(&mut self.released) {
            if self.references.get(&hash) == Some(&0) {
                self.references.remove(&hash);
                // What stays is swept by the next opening.
                let _ = self.shelf.files.remove(&hash);
            }
        }
        Ok(())
    }
}

// === impl Draft ===

impl Draft {
    /// Puts a value where its size belongs.
    fn place(&mut self, shelf: &Shelf, physical: Vec<u8>, value: &[u8]) -> Result<(), Failure> {
        let bytes = value.len() as u64;
        let sealed = if value.len() <= INLINE_BYTES_MAX {
            Place::Inline(value).seal(&physical)
        } else if value.len() <= CHUNKED_BYTES_MAX {
            Place::Chunked { id: self.split(value), bytes }.seal(&physical)
        } else {
            let sha256 = shelf.files.write(value).map_err(Failure::Refused)?;
            self.files_added.push(sha256);
            Place::File { sha256, bytes }.seal(&physical)
        };
        self.census.add(digest(&physical, &sealed));
        self.writes.insert(physical, sealed);
        Ok(())
    }

    fn split(&mut self, value: &[u8]) -> u64 {
        let id = self.chunk_id_next;
        self.chunk_id_next += 1;
        for (index, chunk) in (0..).zip(value.chunks(INLINE_BYTES_MAX)) {
            let key = chunk_key(id, index);
            self.writes.insert(&key, seal(&key, Kind::Chunk, chunk));
        }
        id
    }

    /// Gives up what an old value takes; `None` where its record is damaged.
    fn release(&mut self, physical: &[u8], old: &[u8]) -> Option<()> {
        match Place::unseal(physical, old)? {
            Place::Inline(_) => {}
            Place::Chunked { id, bytes } => (0..chunk_count(bytes)).for_each(|index| self.writes.remove(&chunk_key(id, index))),
            Place::File { sha256, .. } => self.files_released.push(sha256),
        }
        self.census.remove(digest(physical, old));
        Some(())
    }
}
