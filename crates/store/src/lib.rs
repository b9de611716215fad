//! Durable records: logical trees, atomic batches, and a commit that means "synced".
//!
//! [`Store`] is the trait that services use. [`DiskStore`] keeps it in a folder, on sled; [`MemoryStore`] is a fake for
//! tests. Both pass one contract suite, and nothing outside this crate names sled.
//!
//! What a store promises:
//! - A batch is there wholly or not at all, and its answer comes when it is synced to the disk: a power cut keeps it.
//! - Each record has a checksum, verified when it is read and, for all of them, when the store is opened. Damage is an error
//!   that names tree and key; an unreadable store is never replaced by an empty one.
//! - Values have up to 64 MiB. Larger ones than 4 KiB are split, larger ones than 1 MiB are files of their own, named by
//!   their SHA-256: sled never syncs what it puts beside its log.
//!
//! Reads block on the disk; an actor hands them to the store's own thread ([`Store::read`]). A read may see a batch that is
//! still on its way to the disk: who must not act on that waits for the answer of the commit.

mod answer;
mod batch;
mod disk;
mod error;
mod memory;
mod store;
mod tree;

pub use answer::Answer;
pub use batch::Batch;
pub use disk::{DiskStore, StoreOptions};
pub use error::StoreError;
pub use memory::MemoryStore;
pub use store::{Done, PAGE_BYTES_MAX, Page, ReadJob, Records, Store};
pub use tree::{KEY_BYTES_MAX, Tree, VALUE_BYTES_MAX};
