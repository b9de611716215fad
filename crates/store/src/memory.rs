//! A store in memory: for tests of what stands on a store.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    batch::Batch,
    error::StoreError,
    store::{Done, PAGE_BYTES_MAX, Page, ReadJob, Records, Store},
    tree::Tree,
};

/// Keeps nothing beyond its life; answers on the caller's thread. It can be told to fail.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    records: BTreeMap<(Tree, Vec<u8>), Vec<u8>>,
    format: u32,
    failure: Option<StoreError>,
}

// === impl MemoryStore ===

impl MemoryStore {
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on every commit fails so, as after a failed sync.
    pub fn fail(&self, error: StoreError) {
        self.state().failure = Some(error);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut state = self.state();
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        for (tree, key, value) in batch.changes() {
            match value {
                Some(value) => state.records.insert((tree, key.to_vec()), value.to_vec()),
                None => state.records.remove(&(tree, key.to_vec())),
            };
        }
        state.format = batch.format().map_or(state.format, |format| format.version);
        Ok(())
    }
}

impl Records for MemoryStore {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.state().records.get(&(tree, key.to_vec())).cloned())
    }

    fn scan(&self, tree: Tree, prefix: &[u8], after: Option<&[u8]>, records_max: usize) -> Result<Page, StoreError> {
        let state = self.state();
        let (mut page, mut bytes) = (Page::default(), 0);
        let behind = state.records.range((tree, prefix.to_vec())..);
        let matching = behind.take_while(|((found, key), _)| *found == tree && key.starts_with(prefix));
        for ((_, key), value) in matching.filter(|((_, key), _)| after.is_none_or(|after| after < key.as_slice())) {
            bytes += key.len() + value.len();
            page.is_partial = page.records.len() == records_max || PAGE_BYTES_MAX < bytes && !page.records.is_empty();
            if page.is_partial {
                break;
            }
            page.records.push((key.clone(), value.clone()));
        }
        Ok(page)
    }
}

impl Store for MemoryStore {
    fn commit(&self, batch: Batch, done: Done) -> Result<(), StoreError> {
        batch.check()?;
        done(self.apply(&batch));
        Ok(())
    }

    fn read(&self, job: ReadJob) -> Result<(), StoreError> {
        job(self);
        Ok(())
    }

    fn format(&self) -> u32 {
        self.state().format
    }
}
