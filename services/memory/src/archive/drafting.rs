//! What is told becomes one batch: several tellings share one sync.

use std::collections::{BTreeMap, BTreeSet};

use argentum_store::{Batch, DiskStore, Records};
use prost::Message;

use super::{ArchiveError, FACTS, IDS, LAST, META, RECORDS, SCOPES, SEQUENCE, number, read_record, scope_entry};
use crate::{
    document::Entry,
    records::{Record, Telling},
    scope::ScopeKey,
};

/// A batch in the making. It sees what it holds itself, which the store does not have yet.
pub(super) struct Draft<'a> {
    store: &'a DiskStore,
    batch: Batch,
    sequence: u64,
    told: BTreeSet<String>,
    last: BTreeMap<ScopeKey, u64>,
    entries: Vec<Entry>,
}

// === impl Draft ===

impl<'a> Draft<'a> {
    /// Behind the record at `sequence`.
    pub(super) fn new(store: &'a DiskStore, sequence: u64) -> Self {
        Self { store, batch: Batch::new(), sequence, told: BTreeSet::new(), last: BTreeMap::new(), entries: Vec::new() }
    }

    /// Adds what was not told before.
    pub(super) fn add(&mut self, telling: Telling) -> Result<(), ArchiveError> {
        let is_known = self.told.contains(&telling.id) || self.store.get(IDS, telling.id.as_bytes())?.is_some();
        if is_known {
            return Ok(());
        }
        self.batch.put(IDS, telling.id.as_bytes(), Vec::new());
        for record in telling.records {
            self.append(record)?;
        }
        self.told.insert(telling.id);
        Ok(())
    }

    /// The batch, the sequence of its last record, and its records.
    pub(super) fn finish(mut self) -> (Batch, u64, Vec<Entry>) {
        if !self.entries.is_empty() {
            self.batch.put(META, SEQUENCE, self.sequence.to_be_bytes());
        }
        (self.batch, self.sequence, self.entries)
    }

    fn append(&mut self, mut record: Record) -> Result<(), ArchiveError> {
        self.sequence += 1;
        let (sequence, here) = (self.sequence, record.here());
        let before = match self.last.get(&here) {
            Some(before) => Some(*before),
            None => self.store.get(LAST, here.as_str().as_bytes())?.map(|bytes| number(LAST, &bytes)).transpose()?,
        };
        record.follows(before.unwrap_or(0));
        self.batch.put(RECORDS, sequence.to_be_bytes(), record.stored().encode_to_vec());
        self.batch.put(IDS, record.id(), sequence.to_be_bytes());
        for key in record.keys() {
            self.batch.put(SCOPES, scope_entry(&key, sequence), Vec::new());
            if record.is_fact() {
                self.batch.put(FACTS, scope_entry(&key, sequence), Vec::new());
            }
        }
        self.batch.put(LAST, here.as_str(), sequence.to_be_bytes());
        self.last.insert(here, sequence);
        let before = before.map(|before| self.find(before)).transpose()?.flatten();
        self.entries.push(Entry { sequence, record, before });
        Ok(())
    }

    fn find(&self, sequence: u64) -> Result<Option<Record>, ArchiveError> {
        match self.entries.iter().find(|entry| entry.sequence == sequence) {
            Some(entry) => Ok(Some(entry.record.clone())),
            None => read_record(self.store, sequence),
        }
    }
}
