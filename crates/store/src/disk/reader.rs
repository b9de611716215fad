//! Reading records: each is verified, wherever its value lies.

use std::path::PathBuf;

use crate::{
    disk::{
        files::Files,
        record::{INLINE_BYTES_MAX, Kind, Place, chunk_count, chunk_key, record_key, split_key, unseal},
    },
    error::StoreError,
    store::{PAGE_BYTES_MAX, Page, Records},
    tree::Tree,
};

/// What all threads of one store read from.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) path: PathBuf,
    pub(crate) db: sled::Db,
    pub(crate) files: Files,
}

// === impl Shelf ===

impl Shelf {
    pub(crate) fn damaged(&self, physical: &[u8], what: &str) -> StoreError {
        let place = match split_key(physical) {
            Some((tree, key)) => format!("tree `{tree}`, key {}", readable(key)),
            None => format!("key {}", readable(physical)),
        };
        StoreError::Damaged { path: self.path.clone(), place, what: what.to_owned() }
    }

    pub(crate) fn sled_failed(&self, error: sled::Error) -> StoreError {
        match error {
            sled::Error::Io(source) => StoreError::disk("use", self.path.clone())(source),
            other => StoreError::Damaged { path: self.path.clone(), place: "its log".to_owned(), what: other.to_string() },
        }
    }

    pub(crate) fn sealed(&self, physical: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        self.db.get(physical).map_err(|error| self.sled_failed(error))
    }

    /// The value of the record that was just read so. A commit may replace it meanwhile and take its chunks or file away:
    /// then the record has changed, and it is read again.
    fn value(&self, physical: &[u8], mut sealed: sled::IVec) -> Result<Option<Vec<u8>>, StoreError> {
        loop {
            let fault = match self.value_at(physical, &sealed)? {
                Ok(value) => return Ok(Some(value)),
                Err(fault) => fault,
            };
            match self.sealed(physical)? {
                None => return Ok(None),
                Some(now) if now == sealed => return Err(self.damaged(physical, fault)),
                Some(now) => sealed = now,
            }
        }
    }

    /// The value, or what is wrong with it.
    pub(crate) fn value_at(&self, physical: &[u8], sealed: &[u8]) -> Result<Result<Vec<u8>, &'static str>, StoreError> {
        match Place::unseal(physical, sealed) {
            None => Ok(Err("its checksum is wrong")),
            Some(Place::Inline(value)) => Ok(Ok(value.to_vec())),
            Some(Place::Chunked { id, bytes }) => self.chunks(id, bytes),
            Some(Place::File { sha256, .. }) => Ok(self.files.read(&sha256)?.ok_or("its file is missing or changed")),
        }
    }

    fn chunks(&self, id: u64, bytes: u64) -> Result<Result<Vec<u8>, &'static str>, StoreError> {
        let mut value = Vec::new();
        for index in 0..chunk_count(bytes) {
            let key = chunk_key(id, index);
            let Some(sealed) = self.sealed(&key)? else { return Ok(Err("a part of its value is missing")) };
            match unseal(&key, &sealed) {
                Some((Kind::Chunk, chunk)) if chunk.len() <= INLINE_BYTES_MAX => value.extend_from_slice(chunk),
                _ => return Ok(Err("a part of its value has a wrong checksum")),
            }
        }
        Ok(if value.len() as u64 == bytes { Ok(value) } else { Err("its value has another length") })
    }
}

/// The first bytes of a key, as text where it is text.
fn readable(key: &[u8]) -> String {
    key[..key.len().min(32)].escape_ascii().to_string()
}

impl Records for Shelf {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let physical = record_key(tree, key);
        match self.sealed(&physical)? {
            Some(sealed) => self.value(&physical, sealed),
            None => Ok(None),
        }
    }

    fn scan(&self, tree: Tree, prefix: &[u8], after: Option<&[u8]>, records_max: usize) -> Result<Page, StoreError> {
        let matching = record_key(tree, prefix);
        // Directly behind a key comes the same key with one zero byte more.
        let behind = after.map(|after| [&record_key(tree, after)[..], &[0]].concat());
        let start = behind.filter(|behind| matching < *behind).unwrap_or_else(|| matching.clone());
        let key_start = record_key(tree, b"").len();
        let (mut page, mut bytes) = (Page::default(), 0);
        for entry in self.db.range(start..) {
            let (physical, sealed) = entry.map_err(|error| self.sled_failed(error))?;
            if !physical.starts_with(&matching) {
                break;
            }
            if page.records.len() == records_max {
                page.is_partial = true;
                break;
            }
            let Some(value) = self.value(&physical, sealed)? else { continue };
            bytes += physical.len() - key_start + value.len();
            if PAGE_BYTES_MAX < bytes && !page.records.is_empty() {
                page.is_partial = true;
                break;
            }
            page.records.push((physical[key_start..].to_vec(), value));
        }
        Ok(page)
    }
}
