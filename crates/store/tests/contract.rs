//! The contract of a store, held by each implementation; and what only a store on a disk has to hold.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use argentum_store::{Batch, MemoryStore, Options, SledStore, Store, StoreError, contract};
use tempfile::TempDir;

const CONTRACT: [fn(&dyn Store); 4] = [
    contract::gets_what_was_put,
    contract::forgets_what_was_removed,
    contract::scans_a_prefix_in_order,
    contract::the_last_change_of_a_batch_counts,
];

fn open(folder: &Path) -> SledStore {
    SledStore::open(folder, Options::default()).unwrap()
}

fn put(store: &dyn Store, key: &str, value: impl Into<Vec<u8>>) {
    let mut batch = Batch::new();
    batch.put(key, value);
    store.commit(batch).unwrap();
}

#[test]
fn a_store_in_memory_holds_the_contract() {
    CONTRACT.into_iter().for_each(|holds| holds(&MemoryStore::default()));
}

#[test]
fn a_store_on_a_disk_holds_the_contract() {
    for holds in CONTRACT {
        let folder = TempDir::new().unwrap();
        holds(&open(folder.path()));
    }
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let folder = TempDir::new().unwrap();
    for size in [10, 100_000, 2_000_000] {
        put(&open(folder.path()), "key", vec![7; size]);
        assert_eq!(open(folder.path()).get(b"key").unwrap().map(|value| value.len()), Some(size));
    }
    assert_eq!(fs::read_dir(folder.path().join("files")).unwrap().count(), 1);
}

#[test]
fn a_file_that_no_record_names_is_removed() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    put(&store, "a", vec![1; 2_000_000]);
    put(&store, "b", vec![1; 2_000_000]);
    put(&store, "a", "small");
    assert_eq!(fs::read_dir(folder.path().join("files")).unwrap().count(), 1, "another record still names it");
    put(&store, "b", "small");
    assert_eq!(fs::read_dir(folder.path().join("files")).unwrap().count(), 0);
}

#[test]
fn a_damaged_value_is_an_error_that_names_it_and_nothing_empty() {
    let folder = TempDir::new().unwrap();
    put(&open(folder.path()), "key", vec![7; 2_000_000]);
    let file = fs::read_dir(folder.path().join("files")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&file).unwrap();
    bytes[1_000_000] ^= 1;
    fs::write(&file, bytes).unwrap();
    let error = SledStore::open(folder.path(), Options::default()).unwrap_err();
    assert!(matches!(&error, StoreError::Damaged { key, .. } if key == "key"), "{error:?}");
}

#[test]
fn many_at_once_are_committed_together_and_all_there() {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(open(folder.path()));
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let store = Arc::clone(&store);
            thread::spawn(move || (0..25).for_each(|number| put(store.as_ref(), &format!("{writer}/{number:02}"), "x")))
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    drop(store);
    assert_eq!(open(folder.path()).scan(b"", None, 1_000).unwrap().len(), 200);
}

/// Not a test of its own: what the killed process of the next one does. It prints a number once that is committed.
#[test]
fn writer_that_is_killed() {
    let Some(folder) = std::env::var_os("ARGENTUM_STORE_KILL_FOLDER") else { return };
    let store = open(Path::new(&folder));
    let begin: u64 = store.get(b"newest").unwrap().map_or(0, |newest| String::from_utf8(newest).unwrap().parse().unwrap());
    for number in begin + 1.. {
        let mut batch = Batch::new();
        // Two records that belong together, one of them in pieces.
        batch.put("newest", number.to_string()).put(format!("value/{}", number % 50), format!("{number} ").repeat(2_000));
        store.commit(batch).unwrap();
        println!("committed {number}");
    }
}

#[test]
fn two_hundred_killed_writers_lose_nothing_that_was_committed() {
    let folder = TempDir::new().unwrap();
    for round in 0..200_u64 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["writer_that_is_killed", "--exact", "--nocapture"])
            .env("ARGENTUM_STORE_KILL_FOLDER", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let numbers =
            lines.by_ref().map_while(Result::ok).filter_map(|line| line.strip_prefix("committed ").and_then(|number| number.parse().ok()));
        // Killed after another number of commits each round, at whatever it does then.
        let seen: Vec<u64> = numbers.take(1 + usize::try_from(round * 7 % 13).unwrap()).collect();
        writer.kill().unwrap();
        let last =
            lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("committed ").and_then(|number| number.parse().ok())).last();
        writer.wait().unwrap();
        let acknowledged = last.or_else(|| seen.last().copied()).unwrap();
        let store = open(folder.path());
        let newest: u64 = String::from_utf8(store.get(b"newest").unwrap().unwrap()).unwrap().parse().unwrap();
        assert!(newest == acknowledged || newest == acknowledged + 1, "round {round}: {acknowledged} was committed, {newest} is there");
        let value = store.get(format!("value/{}", newest % 50).as_bytes()).unwrap().unwrap();
        assert!(value.starts_with(format!("{newest} ").as_bytes()), "round {round}: half a batch");
    }
}
