//! Durable key-value records: what is committed is on disk, whatever dies next.
//!
//! - [`Store`] is the contract; [`SledStore`] keeps it on a disk, [`MemoryStore`] in tests.
//! - [`Batch`] changes several records together or not at all.
//!
//! sled 0.34 survives a killed process, but its `flush` is not power-safe and values beyond a few KiB go to files of their own that it
//! never syncs. So a commit here is: batch, flush, `fdatasync` of its one file; values over 4 KiB are cut into chunks, and those beyond
//! 1 MiB go to content-addressed files, synced before the record that names them. Every record carries a checksum that is verified on
//! each read and on opening. No other crate names sled.

mod batch;
mod blobs;
mod committer;
pub mod contract;
mod error;
mod memory;
mod record;
mod sled_store;

pub use batch::Batch;
pub use error::StoreError;
pub use memory::MemoryStore;
pub use sled_store::{Options, SledStore};

/// A key and its value.
pub type Record = (Vec<u8>, Vec<u8>);

/// Durable records, ordered by their keys as bytes.
pub trait Store: Send + Sync {
    /// The value of `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Up to `count_max` records whose keys begin with `prefix` and come after `after`, in order.
    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, count_max: usize) -> Result<Vec<Record>, StoreError>;

    /// Makes all changes of `batch`. When it returns, they are on disk; where it fails, none is made or all are.
    fn commit(&self, batch: Batch) -> Result<(), StoreError>;
}
