//! The newest records, which the index does not hold yet, and what it holds that is no longer so.
//!
//! Both are small: the index catches up every few seconds. What does not fit is skipped, and said to be missing until then.

use std::{collections::BTreeMap, sync::Arc};

use crate::document::{Document, Part, Query};

/// Documents and their memory that are held beside the index.
const DOCUMENTS_MAX: usize = 1_024;
const BYTES_MAX: usize = 8 << 20;

/// Documents beside the index. Cheap to clone: a search works on a copy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    documents: BTreeMap<u64, Arc<Document>>,
    bytes: usize,
    /// Sequences whose document in the index is outdated, and the generation of the change.
    stale: BTreeMap<u64, u64>,
    /// The highest sequence that did not fit.
    skipped: u64,
    /// The index holds everything up to here.
    position: u64,
}

// === impl Overlay ===

impl Overlay {
    /// Beside an index that holds everything up to `position`.
    pub(crate) fn beside(position: u64) -> Self {
        Self { position, ..Self::default() }
    }

    /// Holds a document until the index has it.
    pub(crate) fn hold(&mut self, document: Document) {
        self.drop_document(document.sequence);
        let is_full = DOCUMENTS_MAX <= self.documents.len() || (BYTES_MAX < self.bytes + document.bytes() && !self.documents.is_empty());
        if is_full {
            self.skipped = self.skipped.max(document.sequence);
            return;
        }
        self.bytes += document.bytes();
        self.documents.insert(document.sequence, Arc::new(document));
    }

    /// What the index says of `sequence` no longer counts; `now` does, if the record is still there.
    pub(crate) fn outdate(&mut self, sequence: u64, generation: u64, now: Option<Document>) {
        self.drop_document(sequence);
        self.stale.insert(sequence, generation);
        if let Some(now) = now {
            self.hold(now);
        }
    }

    /// The index now holds everything up to `position`, and the changes of `done` (sequence and generation).
    pub(crate) fn retire(&mut self, position: u64, done: &[(u64, u64)]) {
        for (sequence, generation) in done {
            if self.stale.get(sequence) == Some(generation) {
                self.stale.remove(sequence);
            }
        }
        self.position = position;
        let indexed: Vec<u64> = self.documents.range(..=position).map(|(sequence, _)| *sequence).collect();
        for sequence in indexed.into_iter().filter(|sequence| !self.stale.contains_key(sequence)).collect::<Vec<_>>() {
            self.drop_document(sequence);
        }
        if self.stale.is_empty() && self.skipped <= position {
            self.skipped = 0;
        }
    }

    /// Up to where the index holds everything.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Whether there are records that neither this nor the index holds.
    pub(crate) fn is_partial(&self) -> bool {
        self.skipped != 0
    }

    /// Whether what the index says of `sequence` counts.
    pub(crate) fn is_current(&self, sequence: u64) -> bool {
        sequence <= self.position && !self.stale.contains_key(&sequence)
    }

    /// Documents of the index that do not count.
    pub(crate) fn stale_count(&self) -> usize {
        self.stale.len()
    }

    /// Documents that `query` may find.
    pub(crate) fn admitted<'a>(&'a self, query: &'a Query) -> impl Iterator<Item = &'a Document> {
        self.documents.values().map(AsRef::as_ref).filter(|document| document.is_admitted(query))
    }

    pub(crate) fn documents_count(&self) -> u64 {
        self.documents.len() as u64
    }

    pub(crate) fn length(&self, part: Part) -> u64 {
        self.documents.values().map(|document| u64::from(document.bag(part).length)).sum()
    }

    /// How many documents hold `term` in `part`.
    pub(crate) fn document_frequency(&self, part: Part, term: &str) -> u64 {
        self.documents.values().filter(|document| document.bag(part).counts.contains_key(term)).count() as u64
    }

    fn drop_document(&mut self, sequence: u64) {
        if let Some(document) = self.documents.remove(&sequence) {
            self.bytes -= document.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Bag;

    fn document(sequence: u64) -> Document {
        Document { sequence, text: Bag::default(), context: Bag::default(), keys: Vec::new(), turn: String::new() }
    }

    fn held(overlay: &Overlay) -> Vec<u64> {
        overlay.documents.keys().copied().collect()
    }

    #[test]
    fn what_the_index_has_is_let_go() {
        let mut overlay = Overlay::beside(2);
        for sequence in [3, 4, 5] {
            overlay.hold(document(sequence));
        }
        overlay.retire(4, &[]);
        assert_eq!(held(&overlay), [5]);
        assert!(overlay.is_current(4) && !overlay.is_current(5));
    }

    #[test]
    fn what_does_not_fit_is_missing_until_the_index_has_it() {
        let mut overlay = Overlay::default();
        (1..=DOCUMENTS_MAX as u64 + 1).for_each(|sequence| overlay.hold(document(sequence)));
        assert!(overlay.is_partial());
        overlay.retire(DOCUMENTS_MAX as u64 + 1, &[]);
        assert!(!overlay.is_partial());
    }

    #[test]
    fn a_document_that_is_larger_than_everything_is_held_alone() {
        let mut overlay = Overlay::default();
        let counts = (0..200_000).map(|number| (number.to_string(), 1)).collect();
        overlay.hold(Document { text: Bag { counts, length: 200_000 }, ..document(1) });
        overlay.hold(document(2));
        assert_eq!((held(&overlay), overlay.is_partial()), (vec![1], true));
    }

    #[test]
    fn an_outdated_document_counts_again_once_the_index_has_that_very_change() {
        let mut overlay = Overlay::beside(9);
        overlay.outdate(3, 1, Some(document(3)));
        overlay.outdate(3, 2, None);
        overlay.retire(9, &[(3, 1)]);
        assert!(!overlay.is_current(3), "a later change is not in the index");
        overlay.retire(9, &[(3, 2)]);
        assert!(overlay.is_current(3) && held(&overlay).is_empty());
    }

    #[test]
    fn a_changed_document_is_held_until_the_index_has_it() {
        let mut overlay = Overlay::beside(9);
        overlay.outdate(3, 1, Some(document(3)));
        overlay.retire(9, &[]);
        assert_eq!(held(&overlay), [3]);
        overlay.retire(9, &[(3, 1)]);
        assert_eq!(held(&overlay), [0; 0]);
    }
}
