//! What every store promises.

use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    thread,
};

use argentum_store::{Batch, KEY_BYTES_MAX, PAGE_BYTES_MAX, Store, StoreError};

use super::sample::{OTHER, SIZES, TREE, value};

fn put(store: &dyn Store, key: &[u8], value: &[u8]) {
    let mut batch = Batch::new();
    batch.put(TREE, key, value);
    store.commit_blocking(batch).unwrap();
}

fn keys(store: &dyn Store, prefix: &[u8], after: Option<&[u8]>, max: usize) -> (Vec<String>, bool) {
    let page = store.scan(TREE, prefix, after, max).unwrap();
    (page.records.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect(), page.is_partial)
}

pub(crate) fn gives_back_what_was_put(store: &dyn Store) {
    put(store, b"a", b"1");
    assert_eq!(store.get(TREE, b"a").unwrap().as_deref(), Some(b"1".as_slice()));
    assert_eq!(store.get(TREE, b"b").unwrap(), None);
}

pub(crate) fn gives_back_values_of_every_size(store: &dyn Store) {
    for bytes in SIZES {
        put(store, b"a", &value(1, bytes));
        assert!(store.get(TREE, b"a").unwrap() == Some(value(1, bytes)), "{bytes} bytes");
    }
}

pub(crate) fn forgets_what_was_deleted(store: &dyn Store) {
    for bytes in SIZES {
        put(store, b"a", &value(1, bytes));
        let mut batch = Batch::new();
        batch.delete(TREE, "a").delete(TREE, "never there");
        store.commit_blocking(batch).unwrap();
        assert_eq!(store.get(TREE, b"a").unwrap(), None, "{bytes} bytes");
    }
}

pub(crate) fn keeps_trees_apart(store: &dyn Store) {
    put(store, b"a", b"1");
    assert_eq!(store.get(OTHER, b"a").unwrap(), None);
    assert!(store.scan(OTHER, b"", None, 10).unwrap().records.is_empty());
}

pub(crate) fn applies_a_batch_to_several_trees(store: &dyn Store) {
    let mut batch = Batch::new();
    batch.put(TREE, "a", "1").put(OTHER, "a", "2");
    store.commit_blocking(batch).unwrap();
    let found = [TREE, OTHER].map(|tree| store.get(tree, b"a").unwrap().unwrap());
    assert_eq!(found, [b"1".to_vec(), b"2".to_vec()]);
}

pub(crate) fn takes_the_last_change_of_a_key(store: &dyn Store) {
    let mut batch = Batch::new();
    batch.put(TREE, "a", "1").delete(TREE, "a").put(TREE, "a", "2");
    batch.put(TREE, "b", "1").delete(TREE, "b");
    store.commit_blocking(batch).unwrap();
    assert_eq!(keys(store, b"", None, 10), (vec!["a".to_owned()], false));
    assert_eq!(store.get(TREE, b"a").unwrap().unwrap(), b"2");
}

pub(crate) fn replaces_values_of_every_size(store: &dyn Store) {
    for (number, from) in (0..).zip(SIZES) {
        for to in SIZES {
            put(store, b"a", &value(number, from));
            put(store, b"a", &value(number + 100, to));
            assert!(store.get(TREE, b"a").unwrap() == Some(value(number + 100, to)), "{from} to {to} bytes");
        }
    }
}

pub(crate) fn scans_a_prefix_in_order(store: &dyn Store) {
    ["b2", "a1", "b1", "c1", "b"].iter().for_each(|key| put(store, key.as_bytes(), b""));
    assert_eq!(keys(store, b"b", None, 10), (vec!["b".to_owned(), "b1".to_owned(), "b2".to_owned()], false));
}

pub(crate) fn scans_page_by_page(store: &dyn Store) {
    ["b", "b1", "b2", "c"].iter().for_each(|key| put(store, key.as_bytes(), b""));
    assert_eq!(keys(store, b"b", None, 2), (vec!["b".to_owned(), "b1".to_owned()], true));
    assert_eq!(keys(store, b"b", Some(b"b1"), 2), (vec!["b2".to_owned()], false));
    assert_eq!(keys(store, b"b", Some(b"a"), 1), (vec!["b".to_owned()], true));
    assert_eq!(keys(store, b"b", Some(b"b2"), 2), (vec![], false));
    assert_eq!(keys(store, b"b", Some(b"x"), 2), (vec![], false));
}

pub(crate) fn ends_a_page_by_bytes(store: &dyn Store) {
    let half = PAGE_BYTES_MAX / 2;
    ["a", "b", "c"].iter().for_each(|key| put(store, key.as_bytes(), &value(1, half)));
    assert_eq!(keys(store, b"", None, 10), (vec!["a".to_owned()], true));
    put(store, b"a", &value(1, 2 * PAGE_BYTES_MAX));
    assert_eq!(keys(store, b"", None, 10), (vec!["a".to_owned()], true));
}

pub(crate) fn answers_in_the_order_of_commits(store: &dyn Store) {
    let answered = Arc::new(Mutex::new(Vec::new()));
    for number in 0..100_u8 {
        let mut batch = Batch::new();
        batch.put(TREE, [number], [number]);
        let answers = Arc::clone(&answered);
        store.commit(batch, Box::new(move |outcome| answers.lock().unwrap().push(outcome.map(|()| number).unwrap()))).unwrap();
    }
    store.commit_blocking(Batch::new()).unwrap();
    assert!(answered.lock().unwrap().iter().copied().eq(0..100));
}

pub(crate) fn answers_futures(store: &dyn Store) {
    let mut batch = Batch::new();
    batch.put(TREE, "a", "1");
    wait_for(store.committed(batch)).unwrap();
    assert_eq!(wait_for(store.got(TREE, b"a".to_vec())).unwrap(), Some(b"1".to_vec()));
}

/// Polls from a thread that is unparked by the waker.
fn wait_for<F: Future + Unpin>(mut future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match std::pin::Pin::new(&mut future).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

pub(crate) fn refuses_what_is_too_large(store: &dyn Store) {
    let mut batch = Batch::new();
    batch.put(TREE, vec![b'k'; KEY_BYTES_MAX + 1], "1");
    assert!(matches!(store.commit_blocking(batch), Err(StoreError::KeyTooLarge { .. })));
    let mut batch = Batch::new();
    batch.put(TREE, "a", vec![0; (64 << 20) + 1]);
    assert!(matches!(store.commit_blocking(batch), Err(StoreError::ValueTooLarge { .. })));
    put(store, &[b'k'; KEY_BYTES_MAX], b"1");
}

pub(crate) fn takes_an_empty_batch_as_a_barrier(store: &dyn Store) {
    let mut batch = Batch::new();
    batch.put(TREE, "a", "1");
    store.commit(batch, Box::new(|_| {})).unwrap();
    store.commit_blocking(Batch::new()).unwrap();
    assert!(store.get(TREE, b"a").unwrap().is_some());
}

pub(crate) fn remembers_the_format_of_a_batch(store: &dyn Store) {
    let mut batch = Batch::new();
    batch.set_format(7, 1);
    store.commit_blocking(batch).unwrap();
    assert_eq!(store.format(), 7);
}
