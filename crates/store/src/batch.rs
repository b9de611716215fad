//! Changes that are made together.

use std::collections::BTreeMap;

use crate::{
    error::StoreError,
    tree::{KEY_BYTES_MAX, Tree, VALUE_BYTES_MAX},
};

/// Changes of any trees of one store, applied wholly or not at all. For one key, the last change counts.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    changes: BTreeMap<(Tree, Vec<u8>), Option<Vec<u8>>>,
    format: Option<Format>,
}

/// Which program wrote a store, and which may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) version: u32,
    pub(crate) lowest_reader: u32,
}

// === impl Batch ===

impl Batch {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn put(&mut self, tree: Tree, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> &mut Self {
        self.changes.insert((tree, key.into()), Some(value.into()));
        self
    }

    /// Deletes a record; one that is not there is no fault.
    pub fn delete(&mut self, tree: Tree, key: impl Into<Vec<u8>>) -> &mut Self {
        self.changes.insert((tree, key.into()), None);
        self
    }

    /// Says, together with the changes that make it true, that the store now has this format, and the lowest format whose
    /// programs may still read it.
    pub fn set_format(&mut self, version: u32, lowest_reader: u32) -> &mut Self {
        self.format = Some(Format { version, lowest_reader });
        self
    }

    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.format.is_none()
    }

    pub(crate) fn format(&self) -> Option<Format> {
        self.format
    }

    pub(crate) fn changes(&self) -> impl Iterator<Item = (Tree, &[u8], Option<&[u8]>)> {
        self.changes.iter().map(|((tree, key), value)| (*tree, key.as_slice(), value.as_deref()))
    }

    /// What it takes in a queue.
    pub(crate) fn bytes(&self) -> usize {
        self.changes().map(|(_, key, value)| key.len() + value.map_or(0, <[u8]>::len)).sum()
    }

    pub(crate) fn check(&self) -> Result<(), StoreError> {
        for (tree, key, value) in self.changes() {
            if KEY_BYTES_MAX < key.len() {
                return Err(StoreError::KeyTooLarge { tree: tree.name(), bytes: key.len(), bytes_max: KEY_BYTES_MAX });
            }
            let bytes = value.map_or(0, <[u8]>::len);
            if VALUE_BYTES_MAX < bytes {
                return Err(StoreError::ValueTooLarge { tree: tree.name(), bytes, bytes_max: VALUE_BYTES_MAX });
            }
        }
        Ok(())
    }
}
