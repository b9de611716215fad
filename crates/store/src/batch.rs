//! Changes that belong together.

use std::collections::BTreeMap;

/// Changes that are made together or not at all. A later change of a key replaces an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// `None` removes.
    pub(crate) changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

// === impl Batch ===

impl Batch {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> &mut Self {
        self.changes.insert(key.into(), Some(value.into()));
        self
    }

    pub fn remove(&mut self, key: impl Into<Vec<u8>>) -> &mut Self {
        self.changes.insert(key.into(), None);
        self
    }

    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}
