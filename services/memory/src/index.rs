//! The index: what leads from words to records. It is derived, and made anew whenever it is not what it should be.
//!
//! Its last commit says whose records it holds and up to where, so that opening it finds out what is missing. It holds words, no
//! texts: what is recalled is read from the records, and what they do not have is never recalled.

mod opening;
mod schema;
mod search;

use std::path::Path;

use tantivy::{
    Index as Tantivy, IndexReader, IndexWriter, TantivyError, Term,
    indexer::{IndexWriterOptions, LogMergePolicy},
};

pub(crate) use search::Hit;

use crate::document::Document;
use schema::Fields;

/// Memory of the writer while it writes: the least that the library takes. There is no writer in between.
const WRITER_BYTES: usize = 15_000_000;
/// A segment with any forgotten document is written anew.
const FORGOTTEN_RATIO: f32 = f32::MIN_POSITIVE;

/// Why the index cannot be used. What is wrong with it is mended by making it anew.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    #[error("the folder of the index cannot be used")]
    Folder(#[source] std::io::Error),
    #[error("the index failed")]
    Library(#[from] TantivyError),
    #[error("the index is damaged: {0}")]
    Damaged(String),
}

/// An open index.
pub(crate) struct Index {
    tantivy: Tantivy,
    reader: IndexReader,
    fields: Fields,
    /// Of the records that it is made of.
    store_id: String,
}

/// What changes with one commit.
pub(crate) struct Change {
    /// Sequences whose documents go.
    pub(crate) outdated: Vec<u64>,
    pub(crate) added: Vec<Document>,
    /// From now on everything up to here is in the index.
    pub(crate) position: u64,
}

// === impl Index ===

impl Index {
    /// Opens the index of the records `store_id`, whose newest is `last`; makes it anew where that is not possible. Returns up to
    /// where it holds them.
    pub(crate) fn open(folder: &Path, store_id: &str, last: u64) -> Result<(Self, u64), IndexError> {
        opening::open(folder, store_id, last)
    }

    /// Throws the index away and begins an empty one.
    pub(crate) fn make(folder: &Path, store_id: &str) -> Result<Self, IndexError> {
        opening::make(folder, store_id)
    }

    /// Commits a change, and finds it from now on. Returns when segments that held forgotten words are written anew.
    pub(crate) fn apply(&self, change: &Change) -> Result<(), IndexError> {
        let mut writer = self.writer()?;
        for sequence in &change.outdated {
            writer.delete_term(Term::from_field_u64(self.fields.sequence, *sequence));
        }
        for document in &change.added {
            writer.add_document(self.fields.document(document))?;
        }
        let mut commit = writer.prepare_commit()?;
        commit.set_payload(&opening::payload(&self.store_id, change.position));
        commit.commit()?;
        self.reader.reload()?;
        writer.wait_merging_threads()?;
        self.reader.reload()?;
        if !change.outdated.is_empty() {
            // Files of segments that were written anew are kept while a search uses them: this collects those of this change.
            self.writer()?.garbage_collect_files().wait()?;
        }
        Ok(())
    }

    fn writer(&self) -> Result<IndexWriter, IndexError> {
        let options = IndexWriterOptions::builder().memory_budget_per_thread(WRITER_BYTES).num_worker_threads(1).num_merge_threads(1);
        let writer: IndexWriter = self.tantivy.writer_with_options(options.build())?;
        let mut merging = LogMergePolicy::default();
        merging.set_del_docs_ratio_before_merge(FORGOTTEN_RATIO);
        writer.set_merge_policy(Box::new(merging));
        Ok(writer)
    }

    /// Documents that hold `word`, forgotten ones included, and whether any is only marked as forgotten.
    #[cfg(test)]
    pub(crate) fn holds(&self, word: &str) -> (u64, bool) {
        let searcher = self.reader.searcher();
        let count = crate::document::Part::ALL.map(|part| searcher.doc_freq(&self.fields.term(part, word)).unwrap()).iter().sum();
        (count, searcher.segment_readers().iter().any(tantivy::SegmentReader::has_deletes))
    }
}
