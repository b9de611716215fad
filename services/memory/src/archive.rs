//! The truth: records in the order of remembering, on disk. Everything here blocks on it.
//!
//! ```text
//! record   sequence            -> the record
//! id       telling, record id  -> sequences; empty once forgotten, so that what is told again stays forgotten
//! scope    key, sequence       -> nothing: whose records these are
//! fact     key, sequence       -> nothing: those of them that are facts
//! last     conversation        -> sequence of its newest record
//! stale    sequence            -> generation: the index says something else of it
//! meta     `sequence`, `store` -> the counter; what this store is called
//! ```

mod drafting;
mod forgetting;

use std::{
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use argentum_proto::memory::v1::StoredRecord;
use argentum_store::{Batch, DiskStore, Records, Store, StoreError, StoreOptions, Tree};
use prost::Message;
use ulid::Ulid;

pub(crate) use forgetting::{Selection, Words};

use crate::{
    document::Entry,
    records::{Record, Telling},
    scope::ScopeKey,
};

/// Folder of the store in the data directory.
pub(crate) const FOLDER: &str = "memory";
/// Written into the store, so that it is not taken for another one.
const MAGIC: &str = "argentum-memory";
/// What is asked for most lies in the index; the store is read record by record.
const CACHE_BYTES_MAX: u64 = 4 << 20;
const RECORDS: Tree = Tree::new("record");
const IDS: Tree = Tree::new("id");
const SCOPES: Tree = Tree::new("scope");
const FACTS: Tree = Tree::new("fact");
const LAST: Tree = Tree::new("last");
const STALE: Tree = Tree::new("stale");
const META: Tree = Tree::new("meta");
const SEQUENCE: &[u8] = b"sequence";
const STORE_ID: &[u8] = b"store";
/// Keys read at a time.
const PAGE_RECORDS: usize = 1_000;

/// Why the records cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a record of memory cannot be decoded; use the version that wrote it")]
    Decode(#[from] prost::DecodeError),
    #[error("an entry of tree `{0}` of memory has the wrong length")]
    Length(&'static str),
}

/// All records.
pub(crate) struct Archive {
    store: DiskStore,
    id: String,
    /// Of the newest record, also if it was forgotten. Everything up to it is synced.
    last: AtomicU64,
    ledger: Mutex<Ledger>,
}

/// Who changes something holds this, until whoever follows the records has seen the change.
struct Ledger {
    /// Of the newest change of a record that the index may hold: higher than all that stand in `stale`.
    generation: u64,
}

// === impl Archive ===

impl Archive {
    /// Opens the records; all of them are synced and verified.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, ArchiveError> {
        let options = StoreOptions { cache_bytes_max: CACHE_BYTES_MAX, ..StoreOptions::new(MAGIC) };
        let store = DiskStore::open(&data_dir.join(FOLDER), &options)?;
        let last = store.get(META, SEQUENCE)?.map_or(Ok(0), |bytes| number(META, &bytes))?;
        let id = match store.get(META, STORE_ID)? {
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            None => name(&store)?,
        };
        let archive = Self { store, id, last: AtomicU64::new(last), ledger: Mutex::new(Ledger { generation: 0 }) };
        archive.lock().generation = archive.stale()?.into_iter().map(|(_, generation)| generation).max().unwrap_or(0);
        Ok(archive)
    }

    /// What this store is called, so that an index knows whose it is.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Of the newest record. Everything up to it is synced.
    pub(crate) fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }

    /// Does `work` while nothing changes, and whoever follows the records has seen every change.
    pub(crate) fn still<T>(&self, work: impl FnOnce() -> T) -> T {
        let _ledger = self.lock();
        work()
    }

    /// Keeps what was not told before. `follow` is given the new records, in order, once they are synced.
    pub(crate) fn remember(&self, tellings: Vec<Telling>, follow: impl FnOnce(&[Entry])) -> Result<(), ArchiveError> {
        let _ledger = self.lock();
        let mut draft = drafting::Draft::new(&self.store, self.last());
        for telling in tellings {
            draft.add(telling)?;
        }
        let (batch, sequence, entries) = draft.finish();
        if !batch.is_empty() {
            self.store.commit_blocking(batch)?;
        }
        self.last.store(sequence, Ordering::Release);
        follow(&entries);
        Ok(())
    }

    /// The record at `sequence`, with the one before it; `None` once it is forgotten.
    pub(crate) fn entry(&self, sequence: u64) -> Result<Option<Entry>, ArchiveError> {
        let Some(record) = self.record(sequence)? else { return Ok(None) };
        let before = match record.stored().after_sequence {
            0 => None,
            before => self.record(before)?,
        };
        Ok(Some(Entry { sequence, record, before }))
    }

    pub(crate) fn record(&self, sequence: u64) -> Result<Option<Record>, ArchiveError> {
        read_record(&self.store, sequence)
    }

    /// At most `count_max` entries behind `after`, up to `last`; how far this reaches.
    pub(crate) fn entries(&self, after: u64, last: u64, count_max: usize) -> Result<(Vec<Entry>, u64), ArchiveError> {
        let page = self.store.scan(RECORDS, &[], Some(&after.to_be_bytes()), count_max)?;
        let mut entries = Vec::new();
        let mut reached = after;
        for (key, value) in &page.records {
            let sequence = number(RECORDS, key)?;
            if last < sequence {
                return Ok((entries, last));
            }
            let record = Record::from_stored(StoredRecord::decode(value.as_slice())?);
            let before = match record.stored().after_sequence {
                0 => None,
                before => self.record(before)?,
            };
            entries.push(Entry { sequence, record, before });
            reached = sequence;
        }
        Ok((entries, if page.is_partial { reached } else { last }))
    }

    /// The newest `count_max` facts that bear one of `keys`, newest first, and whether there are more.
    pub(crate) fn facts(&self, keys: &[ScopeKey], count_max: usize) -> Result<(Vec<Record>, bool), ArchiveError> {
        let mut sequences = std::collections::BTreeSet::new();
        for key in keys {
            self.each(FACTS, &scope_prefix(key), |sequence| {
                sequences.insert(sequence);
                Ok(())
            })?;
        }
        let is_partial = count_max < sequences.len();
        let newest = sequences.into_iter().rev().take(count_max);
        let facts = newest.filter_map(|sequence| self.record(sequence).transpose()).collect::<Result<_, _>>()?;
        Ok((facts, is_partial))
    }

    /// Records of which the index says something else, with the generation of the change.
    pub(crate) fn stale(&self) -> Result<Vec<(u64, u64)>, ArchiveError> {
        let (mut stale, mut after) = (Vec::new(), None::<Vec<u8>>);
        loop {
            let page = self.store.scan(STALE, &[], after.as_deref(), PAGE_RECORDS)?;
            for (key, value) in page.records {
                stale.push((number(STALE, &key)?, number(STALE, &value)?));
                after = Some(key);
            }
            if !page.is_partial {
                return Ok(stale);
            }
        }
    }

    /// The index has these changes.
    pub(crate) fn settle(&self, done: &[(u64, u64)]) -> Result<(), ArchiveError> {
        let _ledger = self.lock();
        let mut batch = Batch::new();
        for (sequence, generation) in done {
            let key = sequence.to_be_bytes();
            let is_same = self.store.get(STALE, &key)?.is_some_and(|value| value == generation.to_be_bytes());
            if is_same {
                batch.delete(STALE, key);
            }
        }
        if !batch.is_empty() {
            self.store.commit_blocking(batch)?;
        }
        Ok(())
    }

    /// Calls `visit` for each sequence behind `prefix`, in order.
    fn each(&self, tree: Tree, prefix: &[u8], mut visit: impl FnMut(u64) -> Result<(), ArchiveError>) -> Result<(), ArchiveError> {
        let mut after = None::<Vec<u8>>;
        loop {
            let page = self.store.scan(tree, prefix, after.as_deref(), PAGE_RECORDS)?;
            for (key, _) in page.records {
                visit(number(tree, &key[prefix.len()..])?)?;
                after = Some(key);
            }
            if !page.is_partial {
                return Ok(());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        // A panic in between leaves a generation unused, nothing else.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives a new store a name.
fn name(store: &DiskStore) -> Result<String, StoreError> {
    let id = Ulid::new().to_string();
    let mut batch = Batch::new();
    batch.put(META, STORE_ID, id.as_bytes());
    store.commit_blocking(batch)?;
    Ok(id)
}

fn read_record(store: &DiskStore, sequence: u64) -> Result<Option<Record>, ArchiveError> {
    let bytes = store.get(RECORDS, &sequence.to_be_bytes())?;
    Ok(bytes.map(|bytes| StoredRecord::decode(bytes.as_slice())).transpose()?.map(Record::from_stored))
}

fn number(tree: Tree, bytes: &[u8]) -> Result<u64, ArchiveError> {
    bytes.try_into().map(u64::from_be_bytes).map_err(|_| ArchiveError::Length(tree.name()))
}

/// Precedes the sequences of a key. Keys are of letters, digits and `-`, so none is the beginning of another one's prefix.
fn scope_prefix(key: &ScopeKey) -> Vec<u8> {
    let mut prefix = key.as_str().as_bytes().to_vec();
    prefix.push(b'/');
    prefix
}

fn scope_entry(key: &ScopeKey, sequence: u64) -> Vec<u8> {
    let mut entry = scope_prefix(key);
    entry.extend(sequence.to_be_bytes());
    entry
}
