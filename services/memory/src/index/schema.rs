//! Fields of the index.

use tantivy::{
    TantivyDocument, Term,
    schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions},
    tokenizer::{PreTokenizedString, Token},
};

use crate::document::{Bag, Document, Part};

/// The fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    pub(super) sequence: Field,
    pub(super) text: Field,
    pub(super) context: Field,
    pub(super) key: Field,
    pub(super) turn: Field,
}

/// The schema, and its fields.
pub(super) fn schema() -> (Schema, Fields) {
    let words = TextFieldIndexing::default().set_index_option(IndexRecordOption::WithFreqs);
    let name = words.clone().set_index_option(IndexRecordOption::Basic).set_fieldnorms(false).set_tokenizer("raw");
    let (words, name) = (TextOptions::default().set_indexing_options(words), TextOptions::default().set_indexing_options(name));
    let mut builder = Schema::builder();
    let fields = Fields {
        sequence: builder.add_u64_field("sequence", INDEXED | FAST),
        text: builder.add_text_field("text", words.clone()),
        context: builder.add_text_field("context", words),
        key: builder.add_text_field("key", name.clone()),
        turn: builder.add_text_field("turn", name),
    };
    (builder.build(), fields)
}

// === impl Fields ===

impl Fields {
    pub(super) fn part(self, part: Part) -> Field {
        match part {
            Part::Text => self.text,
            Part::Context => self.context,
        }
    }

    /// The part that `field` is, if it is one.
    pub(super) fn part_of(self, field: Field) -> Option<Part> {
        Part::ALL.into_iter().find(|part| self.part(*part) == field)
    }

    pub(super) fn term(self, part: Part, term: &str) -> Term {
        Term::from_field_text(self.part(part), term)
    }

    pub(super) fn document(self, document: &Document) -> TantivyDocument {
        let mut made = TantivyDocument::default();
        made.add_u64(self.sequence, document.sequence);
        made.add_pre_tokenized_text(self.text, tokens(&document.text));
        made.add_pre_tokenized_text(self.context, tokens(&document.context));
        for key in &document.keys {
            made.add_text(self.key, key.as_str());
        }
        made.add_text(self.turn, &document.turn);
        made
    }
}

/// The words were divided already, by our own rule.
fn tokens(bag: &Bag) -> PreTokenizedString {
    let occurrences = bag.counts.iter().flat_map(|(term, count)| std::iter::repeat_n(term, usize::try_from(*count).unwrap_or(0)));
    let token = |(position, text): (usize, &String)| Token { position, text: text.clone(), ..Token::default() };
    PreTokenizedString { text: String::new(), tokens: occurrences.enumerate().map(token).collect() }
}
