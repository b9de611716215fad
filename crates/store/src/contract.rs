//! The contract of a [`Store`], as tests: every implementation runs the same ones. Each takes an empty store.

use crate::{Batch, Store};

/// A value that stands in the record, one that is cut into pieces, one that goes to a file, and both edges between them.
const SIZES: [usize; 6] = [0, 100, 3_900, 3_901, 1024 * 1024, 1024 * 1024 + 1];

fn value(size: usize, seed: u8) -> Vec<u8> {
    (0..size).map(|index| (index % 251).to_le_bytes()[0].wrapping_mul(31).wrapping_add(seed)).collect()
}

/// What was put is got, whatever its size, also where it replaces something of another size.
pub fn gets_what_was_put(store: &dyn Store) {
    for (round, size) in (0_u8..).zip(SIZES.into_iter().chain(SIZES.into_iter().rev())) {
        let mut batch = Batch::new();
        batch.put("key", value(size, round));
        store.commit(batch).expect("the batch can be committed");
        assert!(store.get(b"key").expect("the key can be read") == Some(value(size, round)), "{size} bytes");
    }
}

/// What was removed is gone, and only that.
pub fn forgets_what_was_removed(store: &dyn Store) {
    let mut batch = Batch::new();
    SIZES.into_iter().for_each(|size| {
        batch.put(format!("key {size}"), value(size, 1)).put(format!("other {size}"), value(size, 1));
    });
    store.commit(batch).expect("the batch can be committed");
    let mut removal = Batch::new();
    SIZES.into_iter().for_each(|size| {
        removal.remove(format!("key {size}"));
    });
    store.commit(removal).expect("the removal can be committed");
    for size in SIZES {
        assert_eq!(store.get(format!("key {size}").as_bytes()).expect("the key can be read"), None);
        assert!(store.get(format!("other {size}").as_bytes()).expect("the key can be read") == Some(value(size, 1)));
    }
}

/// A scan gives the records of a prefix in order, in portions, and no others.
pub fn scans_a_prefix_in_order(store: &dyn Store) {
    let mut batch = Batch::new();
    for key in ["a/1", "a/2", "a/3", "b/1", "a", "a0"] {
        batch.put(key, key);
    }
    store.commit(batch).expect("the batch can be committed");
    let keys = |after: Option<&[u8]>, count_max| -> Vec<String> {
        let found = store.scan(b"a/", after, count_max).expect("the prefix can be scanned");
        found.into_iter().map(|(key, _)| String::from_utf8_lossy(&key).into_owned()).collect()
    };
    assert_eq!(keys(None, 2), ["a/1", "a/2"]);
    assert_eq!(keys(Some(b"a/2"), 2), ["a/3"]);
    assert_eq!(keys(Some(b"a/3"), 2), Vec::<String>::new());
}

/// A later change of a key in one batch replaces an earlier one.
pub fn the_last_change_of_a_batch_counts(store: &dyn Store) {
    let mut batch = Batch::new();
    batch.put("key", "first").remove("key").put("key", "last");
    store.commit(batch).expect("the batch can be committed");
    assert_eq!(store.get(b"key").expect("the key can be read"), Some(b"last".to_vec()));
}
