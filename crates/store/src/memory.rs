//! A store in memory, for tests. It holds the same contract, as long as the process lives.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{Batch, Record, Store, StoreError};

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<BTreeMap<Vec<u8>, Vec<u8>>>);

// === impl MemoryStore ===

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.lock().get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, count_max: usize) -> Result<Vec<Record>, StoreError> {
        let records = self.lock();
        let begin = after.filter(|after| *after >= prefix).map_or(Bound::Included(prefix), Bound::Excluded);
        let found = records.range::<[u8], _>((begin, Bound::Unbounded)).take_while(|(key, _)| key.starts_with(prefix));
        Ok(found.take(count_max).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let mut records = self.lock();
        for (key, change) in batch.changes {
            match change {
                Some(value) => records.insert(key, value),
                None => records.remove(&key),
            };
        }
        Ok(())
    }
}
