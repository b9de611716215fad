//! Making a store, opening one, and verifying all of it before it serves.

use std::{
    any::Any,
    collections::HashMap,
    fs::{self, DirBuilder, File},
    os::unix::fs::DirBuilderExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{
    batch::Format,
    disk::{
        StoreOptions,
        files::{Files, References, sync_folder},
        format::{Census, FormatRecord, LAYOUT},
        mark::Mark,
        reader::Shelf,
        record::{CENSUS_KEY, FORMAT_KEY, Place, chunk_count, digest, split_chunk_key, split_key},
        room,
    },
    error::StoreError,
};

const TREE: &str = "tree";
const UNBORN: &str = "tree.new";
const FILES: &str = "files";
const MARK: &str = "mark";

/// How long a tree's lock is waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// A verified store.
pub(crate) struct Opening {
    pub(crate) shelf: Shelf,
    pub(crate) db_file: File,
    pub(crate) mark: Mark,
    pub(crate) format: FormatRecord,
    pub(crate) census: Census,
    pub(crate) chunk_id_next: u64,
    pub(crate) references: References,
}

pub(crate) fn open(path: &Path, options: &StoreOptions) -> Result<Opening, StoreError> {
    create_folder(path)?;
    if let Some(bytes_needed) = room::lacking(path) {
        return Err(StoreError::NoRoom { path: path.to_owned(), bytes_needed });
    }
    create_folder(&path.join(FILES))?;
    if !path.join(TREE).exists() {
        make(path, options)?;
    }
    // sled panics on some damage.
    catch_unwind(AssertUnwindSafe(|| open_made(path, options)))
        .unwrap_or_else(|panic| Err(StoreError::Damaged { path: path.to_owned(), place: "its log".to_owned(), what: told(&*panic) }))
}

fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("sled gave up").to_owned()
}

fn create_folder(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(StoreError::disk("create", path))?;
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), sync_folder)
}

/// Makes an empty store under another name and renames it once it is whole: an existing tree always has its format, and
/// what is left of an interrupted making never held a record.
fn make(path: &Path, options: &StoreOptions) -> Result<(), StoreError> {
    let is_empty = |path: &Path| fs::read_dir(path).map(|mut entries| entries.next().is_none());
    let files = path.join(FILES);
    if path.join(MARK).exists() || !is_empty(&files).map_err(StoreError::disk("list", &files))? {
        return Err(StoreError::Damaged { path: path.to_owned(), place: TREE.to_owned(), what: "its records are gone".to_owned() });
    }
    let unborn = path.join(UNBORN);
    if unborn.exists() {
        fs::remove_dir_all(&unborn).map_err(StoreError::disk("remove", &unborn))?;
    }
    let format = Format { version: options.format, lowest_reader: options.lowest_reader };
    let format = FormatRecord { layout: LAYOUT, format, magic: options.magic.to_owned() };
    let db = open_when_free(&sled_config(&unborn, options));
    let made = db.and_then(|db| {
        db.insert(FORMAT_KEY, format.seal())?;
        db.insert(CENSUS_KEY, Census::default().seal())?;
        db.flush()
    });
    made.map_err(|error| StoreError::disk("make", &unborn)(error.into()))?;
    sync_all(&unborn)?;
    fs::rename(&unborn, path.join(TREE)).map_err(StoreError::disk("rename", &unborn))?;
    sync_folder(path)
}

/// sled syncs neither its configuration file nor its folders.
fn sync_all(folder: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder).map_err(StoreError::disk("list", folder))? {
        let path = entry.map_err(StoreError::disk("list", folder))?.path();
        File::open(&path).and_then(|file| file.sync_all()).map_err(StoreError::disk("sync", &path))?;
    }
    sync_folder(folder)
}

fn sled_config(path: &Path, options: &StoreOptions) -> sled::Config {
    // Nothing is flushed behind our back: an answer means that we flushed and synced.
    sled::Config::new().path(path).cache_capacity(options.cache_bytes_max).flush_every_ms(None)
}

/// Opens sled's tree, waiting a moment for its lock: threads of sled's own let go of it shortly after a tree of this process is dropped,
/// also of the one that was just made. Whoever else holds it is told apart by holding on.
fn open_when_free(config: &sled::Config) -> sled::Result<sled::Db> {
    let end = Instant::now() + LOCK_PATIENCE;
    loop {
        match config.open() {
            Err(sled::Error::Io(error)) if error.to_string().contains("could not acquire lock") && Instant::now() < end => {
                thread::sleep(LOCK_PAUSE);
            }
            opened => return opened,
        }
    }
}

fn open_made(path: &Path, options: &StoreOptions) -> Result<Opening, StoreError> {
    let tree = path.join(TREE);
    let shelf_path = path.to_owned();
    let db = open_when_free(&sled_config(&tree, options)).map_err(|error| match error {
        sled::Error::Io(source) => StoreError::disk("open", &tree)(source),
        other => StoreError::Damaged { path: shelf_path, place: "its log".to_owned(), what: other.to_string() },
    })?;
    let db_path = tree.join("db");
    let db_file = File::open(&db_path).map_err(StoreError::disk("open", &db_path))?;
    // What a killed process only wrote must be durable before it is shown.
    db_file.sync_data().map_err(StoreError::disk("sync", &db_path))?;
    let shelf = Shelf { path: path.to_owned(), db, files: Files::new(path.join(FILES)) };
    let format = check_format(&shelf, options)?;
    let (census, chunk_id_next, references) = verify(&shelf)?;
    let mark = check_mark(&shelf, &census)?;
    shelf.files.sweep(&references)?;
    Ok(Opening { shelf, db_file, mark, format, census, chunk_id_next, references })
}

fn check_format(shelf: &Shelf, options: &StoreOptions) -> Result<FormatRecord, StoreError> {
    let sealed = shelf.sealed(FORMAT_KEY)?.ok_or_else(|| shelf.damaged(FORMAT_KEY, "its format is missing"))?;
    let record = FormatRecord::unseal(&sealed).ok_or_else(|| shelf.damaged(FORMAT_KEY, "its checksum is wrong"))?;
    let (path, Format { version: found, lowest_reader }) = (shelf.path.clone(), record.format);
    if record.magic != options.magic {
        Err(StoreError::Foreign { path, found: record.magic, wanted: options.magic })
    } else if record.layout != LAYOUT || options.format < lowest_reader {
        Err(StoreError::TooNew { path, found, lowest_reader, supported: options.format })
    } else if found < options.format_lowest {
        Err(StoreError::TooOld { path, found, lowest: options.format_lowest })
    } else {
        Ok(record)
    }
}

/// Reads every record, and compares what is there with what must be there.
fn verify(shelf: &Shelf) -> Result<(Census, u64, References), StoreError> {
    let mut found = Census::default();
    let mut chunks: HashMap<u64, u32> = HashMap::new();
    let (mut chunk_id_next, mut references) = (0, References::new());
    for entry in shelf.db.iter() {
        let (physical, sealed) = entry.map_err(|error| shelf.sled_failed(error))?;
        if let Some((id, _)) = split_chunk_key(&physical) {
            *chunks.entry(id).or_default() += 1;
            chunk_id_next = chunk_id_next.max(id + 1);
        } else if split_key(&physical).is_some() {
            shelf.value_at(&physical, &sealed)?.map_err(|fault| shelf.damaged(&physical, fault))?;
            found.add(digest(&physical, &sealed));
            match Place::unseal(&physical, &sealed) {
                Some(Place::Chunked { id, bytes }) if chunks.remove(&id) != Some(chunk_count(bytes)) => {
                    return Err(shelf.damaged(&physical, "its value has parts of another one"));
                }
                Some(Place::File { sha256, .. }) => *references.entry(sha256).or_default() += 1,
                _ => {}
            }
        } else if *physical != *FORMAT_KEY && *physical != *CENSUS_KEY {
            return Err(shelf.damaged(&physical, "nobody writes such a key"));
        }
    }
    let sealed = shelf.sealed(CENSUS_KEY)?.ok_or_else(|| shelf.damaged(CENSUS_KEY, "its census is missing"))?;
    let census = Census::unseal(&sealed).ok_or_else(|| shelf.damaged(CENSUS_KEY, "its checksum is wrong"))?;
    if (found.records, found.digest) != (census.records, census.digest) || !chunks.is_empty() {
        let what = format!("it has {} records where {} belong, or others", found.records, census.records);
        return Err(StoreError::Damaged { path: shelf.path.clone(), place: "its census".to_owned(), what });
    }
    Ok((census, chunk_id_next, references))
}

/// A store behind its mark lost commits that were answered.
fn check_mark(shelf: &Shelf, census: &Census) -> Result<Mark, StoreError> {
    let path = shelf.path.join(MARK);
    let (mut mark, commits) = Mark::open(&path).map_err(StoreError::disk("open", &path))?;
    if census.commits < commits {
        let what = format!("commit {commits} was answered and the records end with commit {}", census.commits);
        return Err(StoreError::Damaged { path: shelf.path.clone(), place: "its end".to_owned(), what });
    }
    mark.set(census.commits).and_then(|()| mark.sync()).map_err(StoreError::disk("write", &path))?;
    sync_folder(&shelf.path)?;
    Ok(mark)
}
