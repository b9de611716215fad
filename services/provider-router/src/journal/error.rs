//! What can go wrong with the journal, and what to do about it.

use std::{io, sync::Arc};

use thiserror::Error;

/// One operation on the disk that failed.
#[derive(Debug, Error)]
#[error("failed to {operation} `{file}`")]
pub struct DiskError {
    pub operation: &'static str,
    pub file: String,
    #[source]
    pub source: io::Error,
}

/// Why the journal could not be opened. No file that holds records was changed.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("journal file `{file}` is damaged at byte {byte}: {what}; nothing was changed, restore the data directory from a backup")]
    Damaged { file: String, byte: u64, what: String },
    #[error("journal file `{file}` has format {found} and this program reads format {supported}; start the version that wrote it")]
    Unsupported { file: String, found: u32, supported: u32 },
}

/// Why an append was not taken. Where this is the answer, the record is not acknowledged.
#[derive(Clone, Debug, Error)]
pub enum JournalError {
    #[error("{bytes_free} bytes are free and new messages need {bytes_free_min}; accepted ones still finish")]
    LowSpace { bytes_free: u64, bytes_free_min: u64 },
    #[error("the disk is full and the journal's reserve must stay for accepted messages or is used up")]
    Full(#[source] Arc<DiskError>),
    #[error("an append of {records} records and {bytes} bytes; at most {records_max} and {bytes_max} fit into one frame")]
    TooLarge { records: usize, records_max: usize, bytes: u64, bytes_max: u64 },
    #[error("an append without a record")]
    Empty,
    #[error("the journal's queue is full")]
    QueueFull,
    #[error("epoch {epoch} is not the owner's, which is {owner}")]
    StaleEpoch { epoch: u64, owner: u64 },
    #[error("the frame before is not synced")]
    Unsynced,
    #[error("the journal failed and takes nothing more; the process must end and open it anew")]
    Poisoned(#[source] Arc<DiskError>),
    #[error("the journal is closed")]
    Closed,
}

/// Why records could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("frame {frame} was freed; whoever needs it is older than the journal and must be restored with it")]
    Freed { frame: u64 },
    #[error("the journal ends at {synced} and its reader was at {applied}: both must come from one backup")]
    Ahead { applied: super::Position, synced: super::Position },
    #[error("journal file `{file}` is damaged at byte {byte}: frame {frame} is invalid; restore the data directory from a backup")]
    Damaged { file: String, byte: u64, frame: u64 },
}

// === impl DiskError ===

impl DiskError {
    /// For `map_err`: names what was tried, on which file.
    pub(crate) fn on(operation: &'static str, file: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let file = file.into();
        move |source| Self { operation, file, source }
    }

    /// Whether room is what is missing, so that nothing is wrong with the disk.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}
