//! Forgetting: records go with everything that leads to them, and the index is told to follow.

use argentum_store::{Batch, Records, Store};

use super::{Archive, ArchiveError, FACTS, IDS, Ledger, PAGE_RECORDS, RECORDS, SCOPES, STALE, number, scope_entry, scope_prefix};
use crate::{document::Entry, records::Record, scope::ScopeKey, text::words};

/// Records forgotten with one sync.
const CHUNK_RECORDS: usize = 500;

/// What is to be forgotten: everything to which all of this applies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Records that bear it.
    pub(crate) key: Option<ScopeKey>,
    /// Records that bear this, too.
    pub(crate) limit: Option<ScopeKey>,
    pub(crate) record_id: Option<String>,
    /// Records of what was said earlier.
    pub(crate) before_ms: Option<u64>,
    /// Records of what was said with these words in it, one after the other.
    pub(crate) words: Option<Words>,
}

/// At least one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words(Vec<String>);

/// What changed with one sync.
#[derive(Debug, Default)]
pub(crate) struct Forgotten {
    /// Sequences that are gone.
    pub(crate) gone: Vec<u64>,
    /// Records that were found by a forgotten one's words, as they are now.
    pub(crate) changed: Vec<Entry>,
    /// Of this change.
    pub(crate) generation: u64,
}

// === impl Selection ===

impl Selection {
    fn applies(&self, record: &Record) -> bool {
        let keys = record.keys();
        let has = |key: &Option<ScopeKey>| key.as_ref().is_none_or(|key| keys.contains(key));
        has(&self.key)
            && has(&self.limit)
            && self.record_id.as_ref().is_none_or(|id| id == record.id())
            && self.before_ms.is_none_or(|before_ms| record.said_at_ms() < before_ms)
            && self.words.as_ref().is_none_or(|words| words.stand_in(record.text()))
    }
}

// === impl Words ===

impl Words {
    /// `None` where there is not one.
    pub(crate) fn of(text: &str) -> Option<Self> {
        Some(words(text)).filter(|words| !words.is_empty()).map(Self)
    }

    fn stand_in(&self, text: &str) -> bool {
        words(text).windows(self.0.len()).any(|said| said == self.0)
    }
}

// === impl Archive ===

impl Archive {
    /// Forgets, a chunk at a time; `follow` is told once a chunk is synced. Returns how many records it were.
    ///
    /// What is remembered meanwhile may stay. A crash in the middle leaves the rest: asking again goes on.
    pub(crate) fn forget(&self, selection: &Selection, mut follow: impl FnMut(Forgotten)) -> Result<u64, ArchiveError> {
        let mut count = 0;
        for chunk in self.select(selection)?.chunks(CHUNK_RECORDS) {
            let mut ledger = self.lock();
            let (forgotten, batch) = self.unmake(&mut ledger, chunk)?;
            self.store.commit_blocking(batch)?;
            count += forgotten.gone.len() as u64;
            follow(forgotten);
        }
        Ok(count)
    }

    fn select(&self, selection: &Selection) -> Result<Vec<u64>, ArchiveError> {
        let mut selected = Vec::new();
        let mut consider = |sequence: u64| {
            let applies = self.record(sequence)?.is_some_and(|record| selection.applies(&record));
            if applies {
                selected.push(sequence);
            }
            Ok(())
        };
        if let Some(id) = &selection.record_id {
            let known = self.store.get(IDS, id.as_bytes())?.filter(|bytes| !bytes.is_empty());
            known.map_or(Ok(()), |bytes| consider(number(IDS, &bytes)?))?;
        } else if let Some(key) = &selection.key {
            self.each(SCOPES, &scope_prefix(key), consider)?;
        } else {
            self.each(RECORDS, &[], consider)?;
        }
        Ok(selected)
    }

    fn unmake(&self, ledger: &mut Ledger, chunk: &[u64]) -> Result<(Forgotten, Batch), ArchiveError> {
        ledger.generation += 1;
        let mut batch = Batch::new();
        let mut forgotten = Forgotten { generation: ledger.generation, ..Forgotten::default() };
        for sequence in chunk {
            let Some(record) = self.record(*sequence)? else { continue };
            batch.delete(RECORDS, sequence.to_be_bytes());
            if record.is_fact() {
                // What the teller calls it stays known: a fact that is told again stays forgotten.
                batch.put(IDS, record.id(), Vec::new());
            } else {
                batch.delete(IDS, record.id());
            }
            for key in record.keys() {
                batch.delete(SCOPES, scope_entry(&key, *sequence));
                batch.delete(FACTS, scope_entry(&key, *sequence));
            }
            batch.put(STALE, sequence.to_be_bytes(), forgotten.generation.to_be_bytes());
            forgotten.gone.push(*sequence);
            if let Some(follower) = self.follower(&record, *sequence, chunk)? {
                batch.put(STALE, follower.sequence.to_be_bytes(), forgotten.generation.to_be_bytes());
                forgotten.changed.push(follower);
            }
        }
        Ok((forgotten, batch))
    }

    /// The record behind this one, if it stays: it was found by the forgotten words, too.
    fn follower(&self, record: &Record, sequence: u64, chunk: &[u64]) -> Result<Option<Entry>, ArchiveError> {
        let here = record.here();
        let page = self.store.scan(SCOPES, &scope_prefix(&here), Some(&scope_entry(&here, sequence)), 1)?;
        let Some((key, _)) = page.records.first() else { return Ok(None) };
        let next = number(SCOPES, &key[scope_prefix(&here).len()..])?;
        let stays = !chunk.contains(&next);
        let follower = if stays { self.record(next)? } else { None };
        let follows = follower.filter(|follower| follower.stored().after_sequence == sequence);
        Ok(follows.map(|record| Entry { sequence: next, record, before: None }))
    }
}

// Pages bound what a selection holds in memory at once; the sequences themselves take eight bytes each.
const _: () = assert!(CHUNK_RECORDS <= PAGE_RECORDS);
