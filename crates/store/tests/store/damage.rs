//! A store that was changed behind its back says so; it never opens with records missing.

use std::{
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use argentum_store::{Batch, DiskStore, Records, Store, StoreError, StoreOptions};

use super::sample::{TREE, value};

const OPTIONS: StoreOptions = StoreOptions::new("test");
const RECORDS: u64 = 40;

fn size(number: u64) -> usize {
    [20, 300, 4091, 20_000][number as usize % 4]
}

/// A closed store of 40 records, and a large one.
fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = DiskStore::open(folder.path(), &OPTIONS).unwrap();
    for number in 0..RECORDS {
        let mut batch = Batch::new();
        batch.put(TREE, number.to_be_bytes(), value(number, size(number)));
        store.commit_blocking(batch).unwrap();
    }
    let mut batch = Batch::new();
    batch.put(TREE, "large", value(99, 2 << 20));
    store.commit_blocking(batch).unwrap();
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Whether all records are there; damage that was named is `None`.
fn is_whole(path: &Path) -> Option<bool> {
    let store = match DiskStore::open(path, &OPTIONS) {
        Ok(store) => store,
        Err(StoreError::Damaged { .. } | StoreError::Disk { .. }) => return None,
        Err(error) => panic!("{error}"),
    };
    let is_there = |number: u64| store.get(TREE, &number.to_be_bytes()).ok().flatten() == Some(value(number, size(number)));
    Some((0..RECORDS).all(is_there) && store.get(TREE, b"large").unwrap() == Some(value(99, 2 << 20)))
}

fn only_file(folder: &Path) -> PathBuf {
    fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
}

fn damage_of(path: &Path) -> (String, String) {
    match DiskStore::open(path, &OPTIONS) {
        Err(StoreError::Damaged { place, what, .. }) => (place, what),
        other => panic!("damage was not named: {other:?}"),
    }
}

#[test]
fn flipped_bits_are_named_or_touch_nothing() {
    let pristine = filled();
    let bytes = fs::read(pristine.path().join("tree/db")).unwrap();
    let used: Vec<usize> = (0..bytes.len()).filter(|byte| bytes[*byte] != 0).collect();
    let (mut named, rounds) = (0, 120);
    for round in 0..rounds {
        let byte = used[round * used.len() / rounds];
        let folder = tempfile::tempdir().unwrap();
        copy(pristine.path(), folder.path());
        let db = fs::OpenOptions::new().write(true).open(folder.path().join("tree/db")).unwrap();
        db.write_all_at(&[bytes[byte] ^ 1 << (round % 8)], byte as u64).unwrap();
        match is_whole(folder.path()) {
            Some(is_whole) => assert!(is_whole, "a flipped bit of byte {byte} lost records without a word"),
            None => named += 1,
        }
    }
    println!("{named} of {rounds} flips were named, the others touched no record");
    assert!(0 < named);
}

#[test]
fn truncated_log_is_named() {
    let folder = filled();
    let db = fs::OpenOptions::new().write(true).open(folder.path().join("tree/db")).unwrap();
    let length = db.metadata().unwrap().len();
    db.set_len(length / 2).unwrap();
    assert_eq!(is_whole(folder.path()), None);
}

#[test]
fn emptied_log_is_never_taken_for_a_new_store() {
    let folder = filled();
    fs::write(folder.path().join("tree/db"), "").unwrap();
    assert_eq!(is_whole(folder.path()), None);
}

#[test]
fn removed_tree_is_never_replaced_by_an_empty_one() {
    let folder = filled();
    fs::remove_dir_all(folder.path().join("tree")).unwrap();
    assert_eq!(damage_of(folder.path()).1, "its records are gone");
    assert!(!folder.path().join("tree").exists());
}

#[test]
fn older_log_under_a_newer_mark_is_named() {
    let folder = filled();
    let older = tempfile::tempdir().unwrap();
    copy(&folder.path().join("tree"), &older.path().join("tree"));
    let store = DiskStore::open(folder.path(), &OPTIONS).unwrap();
    let mut batch = Batch::new();
    batch.put(TREE, "newest", "1");
    store.commit_blocking(batch).unwrap();
    drop(store);
    fs::remove_dir_all(folder.path().join("tree")).unwrap();
    copy(&older.path().join("tree"), &folder.path().join("tree"));
    assert_eq!(damage_of(folder.path()).0, "its end");
}

#[test]
fn changed_file_of_a_large_value_is_named_with_its_key() {
    let folder = filled();
    let file = only_file(&folder.path().join("files"));
    fs::OpenOptions::new().write(true).open(file).unwrap().write_all_at(b"x", 1000).unwrap();
    assert_eq!(damage_of(folder.path()).0, "tree `things`, key large");
}

#[test]
fn missing_file_of_a_large_value_is_named_with_its_key() {
    let folder = filled();
    fs::remove_file(only_file(&folder.path().join("files"))).unwrap();
    assert_eq!(damage_of(folder.path()).0, "tree `things`, key large");
}

#[test]
fn file_that_changes_under_a_running_store_is_named_on_read() {
    let folder = filled();
    let store = DiskStore::open(folder.path(), &OPTIONS).unwrap();
    fs::write(only_file(&folder.path().join("files")), "other").unwrap();
    assert!(matches!(store.get(TREE, b"large"), Err(StoreError::Damaged { .. })));
}
