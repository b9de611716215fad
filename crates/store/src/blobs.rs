//! Values too large for the engine: files named after the SHA-256 of what they hold, so that they are never changed.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::{error::StoreError, record::DIGEST_BYTES};

/// The folder of files.
#[derive(Debug)]
pub(crate) struct Blobs {
    folder: PathBuf,
}

// === impl Blobs ===

impl Blobs {
    pub(crate) fn open(folder: PathBuf) -> Result<Self, StoreError> {
        fs::create_dir_all(&folder).map_err(|error| StoreError::file(&folder, error))?;
        Ok(Self { folder })
    }

    /// Writes `value`; when it returns, file and folder are synced.
    pub(crate) fn write(&self, value: &[u8]) -> Result<[u8; DIGEST_BYTES], StoreError> {
        let digest: [u8; DIGEST_BYTES] = Sha256::digest(value).into();
        let path = self.path(&digest);
        // Complete where it exists: it got its name only when it was synced.
        if !path.exists() {
            let temporary = self.folder.join("new");
            let written =
                write_synced(&temporary, value).and_then(|()| fs::rename(&temporary, &path)).and_then(|()| sync_folder(&self.folder));
            written.map_err(|error| StoreError::file(&path, error))?;
        }
        Ok(digest)
    }

    pub(crate) fn read(&self, digest: &[u8; DIGEST_BYTES]) -> Result<Vec<u8>, StoreError> {
        let path = self.path(digest);
        fs::read(&path).map_err(|error| StoreError::file(path, error))
    }

    /// Removes every file that no record names. One that stays by mistake costs room, one that goes by mistake costs data: so the
    /// caller names all that are needed.
    pub(crate) fn keep_only(&self, needed: &HashSet<[u8; DIGEST_BYTES]>) -> Result<(), StoreError> {
        let needed: HashSet<String> = needed.iter().map(|digest| HEXLOWER.encode(digest)).collect();
        let failed = |error| StoreError::file(&self.folder, error);
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if !entry.file_name().to_str().is_some_and(|name| needed.contains(name)) {
                fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn path(&self, digest: &[u8; DIGEST_BYTES]) -> PathBuf {
        self.folder.join(HEXLOWER.encode(digest))
    }
}

fn write_synced(path: &Path, value: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(value)?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
