//! Opening an index, or making it anew.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use argentum_service::chain;
use tantivy::{Index as Tantivy, IndexSettings, ReloadPolicy, store::Compressor};
use tracing::{info, warn};

use super::{
    Index, IndexError,
    schema::{Fields, schema},
};

/// Of schema and words: an index of another version is made anew. Change it whenever the same text would give other terms.
const VERSION: &str = "argentum-index-1";

/// What a commit says of itself.
pub(super) fn payload(store_id: &str, position: u64) -> String {
    format!("{VERSION} {store_id} {position}")
}

pub(super) fn open(folder: &Path, store_id: &str, last: u64) -> Result<(Index, u64), IndexError> {
    if !folder.join("meta.json").exists() {
        return Ok((make(folder, store_id)?, 0));
    }
    // The library panics on some damage.
    let found = catch_unwind(AssertUnwindSafe(|| open_made(folder, store_id, last)));
    match found.unwrap_or_else(|_| Err(IndexError::Damaged("the library gave up".to_owned()))) {
        Ok(Some(opened)) => return Ok(opened),
        Ok(None) => info!("the search index is of another version; making it anew"),
        Err(error) => warn!(error = chain(&error), "the search index is not usable; making it anew"),
    }
    Ok((make(folder, store_id)?, 0))
}

pub(super) fn make(folder: &Path, store_id: &str) -> Result<Index, IndexError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(IndexError::Folder(error)),
        _ => {}
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(IndexError::Folder)?;
    let (schema, fields) = schema();
    // No text is stored: there is nothing to compress.
    let settings =
        IndexSettings { docstore_compression: Compressor::None, docstore_compress_dedicated_thread: false, ..IndexSettings::default() };
    let directory = tantivy::directory::MmapDirectory::open(folder).map_err(tantivy::TantivyError::from)?;
    serve(Tantivy::create(directory, schema, settings)?, fields, store_id)
}

/// The index in `folder`, and up to where it holds the records; `None` where it is of other records or another version.
fn open_made(folder: &Path, store_id: &str, last: u64) -> Result<Option<(Index, u64)>, IndexError> {
    let tantivy = Tantivy::open_in_dir(folder)?;
    let (schema, fields) = schema();
    let told = tantivy.load_metas()?.payload.unwrap_or_default();
    // An index that is ahead of its records is of a later state of them.
    let position = position(&told, store_id).filter(|position| *position <= last && tantivy.schema() == schema);
    let Some(position) = position else { return Ok(None) };
    let damaged = tantivy.validate_checksum()?;
    if let Some(file) = damaged.iter().next() {
        return Err(IndexError::Damaged(file.display().to_string()));
    }
    Ok(Some((serve(tantivy, fields, store_id)?, position)))
}

/// Up to where the commit that told this holds the records of `store_id`.
fn position(told: &str, store_id: &str) -> Option<u64> {
    let position = told.rsplit(' ').next()?.parse().ok()?;
    (told == payload(store_id, position)).then_some(position)
}

fn serve(tantivy: Tantivy, fields: Fields, store_id: &str) -> Result<Index, IndexError> {
    let reader = tantivy.reader_builder().reload_policy(ReloadPolicy::Manual).doc_store_cache_num_blocks(0).try_into()?;
    Ok(Index { tantivy, reader, fields, store_id: store_id.to_owned() })
}
