//! The keys of the API behind a lock, kept in the data directory.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use argentum_bus::{ErrorCode, Fault};
use argentum_proto::channel::v1::ApiKey;
use argentum_service::{Exit, Failure, api_key, files, unix_ms};
use tracing::{error, info};

use crate::{
    api_keys::{ApiKeys, CreateFault, Sha256Hash},
    sessions::Admission,
};

const FILE: &str = "api-keys.json";

/// Lets in whoever shows a key.
pub(crate) struct KeyRing {
    path: PathBuf,
    keys: Mutex<ApiKeys>,
}

// === impl KeyRing ===

impl KeyRing {
    /// Reads who may come in. A file that cannot be read is not replaced.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, Failure> {
        let path = data_dir.join(FILE);
        let keys = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let text = format!("`{}` cannot be read: {error}; remove it, and every key of the API is gone", path.display());
                Failure::new(Exit::Io, text)
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => ApiKeys::default(),
            Err(error) => return Err(Failure::of(Exit::Io, &error)),
        };
        Ok(Self { path, keys: Mutex::new(keys) })
    }

    /// Whether what somebody shows is a key that works.
    pub(crate) fn admits(&self, shown: &str) -> bool {
        let Some(sha256) = api_key::sha256_of(shown) else { return false };
        let mut keys = self.lock();
        match keys.admit(&sha256, unix_ms()) {
            Admission::Refused => false,
            Admission::Admitted => true,
            Admission::Noted => {
                // Only the day of the last use: whoever comes in is not to wait for a full disk.
                let _ = self.keep(&keys);
                true
            }
        }
    }

    /// Takes up a key by its hash. It works once that is on disk.
    pub(crate) fn create(&self, sha256: Sha256Hash, name: &str, valid_for_ms: u64) -> Result<ApiKey, Fault> {
        let told = self.change(|keys| {
            keys.create(sha256, name, valid_for_ms, unix_ms()).map_err(|fault| match fault {
                CreateFault::Name => Fault::new(ErrorCode::InvalidArgument, "a key's name is 1 to 64 printable characters"),
                CreateFault::Taken => Fault::new(ErrorCode::Conflict, format!("there is a key `{name}` already; revoke it first")),
                CreateFault::Full => Fault::new(ErrorCode::Conflict, "there are as many keys as can be kept; revoke one first"),
            })
        })?;
        info!(id = told.id, name, "key of the API created");
        Ok(told)
    }

    pub(crate) fn list(&self) -> Vec<ApiKey> {
        self.lock().list(unix_ms())
    }

    /// Ends a key, by id or name. It lets nobody in any more, and that is on disk.
    pub(crate) fn revoke(&self, key: &str) -> Result<ApiKey, Fault> {
        let unknown = || Fault::new(ErrorCode::NotFound, format!("there is no key `{key}`; `argentum key list` tells them"));
        let told = self.change(|keys| keys.revoke(key, unix_ms()).ok_or_else(unknown))?;
        info!(id = told.id, name = told.name, "key of the API revoked");
        Ok(told)
    }

    /// Changes the keys, on disk first: what is not kept does not hold.
    fn change<T>(&self, change: impl FnOnce(&mut ApiKeys) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut keys = self.lock();
        let mut changed = keys.clone();
        let told = change(&mut changed)?;
        self.keep(&changed)?;
        *keys = changed;
        Ok(told)
    }

    /// Small and rare, hence written right here.
    fn keep(&self, keys: &ApiKeys) -> Result<(), Fault> {
        let bytes = serde_json::to_vec(keys).map_err(|error| Fault::internal(error.to_string()))?;
        files::replace(&self.path, &bytes).map_err(|error| {
            error!(%error, "keys of the API cannot be kept");
            Fault::unavailable("the keys cannot be kept; is the disk full?")
        })
    }

    fn lock(&self) -> MutexGuard<'_, ApiKeys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
