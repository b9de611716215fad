//! Searching index and overlay as if they were one: the same words, the same statistics, the same formula (BM25).

use tantivy::{
    Searcher, Term,
    collector::TopDocs,
    fieldnorm::FieldNormReader,
    query::{Bm25StatisticsProvider, Bm25Weight, BooleanQuery, BoostQuery, ConstScoreQuery, Occur, Query as TantivyQuery, TermQuery},
    schema::{Field, IndexRecordOption},
};

use super::{Index, IndexError, schema::Fields};
use crate::{
    document::{Document, Part, Query},
    overlay::Overlay,
};

/// Terms of a query that count: the rarest.
const TERMS_MAX: usize = 64;
/// Outdated documents for which a search makes room. More of them crowd others out until the index has caught up.
const STALE_MAX: usize = 2_000;

/// A record that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Hit {
    pub(crate) sequence: u64,
    pub(crate) score: f32,
}

/// Index and overlay together.
struct Both<'a> {
    searcher: &'a Searcher,
    overlay: &'a Overlay,
    fields: Fields,
}

/// A term and what a match of it is worth.
struct Weighted<'a> {
    part: Part,
    term: &'a str,
    weight: Bm25Weight,
}

// === impl Index ===

impl Index {
    /// The best `hits_max` records, best first; of equal ones the newer first.
    ///
    /// Take `overlay` before this: what moves from one to the other in between is then in both, and counts once.
    pub(crate) fn search(&self, query: &Query, overlay: &Overlay, hits_max: usize) -> Result<Vec<Hit>, IndexError> {
        let searcher = self.reader.searcher();
        let both = Both { searcher: &searcher, overlay, fields: self.fields };
        let terms = both.rarest(query)?;
        if terms.is_empty() || hits_max == 0 {
            return Ok(Vec::new());
        }
        let mut hits = both.in_index(query, &terms, hits_max)?;
        hits.retain(|hit| overlay.is_current(hit.sequence));
        hits.extend(both.in_overlay(query, &terms)?);
        hits.sort_unstable_by(|left, right| right.score.total_cmp(&left.score).then(right.sequence.cmp(&left.sequence)));
        hits.truncate(hits_max);
        Ok(hits)
    }
}

// === impl Both ===

impl Both<'_> {
    /// The terms of `query` that occur at all, rarest first.
    fn rarest<'q>(&self, query: &'q Query) -> Result<Vec<&'q str>, IndexError> {
        let mut found = Vec::new();
        for term in &query.terms {
            let [text, context] = Part::ALL.map(|part| self.doc_freq(&self.fields.term(part, term)));
            let (text, context) = (text?, context?);
            if 0 < text + context {
                found.push((text.max(context), term.as_str()));
            }
        }
        found.sort_unstable();
        Ok(found.into_iter().map(|(_, term)| term).take(TERMS_MAX).collect())
    }

    fn in_index(&self, query: &Query, terms: &[&str], hits_max: usize) -> Result<Vec<Hit>, IndexError> {
        let room = hits_max + self.overlay.stale_count().min(STALE_MAX) + usize::try_from(self.overlay.documents_count()).unwrap_or(0);
        let found =
            self.searcher.search_with_statistics_provider(&self.query(query, terms), &TopDocs::with_limit(room).order_by_score(), self)?;
        let mut hits = Vec::with_capacity(found.len());
        for (score, address) in found {
            let segment = self.searcher.segment_reader(address.segment_ord);
            let sequence = segment.fast_fields().u64("sequence")?.first(address.doc_id);
            let sequence = sequence.ok_or_else(|| IndexError::Damaged("a document without a sequence".to_owned()))?;
            hits.push(Hit { sequence, score });
        }
        Ok(hits)
    }

    /// Made of terms only: what somebody wrote is never read as a query language.
    fn query(&self, query: &Query, terms: &[&str]) -> BooleanQuery {
        let term = |part: Part, term: &str| -> Box<dyn TantivyQuery> {
            let matches = TermQuery::new(self.fields.term(part, term), IndexRecordOption::WithFreqs);
            Box::new(BoostQuery::new(Box::new(matches), part.weight()))
        };
        let words = terms.iter().flat_map(|word| Part::ALL.map(|part| term(part, word))).collect();
        let mut clauses: Vec<(Occur, Box<dyn TantivyQuery>)> = vec![(Occur::Must, Box::new(BooleanQuery::union(words)))];
        let name = |field: Field, text: &str| -> Box<dyn TantivyQuery> {
            Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic))
        };
        if let Some(scope) = &query.scope {
            let keys = scope.iter().map(|key| name(self.fields.key, key.as_str())).collect();
            clauses.push((Occur::Must, Box::new(ConstScoreQuery::new(Box::new(BooleanQuery::union(keys)), 0.0))));
        }
        clauses.extend(query.excluded_turns.iter().map(|turn| (Occur::MustNot, name(self.fields.turn, turn))));
        BooleanQuery::new(clauses)
    }

    fn in_overlay(&self, query: &Query, terms: &[&str]) -> Result<Vec<Hit>, IndexError> {
        let mut weighted = Vec::new();
        for part in Part::ALL {
            for term in terms {
                let weight = Bm25Weight::for_terms(self, &[self.fields.term(part, term)])?.boost_by(part.weight());
                weighted.push(Weighted { part, term, weight });
            }
        }
        let hits = self.overlay.admitted(query).map(|document| Hit { sequence: document.sequence, score: score(document, &weighted) });
        Ok(hits.filter(|hit| 0.0 < hit.score).collect())
    }
}

impl Bm25StatisticsProvider for Both<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        let beside = self.fields.part_of(field).map_or(0, |part| self.overlay.length(part));
        Ok(self.searcher.total_num_tokens(field)? + beside)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(self.searcher.total_num_docs()? + self.overlay.documents_count())
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        let part = self.fields.part_of(term.field());
        let beside = part.zip(term.value().as_str()).map_or(0, |(part, term)| self.overlay.document_frequency(part, term));
        Ok(self.searcher.doc_freq(term)? + beside)
    }
}

/// As the index scores its own: lengths are rounded in the same way.
fn score(document: &Document, terms: &[Weighted<'_>]) -> f32 {
    let matches = terms.iter().filter_map(|Weighted { part, term, weight }| {
        let bag = document.bag(*part);
        let count = bag.counts.get(*term)?;
        Some(weight.score(FieldNormReader::fieldnorm_to_id(bag.length), *count))
    });
    matches.sum()
}
