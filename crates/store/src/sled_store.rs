//! The store on a disk.

use std::{
    collections::HashMap,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Batch, Record, Store, StoreError,
    blobs::Blobs,
    committer::{Committer, Work},
    record::{self, Body, DIGEST_BYTES, Head},
};

/// The engine's one file.
const ENGINE_FILE: &str = "db";
const BLOBS_FOLDER: &str = "files";
/// Written into every store.
const FORMAT: u32 = 1;
const FORMAT_RECORD: &str = "format";

/// How a store uses the machine.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Memory for pages. Default: 4 MiB (the engine's own default is 1 GiB).
    pub cache_bytes_max: u64,
}

/// The store on a disk: one folder, one process.
#[derive(Debug)]
pub struct SledStore {
    db: sled::Db,
    blobs: Arc<Blobs>,
    committer: Committer,
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self { cache_bytes_max: 4 * 1024 * 1024 }
    }
}

// === impl SledStore ===

impl SledStore {
    /// Opens or makes the store in `path`, syncs what a killed process may have left unsynced, and verifies every record. One that is
    /// damaged is an error; nothing is ever replaced by something empty.
    pub fn open(path: &Path, options: Options) -> Result<Self, StoreError> {
        fs::create_dir_all(path).map_err(|error| StoreError::file(path, error))?;
        let open = |source: sled::Error| StoreError::Open { path: path.to_owned(), source: Arc::new(source) };
        // The engine flushes when it is told to, not by a timer: a commit is the only moment at which something gets durable.
        let config = sled::Config::new().path(path).cache_capacity(options.cache_bytes_max).flush_every_ms(None);
        let db = config.mode(sled::Mode::LowSpace).open().map_err(open)?;
        let engine_file: PathBuf = path.join(ENGINE_FILE);
        let file = File::open(&engine_file).map_err(|error| StoreError::file(&engine_file, error))?;
        file.sync_data().map_err(|error| StoreError::file(&engine_file, error))?;
        let blobs = Arc::new(Blobs::open(path.join(BLOBS_FOLDER))?);
        check_format(&db, path)?;
        let references = verify(&db, &blobs)?;
        blobs.keep_only(&references.keys().copied().collect())?;
        let work = Work { db: db.clone(), file, blobs: Arc::clone(&blobs), references };
        let committer = Committer::start(work).map_err(|error| StoreError::file(path, error))?;
        Ok(Self { db, blobs, committer })
    }
}

impl Store for SledStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.get(record::head_key(key))?.map(|head| read(&self.db, &self.blobs, key, &head)).transpose()
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, count_max: usize) -> Result<Vec<Record>, StoreError> {
        let begin = match after.filter(|after| *after >= prefix) {
            // The first key behind `after`.
            Some(after) => [&record::head_key(after)[..], &[0]].concat(),
            None => record::head_key(prefix),
        };
        let wanted = record::head_key(prefix);
        let mut records = Vec::new();
        for entry in self.db.range(begin..).take(count_max) {
            let (engine_key, head) = entry?;
            if !engine_key.starts_with(&wanted) {
                break;
            }
            let Some(key) = record::key_of_head(&engine_key) else { break };
            records.push((key.to_vec(), read(&self.db, &self.blobs, key, &head)?));
        }
        Ok(records)
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        if batch.is_empty() { Ok(()) } else { self.committer.commit(batch) }
    }
}

/// The value whose head was read, verified.
fn read(db: &sled::Db, blobs: &Blobs, key: &[u8], head: &[u8]) -> Result<Vec<u8>, StoreError> {
    let head = Head::decode(key, head)?;
    let value = match &head.body {
        Body::Inline(value) => value.clone(),
        Body::Chunked { chunks } => {
            let mut value = Vec::new();
            for index in 0..*chunks {
                let chunk = db.get(record::chunk_key(key, index))?.ok_or_else(|| StoreError::damaged(key, "a piece of it is missing"))?;
                value.extend_from_slice(&chunk);
            }
            value
        }
        Body::File { digest } => blobs.read(digest)?,
    };
    head.verify(key, &value)?;
    Ok(value)
}

/// Reads every record, and counts the records that name each file.
fn verify(db: &sled::Db, blobs: &Blobs) -> Result<HashMap<[u8; DIGEST_BYTES], usize>, StoreError> {
    let mut references = HashMap::new();
    for entry in db.scan_prefix(record::head_key(&[])) {
        let (engine_key, head) = entry?;
        let key = record::key_of_head(&engine_key).unwrap_or_default();
        read(db, blobs, key, &head)?;
        if let Body::File { digest } = Head::decode(key, &head)?.body {
            *references.entry(digest).or_default() += 1;
        }
    }
    Ok(references)
}

/// Refuses what a later version wrote; marks what is new.
fn check_format(db: &sled::Db, path: &Path) -> Result<(), StoreError> {
    let key = record::meta_key(FORMAT_RECORD);
    match db.get(&key)? {
        Some(found) if *found == FORMAT.to_be_bytes() => Ok(()),
        Some(found) => {
            let found = <[u8; 4]>::try_from(&*found).map_or_else(|_| "unknown".to_owned(), |bytes| u32::from_be_bytes(bytes).to_string());
            Err(StoreError::Format { path: path.to_owned(), found, known: FORMAT })
        }
        // Durable with the first commit: until then there is nothing to misread.
        None if db.is_empty() => db.insert(key, &FORMAT.to_be_bytes()).map(|_| ()).map_err(StoreError::from),
        None => Err(StoreError::Format { path: path.to_owned(), found: "unknown".to_owned(), known: FORMAT }),
    }
}
