//! The one directory where data lives: its mode, its marker, its lock.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use argentum_service::{Exit, Failure, files};
use rustix::fs::{FlockOperation, flock};

const MARKER: &str = "argentum-data.toml";
const LOCK: &str = "lock";

/// The layout that this version writes, and the oldest that it reads.
const LAYOUT: u32 = 1;
const LAYOUT_READ_MIN: u32 = 1;

/// How often a held lock is looked at again.
const LOCK_POLL: Duration = Duration::from_millis(20);

/// A data directory that nobody else uses, until this and every child that inherited the lock are gone.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    lock: File,
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("data directory `{}` cannot be made; choose another with --data-dir", path.display())]
    Create {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("data directory `{}` cannot be written; check its owner, mode and free space", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` is not an Argentum data directory and not empty; choose an empty folder", path.display())]
    Foreign { path: PathBuf },
    #[error("data in `{}` needs layout {needed} and this version reads {LAYOUT_READ_MIN} to {LAYOUT}; use the version that wrote it", path.display())]
    Layout { path: PathBuf, needed: u32 },
    #[error("marker `{}` is not readable; restore it from a backup", path.display())]
    Marker { path: PathBuf },
    #[error(
        "`{}` is missing from a data directory that had it; restore the whole directory from one backup, or begin anew without what was in it by \
         making an empty folder there", path.display()
    )]
    Missing { path: PathBuf },
    #[error("the path of data directory `{}` is not UTF-8; choose another with --data-dir", path.display())]
    Name { path: PathBuf },
    #[error("data directory `{}` is in use by another process", path.display())]
    Locked { path: PathBuf },
}

/// What the marker says.
#[derive(Debug, serde::Deserialize, serde::Serialize)]
struct Marker {
    /// Layout of the data.
    layout: u32,
    /// Lowest layout that a version must know to read it.
    layout_reader_min: u32,
    /// Lowest layout that the version that wrote it can read.
    layout_read_min: u32,
    /// Folders that hold data; written once everything served with them.
    #[serde(default)]
    folders: BTreeSet<String>,
}

// === impl DataDir ===

impl DataDir {
    /// Makes the directory where it is missing, checks its marker, and takes its lock, waiting for it at most `patience`.
    pub fn open(path: &Path, patience: Duration) -> Result<Self, DataDirError> {
        let create = |source| DataDirError::Create { path: path.to_owned(), source };
        let write = |source| DataDirError::Write { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(create)?;
        let path = path.canonicalize().map_err(create)?;
        if path.to_str().is_none() {
            return Err(DataDirError::Name { path });
        }
        let has = |name: &str| path.join(name).exists();
        // Somebody else's folder is left as it is. Beside a lock another start may be at work, so the lock decides.
        if !has(MARKER) && !has(LOCK) && !is_fresh(&path).map_err(write)? {
            return Err(DataDirError::Foreign { path });
        }
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path.join(LOCK)).map_err(write)?;
        take(&lock, patience).map_err(|_| DataDirError::Locked { path: path.clone() })?;
        if has(MARKER) {
            check_marker(&path)?;
        } else if is_fresh(&path).map_err(write)? {
            write_marker(&path, &Marker::new()).map_err(write)?;
        } else {
            return Err(DataDirError::Foreign { path });
        }
        fs::set_permissions(&path, Permissions::from_mode(0o700)).map_err(write)?;
        Ok(Self { path, lock })
    }

    /// Notes which folders hold data from now on, so that one that is missing later is not taken for a new one.
    pub(crate) fn note_folders(&self) -> io::Result<()> {
        let mut marker = read_marker(&self.path).map_err(io::Error::other)?;
        let noted = marker.folders.len();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() && !is_of_the_disk(&entry.file_name()) {
                marker.folders.extend(entry.file_name().into_string().ok());
            }
        }
        if noted < marker.folders.len() { write_marker(&self.path, &marker) } else { Ok(()) }
    }

    /// The path as text: it was checked to be some.
    pub(crate) fn name(&self) -> &str {
        self.path.to_str().unwrap_or_default()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lock, to be handed to children: it holds until the last holder is gone. Nothing unlocks it.
    pub fn lock(&self) -> BorrowedFd<'_> {
        self.lock.as_fd()
    }
}

/// Only what a start that was cut short may leave, and what an operator may put there before the first start.
fn is_fresh(path: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if ![LOCK, "argentum.toml"].iter().any(|known| name == *known)
            && !is_of_the_disk(&name)
            && !name.to_string_lossy().starts_with(MARKER)
        {
            return Ok(false);
        }
    }
    Ok(true)
}

fn take(lock: &File, patience: Duration) -> Result<(), rustix::io::Errno> {
    let until = Instant::now() + patience;
    loop {
        match flock(lock, FlockOperation::NonBlockingLockExclusive) {
            Err(_) if Instant::now() < until => thread::sleep(LOCK_POLL),
            result => return result,
        }
    }
}

fn check_marker(path: &Path) -> Result<(), DataDirError> {
    let marker = read_marker(path)?;
    if marker.layout_reader_min > LAYOUT || marker.layout < LAYOUT_READ_MIN {
        return Err(DataDirError::Layout { path: path.to_owned(), needed: marker.layout_reader_min.max(marker.layout) });
    }
    let missing = marker.folders.iter().map(|folder| path.join(folder)).find(|folder| !folder.is_dir());
    missing.map_or(Ok(()), |path| Err(DataDirError::Missing { path }))
}

fn read_marker(path: &Path) -> Result<Marker, DataDirError> {
    let file = path.join(MARKER);
    let text = fs::read_to_string(&file).map_err(|_| DataDirError::Marker { path: file.clone() })?;
    toml::from_str(&text).map_err(|_| DataDirError::Marker { path: file })
}

fn write_marker(path: &Path, marker: &Marker) -> io::Result<()> {
    let text = toml::to_string(marker).map_err(io::Error::other)?;
    let explanation = "# Marks this folder as Argentum's. Do not edit: a version that cannot read the data refuses to start.";
    files::replace(&path.join(MARKER), format!("{explanation}\n{text}").as_bytes())
}

/// Whether it is the file system's own.
fn is_of_the_disk(name: &OsStr) -> bool {
    name == "lost+found"
}

// === impl Marker ===

impl Marker {
    fn new() -> Self {
        Self { layout: LAYOUT, layout_reader_min: LAYOUT, layout_read_min: LAYOUT_READ_MIN, folders: BTreeSet::new() }
    }
}

// === impl DataDirError ===

impl From<DataDirError> for Failure {
    fn from(error: DataDirError) -> Self {
        let exit = match &error {
            DataDirError::Create { .. } | DataDirError::Write { .. } => Exit::CannotCreate,
            DataDirError::Foreign { .. } | DataDirError::Layout { .. } | DataDirError::Name { .. } => Exit::Config,
            DataDirError::Marker { .. } | DataDirError::Missing { .. } => Exit::Io,
            DataDirError::Locked { .. } => Exit::TryAgain,
        };
        Failure::of(exit, &error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_directory_is_for_its_owner_alone_and_marked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let data_dir = DataDir::open(&path, Duration::ZERO).unwrap();
        assert_eq!(fs::metadata(data_dir.path()).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(path.join(MARKER).exists());
    }

    #[test]
    fn a_second_holder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let _first = DataDir::open(folder.path(), Duration::ZERO).unwrap();
        assert!(matches!(DataDir::open(folder.path(), Duration::ZERO), Err(DataDirError::Locked { .. })));
    }

    #[test]
    fn a_folder_of_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
        assert!(matches!(DataDir::open(folder.path(), Duration::ZERO), Err(DataDirError::Foreign { .. })));
    }

    #[test]
    fn data_of_a_later_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(MARKER), "layout = 9\nlayout_reader_min = 8\nlayout_read_min = 5\n").unwrap();
        assert!(matches!(DataDir::open(folder.path(), Duration::ZERO), Err(DataDirError::Layout { needed: 9, .. })));
    }

    #[test]
    fn a_damaged_marker_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(MARKER), "lay").unwrap();
        assert!(matches!(DataDir::open(folder.path(), Duration::ZERO), Err(DataDirError::Marker { .. })));
    }

    #[test]
    fn a_folder_that_is_missing_is_not_taken_for_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = DataDir::open(folder.path(), Duration::ZERO).unwrap();
        fs::create_dir(folder.path().join("journal")).unwrap();
        data_dir.note_folders().unwrap();
        drop(data_dir);
        fs::remove_dir(folder.path().join("journal")).unwrap();
        let refused = DataDir::open(folder.path(), Duration::ZERO).unwrap_err();
        assert!(matches!(&refused, DataDirError::Missing { path } if path.ends_with("journal")), "{refused}");
        // An empty folder is a decision.
        fs::create_dir(folder.path().join("journal")).unwrap();
        DataDir::open(folder.path(), Duration::ZERO).unwrap();
    }
}
