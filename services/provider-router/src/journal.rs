//! The turn journal: the one place where "nothing is lost" is decided.
//!
//! An append-only log of opaque records. One committer writes what is queued as **one frame**, syncs once and answers in
//! order; frame n + 1 is written only after frame n is synced. So an invalid frame with a later one behind it is damage
//! (refused, its place named), and an invalid last one is the torn tail of a crash (dropped: nobody was answered), unless
//! the mark beside the segments knows that it was synced.
//!
//! - [`Log`] is the log without threads: write and sync are two steps, so that a test can stop between them.
//! - [`Journal`] is its committer: a bounded queue, one thread, answers by callback.
//! - [`Reader`] follows the synced records of a living log.
//! - [`Disk`] is all that the log asks of a file system; [`Folder`] is the real one.
//!
//! What is assumed of a disk: a synced page stays as it was; a sector of 512 bytes is written wholly or not at all; bytes
//! of a file that were never synced read as zeros or as what was written. Where a file system breaks the last one and shows
//! old blocks, the journal refuses to open; it never takes them for records.

mod committer;
mod disk;
mod error;
mod frame;
mod log;
mod mark;
mod position;
mod preparer;
mod queue;
mod reader;
mod recovery;
mod scan;
mod segment;

pub use committer::{Journal, JournalConfig};
pub use disk::{Disk, DiskFile, Folder};
pub use error::{DiskError, JournalError, OpenError, ReadError};
pub use frame::RECORDS_MAX;
pub use log::{Append, Log, LogConfig, Opened, random_salt};
pub use position::Position;
pub use queue::Done;
pub use reader::{Reader, Record};
pub use scan::TornTail;
