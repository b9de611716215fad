//! One contract suite for every store, and what only a store on a disk must bear: kills, damage, foreign folders.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test's own tools may fail loudly and count small")]

mod contract;
mod damage;
mod disk;
mod kill;
mod sample;

use argentum_store::{DiskStore, MemoryStore, Store, StoreOptions};

/// A contract that holds for both stores, as a test of each.
macro_rules! both {
    ($($promise:ident),* $(,)?) => {
        mod on_disk {
            $(#[test] fn $promise() { crate::with_disk(crate::contract::$promise); })*
        }
        mod in_memory {
            $(#[test] fn $promise() { crate::contract::$promise(&crate::MemoryStore::new()); })*
        }
    };
}

both!(
    gives_back_what_was_put,
    gives_back_values_of_every_size,
    forgets_what_was_deleted,
    keeps_trees_apart,
    applies_a_batch_to_several_trees,
    takes_the_last_change_of_a_key,
    replaces_values_of_every_size,
    scans_a_prefix_in_order,
    scans_page_by_page,
    ends_a_page_by_bytes,
    answers_in_the_order_of_commits,
    answers_futures,
    refuses_what_is_too_large,
    takes_an_empty_batch_as_a_barrier,
    remembers_the_format_of_a_batch,
);

fn with_disk(contract: impl FnOnce(&dyn Store)) {
    let folder = tempfile::tempdir().unwrap();
    contract(&DiskStore::open(folder.path(), &StoreOptions::new("test")).unwrap());
}
