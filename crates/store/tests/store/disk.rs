//! What only a store on a disk promises: it comes back, and it leaves nothing behind.

use std::{fs, path::Path};

use argentum_store::{Batch, DiskStore, Records, Store, StoreError, StoreOptions};

use super::sample::{SIZES, TREE, value};

const OPTIONS: StoreOptions = StoreOptions::new("test");

fn open(path: &Path) -> DiskStore {
    DiskStore::open(path, &OPTIONS).unwrap()
}

fn put(store: &DiskStore, key: &str, value: Vec<u8>) {
    let mut batch = Batch::new();
    batch.put(TREE, key, value);
    store.commit_blocking(batch).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).map_or(Vec::new(), |entries| entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
}

#[test]
fn comes_back_with_values_of_every_size() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    SIZES.iter().for_each(|bytes| put(&store, &bytes.to_string(), value(3, *bytes)));
    drop(store);
    let store = open(folder.path());
    for bytes in SIZES {
        assert!(store.get(TREE, bytes.to_string().as_bytes()).unwrap() == Some(value(3, bytes)), "{bytes} bytes");
    }
}

#[test]
fn no_value_gets_into_files_that_sled_never_syncs() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for number in 0..600_u64 {
        // Long keys and the largest inline values make the largest pages.
        let key = format!("{number:0>200}");
        put(&store, &key, value(number, if number % 50 == 0 { 1 << 20 } else { 4091 }));
    }
    (0..600_u64).step_by(3).for_each(|number| put(&store, &format!("{number:0>200}"), value(number, 4091)));
    drop(store);
    assert_eq!(names(&folder.path().join("tree/blobs")), Vec::<String>::new());
}

#[test]
fn large_value_leaves_no_file_when_it_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, "a", value(1, 2 << 20));
    put(&store, "b", value(1, 2 << 20));
    assert_eq!(names(&folder.path().join("files")).len(), 1);
    put(&store, "a", Vec::new());
    assert_eq!(names(&folder.path().join("files")).len(), 1);
    put(&store, "b", Vec::new());
    assert_eq!(names(&folder.path().join("files")), Vec::<String>::new());
}

#[test]
fn file_without_a_record_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    put(&open(folder.path()), "a", value(1, 2 << 20));
    fs::write(folder.path().join("files/left.new"), "half").unwrap();
    drop(open(folder.path()));
    assert_eq!(names(&folder.path().join("files")).len(), 1);
}

#[test]
fn interrupted_making_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("tree.new")).unwrap();
    fs::write(folder.path().join("tree.new/conf"), "half a confi").unwrap();
    put(&open(folder.path()), "a", b"1".to_vec());
    assert!(!folder.path().join("tree.new").exists());
}

#[test]
fn value_is_whole_while_it_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let candidates = [value(1, 30_000), value(2, 2 << 20)];
    put(&store, "a", candidates[0].clone());
    std::thread::scope(|scope| {
        let replacing = scope.spawn(|| (0..60).for_each(|round: usize| put(&store, "a", candidates[round % 2].clone())));
        while !replacing.is_finished() {
            let found = store.get(TREE, b"a").unwrap().unwrap();
            assert!(candidates.contains(&found));
        }
    });
}

#[test]
fn store_of_another_kind_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let other = DiskStore::open(folder.path(), &StoreOptions::new("other"));
    assert!(matches!(other, Err(StoreError::Foreign { found, wanted: "other", .. }) if found == "test"));
}

#[test]
fn format_is_refused_where_it_is_too_new_or_too_old() {
    let folder = tempfile::tempdir().unwrap();
    let newer = StoreOptions { format: 3, format_lowest: 3, lowest_reader: 2, ..OPTIONS };
    drop(DiskStore::open(folder.path(), &newer).unwrap());
    assert!(matches!(DiskStore::open(folder.path(), &OPTIONS), Err(StoreError::TooNew { found: 3, lowest_reader: 2, supported: 1, .. })));
    let newest = StoreOptions { format: 5, format_lowest: 4, ..OPTIONS };
    assert!(matches!(DiskStore::open(folder.path(), &newest), Err(StoreError::TooOld { found: 3, lowest: 4, .. })));
    // A reader that is old enough to know it keeps the format as it is.
    assert_eq!(DiskStore::open(folder.path(), &StoreOptions { format: 2, ..OPTIONS }).unwrap().format(), 3);
}

#[test]
fn second_opening_is_refused_while_the_first_lives() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(folder.path());
    assert!(matches!(DiskStore::open(folder.path(), &OPTIONS), Err(StoreError::Disk { .. })));
}

#[test]
fn dropping_the_store_commits_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for number in 0..200_u8 {
        let mut batch = Batch::new();
        batch.put(TREE, [number], [number]);
        store.commit(batch, Box::new(|_| {})).unwrap();
    }
    drop(store);
    assert_eq!(open(folder.path()).scan(TREE, b"", None, 1000).unwrap().records.len(), 200);
}
