//! The door of the page: sessions behind a lock, kept in the data directory.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use argentum_bus::Fault;
use argentum_service::{Exit, Failure, files, unix_ms};
use data_encoding::BASE64URL_NOPAD;
use tracing::error;

use crate::sessions::{Admission, Listed, Sessions};

const FILE: &str = "page-sessions.json";
/// Bytes of randomness in a link and in a session.
const SECRET_BYTES: usize = 32;

/// Lets in whoever shows a session.
pub(crate) struct Door {
    path: PathBuf,
    sessions: Mutex<Sessions>,
}

// === impl Door ===

impl Door {
    /// Reads who may come in. A file that cannot be read is not replaced.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, Failure> {
        let path = data_dir.join(FILE);
        let sessions = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let text = format!("`{}` cannot be read: {error}; remove it, and everybody logs in anew", path.display());
                Failure::new(Exit::Io, text)
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Sessions::default(),
            Err(error) => return Err(Failure::of(Exit::Io, &error)),
        };
        Ok(Self { path, sessions: Mutex::new(sessions) })
    }

    /// A secret that logs one browser in.
    pub(crate) fn issue(&self) -> Result<String, Fault> {
        let token = secret()?;
        self.lock().issue(&token, unix_ms());
        Ok(token)
    }

    /// Swaps the secret of a link for that of a session; `None` where the link is not good.
    pub(crate) fn log_in(&self, token: &str, agent: &str) -> Result<Option<String>, Fault> {
        let session = secret()?;
        let mut sessions = self.lock();
        if !sessions.log_in(token, (&session, agent), unix_ms()) {
            return Ok(None);
        }
        self.keep(&sessions)?;
        Ok(Some(session))
    }

    pub(crate) fn admits(&self, session: &str) -> bool {
        let mut sessions = self.lock();
        match sessions.admit(session, unix_ms()) {
            Admission::Refused => false,
            Admission::Admitted => true,
            Admission::Noted => {
                // Only the time of the last use: whoever comes in is not to wait for a full disk.
                let _ = self.keep(&sessions);
                true
            }
        }
    }

    pub(crate) fn log_out(&self, session: &str) -> Result<(), Fault> {
        let mut sessions = self.lock();
        if sessions.log_out(session) { self.keep(&sessions) } else { Ok(()) }
    }

    /// Everybody who may come in. `current` is the one who asks.
    pub(crate) fn list(&self, current: &str) -> Vec<Listed> {
        self.lock().list(current, unix_ms())
    }

    /// Ends a session that was listed; its pages are cut within seconds. Returns whether there was one.
    pub(crate) fn revoke(&self, id: &str) -> Result<bool, Fault> {
        let mut sessions = self.lock();
        let is_revoked = sessions.revoke(id);
        if is_revoked {
            self.keep(&sessions)?;
        }
        Ok(is_revoked)
    }

    /// Small and rare, hence written right here.
    fn keep(&self, sessions: &Sessions) -> Result<(), Fault> {
        let bytes = serde_json::to_vec(sessions).map_err(|error| Fault::internal(error.to_string()))?;
        files::replace(&self.path, &bytes).map_err(|error| {
            error!(%error, "sessions of the page cannot be kept");
            Fault::unavailable("the session cannot be kept; is the disk full?")
        })
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn secret() -> Result<String, Fault> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| Fault::internal(format!("the system gives no randomness: {error}")))?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}
