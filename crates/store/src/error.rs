//! What can go wrong with a store, and what to do about it.

use std::{io, path::PathBuf, sync::Arc};

use thiserror::Error;

/// Why a store could not be opened, read or written.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    #[error("failed to {operation} `{}`", path.display())]
    Disk {
        operation: &'static str,
        path: PathBuf,
        #[source]
        source: Arc<io::Error>,
    },
    #[error(
        "the store `{}` is not opened: its disk has less than {bytes_needed} bytes free, and what is repaired without room is ruined; nothing \
         was changed, make room",
        path.display()
    )]
    NoRoom { path: PathBuf, bytes_needed: u64 },
    #[error("the store `{}` is damaged at {place}: {what}; nothing was changed, restore the data directory from a backup", path.display())]
    Damaged { path: PathBuf, place: String, what: String },
    #[error("`{}` is a store of `{found}`, not of `{wanted}`", path.display())]
    Foreign { path: PathBuf, found: String, wanted: &'static str },
    #[error("the store `{}` has format {found} and needs a program of format {lowest_reader} or later; this one is of {supported}", path.display())]
    TooNew { path: PathBuf, found: u32, lowest_reader: u32, supported: u32 },
    #[error("the store `{}` has format {found} and this program reads {lowest} and later; start a version in between first", path.display())]
    TooOld { path: PathBuf, found: u32, lowest: u32 },
    #[error("a key of {bytes} bytes in tree `{tree}`; at most {bytes_max}")]
    KeyTooLarge { tree: &'static str, bytes: usize, bytes_max: usize },
    #[error("a value of {bytes} bytes in tree `{tree}`; at most {bytes_max}")]
    ValueTooLarge { tree: &'static str, bytes: usize, bytes_max: usize },
    #[error("the store's queue is full")]
    QueueFull,
    #[error("the store failed and takes nothing more; the process must end and open it anew")]
    Poisoned(#[source] Arc<StoreError>),
    #[error("the store is closed")]
    Closed,
}

// === impl StoreError ===

impl StoreError {
    /// For `map_err`: names what was tried, on which file.
    pub(crate) fn disk(operation: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Disk { operation, path, source: Arc::new(source) }
    }
}
