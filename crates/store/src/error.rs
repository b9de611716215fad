//! Why a store cannot be read or written.

use std::{io, path::PathBuf, sync::Arc};

/// Why a store cannot be read or written. Cheap to clone: everybody in a group commit gets the same one.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store in `{}` cannot be opened", path.display())]
    Open {
        path: PathBuf,
        #[source]
        source: Arc<sled::Error>,
    },
    #[error("`{}` cannot be used", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: Arc<io::Error>,
    },
    #[error("the store in `{}` is of format {found}, and this version reads {known}; use the version that wrote it", path.display())]
    Format { path: PathBuf, found: String, known: u32 },
    #[error("the record `{key}` is damaged: {what}; restore the store from a backup")]
    Damaged { key: String, what: &'static str },
    #[error("the store cannot be read or written")]
    Engine(#[source] Arc<sled::Error>),
    #[error("an earlier commit failed, so nothing more is committed in this life of the process")]
    Poisoned,
    #[error("the store's thread has ended")]
    Ended,
}

// === impl StoreError ===

impl StoreError {
    pub(crate) fn file(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File { path: path.into(), source: Arc::new(source) }
    }

    pub(crate) fn damaged(key: &[u8], what: &'static str) -> Self {
        Self::Damaged { key: key.escape_ascii().to_string(), what }
    }
}

impl From<sled::Error> for StoreError {
    fn from(error: sled::Error) -> Self {
        Self::Engine(Arc::new(error))
    }
}
