//! Records, index and overlay together: what is remembered is recalled at once, what is forgotten never again. Everything blocks.
//!
//! The records are the truth. The overlay is what the index does not know yet; [`Library::catch_up`] moves it over.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use argentum_proto::memory::v1::Record as WireRecord;
use argentum_service::chain;
use tracing::{error, info};

use crate::{
    archive::{self, Archive, ArchiveError, Selection},
    document::{Document, Query},
    excerpt::excerpt,
    index::{Change, Hit, Index, IndexError},
    overlay::Overlay,
    records::{Record, Telling},
    scope::ScopeKey,
};

/// Folder of the index, beside the records.
const INDEX: &str = "index";
/// Records that enter the index with one commit.
const COMMIT_RECORDS: usize = 4_096;
/// Candidates for each record that is recalled: their order may yet change.
const CANDIDATES: usize = 3;
/// What being new is worth, of two records that fit equally well; halves every month.
const NOVELTY: f32 = 0.05;
const NOVELTY_HALF_LIFE_MS: f32 = 30.0 * 24.0 * 3_600_000.0;

/// Why memory cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LibraryError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Everything that is remembered.
pub(crate) struct Library {
    archive: Archive,
    folder: PathBuf,
    index: RwLock<Arc<Index>>,
    overlay: RwLock<Overlay>,
}

/// How much may be recalled, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) records_max: usize,
    /// Of all texts together.
    pub(crate) bytes_max: usize,
    /// Of one text; a longer one is cut around what was asked for.
    pub(crate) record_bytes_max: usize,
    pub(crate) now_ms: u64,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Found {
    /// Best first.
    pub(crate) records: Vec<WireRecord>,
    /// There may be more.
    pub(crate) is_partial: bool,
}

// === impl Library ===

impl Library {
    /// Opens records and index. An index that is not usable is made anew; records never are.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, LibraryError> {
        let archive = Archive::open(data_dir)?;
        let folder = data_dir.join(archive::FOLDER).join(INDEX);
        let (index, position) = Index::open(&folder, archive.id(), archive.last())?;
        let overlay = beside(&archive, position)?;
        Ok(Self { archive, folder, index: RwLock::new(Arc::new(index)), overlay: RwLock::new(overlay) })
    }

    /// Remembers what was not told before; when it returns, it is synced and is recalled.
    pub(crate) fn remember(&self, tellings: Vec<Telling>) -> Result<(), LibraryError> {
        self.archive.remember(tellings, |entries| {
            let documents: Vec<Document> = entries.iter().map(Document::of).collect();
            let mut overlay = self.overlay.write().unwrap_or_else(PoisonError::into_inner);
            documents.into_iter().for_each(|document| overlay.hold(document));
        })?;
        Ok(())
    }

    /// Forgets; when it returns, that is synced and nothing of it is recalled. Returns how many records it were.
    pub(crate) fn forget(&self, selection: &Selection) -> Result<u64, LibraryError> {
        let count = self.archive.forget(selection, |forgotten| {
            let mut overlay = self.overlay.write().unwrap_or_else(PoisonError::into_inner);
            for sequence in forgotten.gone {
                overlay.outdate(sequence, forgotten.generation, None);
            }
            for entry in &forgotten.changed {
                overlay.outdate(entry.sequence, forgotten.generation, Some(Document::of(entry)));
            }
        })?;
        Ok(count)
    }

    /// What is known about `query`.
    pub(crate) fn recall(&self, query: &Query, bounds: Bounds) -> Result<Found, LibraryError> {
        let overlay = self.overlay.read().unwrap_or_else(PoisonError::into_inner).clone();
        let index = Arc::clone(&self.index.read().unwrap_or_else(PoisonError::into_inner));
        let hits = self.search(&index, query, &overlay, bounds.records_max * CANDIDATES)?;
        let mut candidates = Vec::new();
        for hit in hits {
            // What was forgotten in the meantime is not there any more.
            if let Some(record) = self.archive.record(hit.sequence)? {
                candidates.push((hit.score * novelty(record.said_at_ms(), bounds.now_ms), record));
            }
        }
        // Of two that fit equally well the newer comes first, also where both are so old that the scores tell no difference.
        candidates.sort_by(|(left, older), (right, newer)| right.total_cmp(left).then(newer.said_at_ms().cmp(&older.said_at_ms())));
        let records = candidates.into_iter().map(|(_, record)| record).take(bounds.records_max);
        Ok(Found { records: fitting(records, &query.terms, bounds), is_partial: overlay.is_partial() })
    }

    /// The newest `count_max` facts that bear one of `keys`, newest first.
    pub(crate) fn facts(&self, keys: &[ScopeKey], count_max: usize) -> Result<Found, LibraryError> {
        let (facts, is_partial) = self.archive.facts(keys, count_max)?;
        let shown = |record: Record| {
            let whole = record.whole();
            record.shown(whole)
        };
        Ok(Found { records: facts.into_iter().map(shown).collect(), is_partial })
    }

    /// Moves what is beside the index into it, one commit; returns whether there is more.
    pub(crate) fn catch_up(&self) -> Result<bool, LibraryError> {
        let index = Arc::clone(&self.index.read().unwrap_or_else(PoisonError::into_inner));
        // What changes after this is read as it is then, and comes again with the next commit.
        let (stale, last) = self.archive.still(|| (self.archive.stale(), self.archive.last()));
        let stale = stale?;
        let after = self.overlay.read().unwrap_or_else(PoisonError::into_inner).position();
        let (entries, position) = self.archive.entries(after, last, COMMIT_RECORDS)?;
        if stale.is_empty() && position == after {
            return Ok(false);
        }
        let mut added: Vec<Document> = Vec::new();
        for (sequence, _) in stale.iter().filter(|(sequence, _)| *sequence <= after) {
            added.extend(self.archive.entry(*sequence)?.as_ref().map(Document::of));
        }
        added.extend(entries.iter().map(Document::of));
        let outdated = stale.iter().map(|(sequence, _)| *sequence).filter(|sequence| *sequence <= after).collect();
        index.apply(&Change { outdated, added, position })?;
        self.overlay.write().unwrap_or_else(PoisonError::into_inner).retire(position, &stale);
        self.archive.settle(&stale)?;
        Ok(position < last)
    }

    /// Throws the index away; [`Library::catch_up`] fills it again.
    pub(crate) fn mend(&self) -> Result<(), LibraryError> {
        let index = Index::make(&self.folder, self.archive.id())?;
        self.archive.still(|| {
            let overlay = beside(&self.archive, 0)?;
            *self.overlay.write().unwrap_or_else(PoisonError::into_inner) = overlay;
            Ok::<(), ArchiveError>(())
        })?;
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(index);
        info!("the search index is made anew");
        Ok(())
    }

    /// The library panics on some damage that its checksums do not show.
    fn search(&self, index: &Index, query: &Query, overlay: &Overlay, hits_max: usize) -> Result<Vec<Hit>, IndexError> {
        let found = catch_unwind(AssertUnwindSafe(|| index.search(query, overlay, hits_max)));
        found.unwrap_or_else(|_| Err(IndexError::Damaged("a search failed".to_owned()))).inspect_err(|error| {
            error!(error = chain(error), "the search index failed");
        })
    }
}

/// What an index that reaches up to `position` does not say.
fn beside(archive: &Archive, position: u64) -> Result<Overlay, ArchiveError> {
    let mut overlay = Overlay::beside(position);
    let last = archive.last();
    let mut after = position;
    while after < last && !overlay.is_partial() {
        let (entries, reached) = archive.entries(after, last, COMMIT_RECORDS)?;
        entries.iter().map(Document::of).for_each(|document| overlay.hold(document));
        after = reached;
    }
    for (sequence, generation) in archive.stale()? {
        let now = archive.entry(sequence)?.as_ref().map(Document::of);
        overlay.outdate(sequence, generation, now);
    }
    Ok(overlay)
}

fn novelty(said_at_ms: u64, now_ms: u64) -> f32 {
    let age_ms = now_ms.saturating_sub(said_at_ms) as f32;
    1.0 + NOVELTY * (-age_ms / NOVELTY_HALF_LIFE_MS).exp2()
}

/// As many as fit, each cut where it is too long.
fn fitting(records: impl Iterator<Item = Record>, wanted: &BTreeSet<String>, bounds: Bounds) -> Vec<WireRecord> {
    let mut bytes = 0;
    let shown = records.map(|record| {
        let text = record.heading() + &excerpt(record.text(), wanted, bounds.record_bytes_max);
        record.shown(text)
    });
    let fits = shown.take_while(|record| {
        bytes += record.text.len();
        bytes <= bounds.bytes_max
    });
    fits.collect()
}

#[cfg(test)]
mod tests;
