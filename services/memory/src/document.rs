//! What a record is found by.

use std::collections::{BTreeMap, BTreeSet};

use crate::{records::Record, scope::ScopeKey, text::terms};

/// Most of a record's terms that count; a longer text is found by its beginning.
const TERMS_MAX: usize = 50_000;
/// Terms of the record before that count: an answer is also found by its question, and a question by what was answered before.
const CONTEXT_TERMS_MAX: usize = 1_000;
/// Different terms of a query that are looked up.
const LOOKED_UP_MAX: usize = 256;

/// A record and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// Its place in the order of remembering, from 1.
    pub(crate) sequence: u64,
    pub(crate) record: Record,
    /// The record before it in its conversation, while that is remembered.
    pub(crate) before: Option<Record>,
}

/// Two bags of words with different weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The record's own.
    Text,
    /// Of the record before it.
    Context,
}

/// How often each term occurs, and how many there are together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Bag {
    pub(crate) counts: BTreeMap<String, u32>,
    pub(crate) length: u32,
}

/// What a record is found by; derived, never the truth.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    pub(crate) sequence: u64,
    pub(crate) text: Bag,
    pub(crate) context: Bag,
    pub(crate) keys: Vec<ScopeKey>,
    pub(crate) turn: String,
}

/// What is looked for, by whom.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    /// In the order of the text.
    pub(crate) terms: BTreeSet<String>,
    /// A record must bear one of them; `None` = the operator, who sees everything.
    pub(crate) scope: Option<Vec<ScopeKey>>,
    pub(crate) excluded_turns: BTreeSet<String>,
}

// === impl Part ===

impl Part {
    pub(crate) const ALL: [Part; 2] = [Part::Text, Part::Context];

    /// What a match in it counts. Measured on a public collection of long conversations: a half was best of 0.2 to 0.5.
    pub(crate) fn weight(self) -> f32 {
        match self {
            Part::Text => 1.0,
            Part::Context => 0.5,
        }
    }
}

// === impl Bag ===

impl Bag {
    fn of(text: &str, terms_max: usize) -> Self {
        let mut bag = Self::default();
        for term in terms(text).into_iter().take(terms_max) {
            *bag.counts.entry(term).or_default() += 1;
            bag.length += 1;
        }
        bag
    }

    /// Memory that it takes, roughly.
    fn bytes(&self) -> usize {
        self.counts.keys().map(|term| term.len() + 48).sum()
    }
}

// === impl Document ===

impl Document {
    pub(crate) fn of(entry: &Entry) -> Self {
        let before = entry.before.as_ref().map_or("", Record::text);
        Self {
            sequence: entry.sequence,
            text: Bag::of(&entry.record.whole(), TERMS_MAX),
            context: Bag::of(before, CONTEXT_TERMS_MAX),
            keys: entry.record.keys(),
            turn: entry.record.turn().to_owned(),
        }
    }

    pub(crate) fn bag(&self, part: Part) -> &Bag {
        match part {
            Part::Text => &self.text,
            Part::Context => &self.context,
        }
    }

    /// Whether the query may find it at all.
    pub(crate) fn is_admitted(&self, query: &Query) -> bool {
        let is_shared = query.scope.as_ref().is_none_or(|scope| scope.iter().any(|key| self.keys.contains(key)));
        is_shared && !query.excluded_turns.contains(&self.turn)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.text.bytes() + self.context.bytes()
    }
}

// === impl Query ===

impl Query {
    /// Looks for the words of `text`, whatever they are.
    pub(crate) fn new(text: &str, scope: Option<Vec<ScopeKey>>, excluded_turns: BTreeSet<String>) -> Self {
        let mut distinct = BTreeSet::new();
        for term in terms(text) {
            if LOOKED_UP_MAX <= distinct.len() {
                break;
            }
            distinct.insert(term);
        }
        Self { terms: distinct, scope, excluded_turns }
    }
}
