//! Values over 1 MiB: files named by their SHA-256, durable before the record that points at them.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::error::StoreError;

pub(crate) type Hash = [u8; 32];

/// The folder of large values.
#[derive(Debug)]
pub(crate) struct Files {
    folder: PathBuf,
}

/// How many records point at each file; the writer's, rebuilt by each opening.
pub(crate) type References = HashMap<Hash, u64>;

// === impl Files ===

impl Files {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn path(&self, hash: &Hash) -> PathBuf {
        self.folder.join(hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    /// Makes the value durable and says its name.
    pub(crate) fn write(&self, value: &[u8]) -> Result<Hash, StoreError> {
        let hash: Hash = Sha256::digest(value).into();
        let path = self.path(&hash);
        let unfinished = path.with_extension("new");
        write_synced(&unfinished, value).map_err(StoreError::disk("write", &unfinished))?;
        fs::rename(&unfinished, &path).map_err(StoreError::disk("rename", &unfinished))?;
        self.sync_folder()?;
        Ok(hash)
    }

    /// The value; `None` where it is not what was written or not there.
    pub(crate) fn read(&self, hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(hash);
        match fs::read(&path) {
            Ok(value) => Ok(Some(value).filter(|value| Hash::from(Sha256::digest(value)) == *hash)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::disk("read", path)(error)),
        }
    }

    pub(crate) fn remove(&self, hash: &Hash) -> io::Result<()> {
        fs::remove_file(self.path(hash))
    }

    /// Removes what no record points at: a crash left it, before its record or after it.
    pub(crate) fn sweep(&self, references: &References) -> Result<(), StoreError> {
        let entries = fs::read_dir(&self.folder).map_err(StoreError::disk("list", &self.folder))?;
        let kept: Vec<PathBuf> = references.keys().map(|hash| self.path(hash)).collect();
        for entry in entries {
            let path = entry.map_err(StoreError::disk("list", &self.folder))?.path();
            if !kept.contains(&path) {
                fs::remove_file(&path).map_err(StoreError::disk("remove", &path))?;
            }
        }
        Ok(())
    }

    fn sync_folder(&self) -> Result<(), StoreError> {
        sync_folder(&self.folder)
    }
}

fn write_synced(path: &Path, value: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(value)?;
    file.sync_all()
}

pub(crate) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(StoreError::disk("sync", path))
}
