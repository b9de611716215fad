//! What waits to be written to one connection.
//!
//! Whoever has something for the connection appends it under a short lock, so the order of appending is the order on the wire. One writer takes
//! everything that has gathered and writes it at once. Small messages are copied into one buffer; a large body is shared between its receivers.
//! Bytes count as pending until they are written, also while the writer holds them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::Notify;

/// Bodies from this size on are shared instead of copied.
pub(crate) const SHARED_BYTES_MIN: usize = 32 * 1024;

/// The pending output of one connection.
pub(crate) struct Outbox {
    state: Mutex<State>,
    /// Wakes the writer.
    wake: Notify,
    /// Wakes producers that wait because too much is pending.
    relieved: Notify,
    pending_bytes_max: usize,
}

/// The inside of an outbox, held while something is appended.
pub(crate) struct State {
    chunks: VecDeque<Bytes>,
    tail: BytesMut,
    queued_bytes: usize,
    pending_bytes: usize,
    phase: Phase,
    /// Whether someone has promised to wake the writer for what is queued.
    is_wake_due: bool,
    pub(crate) messages: u64,
    pub(crate) message_bytes: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// What is queued is still written, nothing is added.
    Closing,
    /// What is queued is dropped.
    Dropped,
}

/// Output on its way to the socket.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) chunks: VecDeque<Bytes>,
    pub(crate) tail: BytesMut,
}

/// What the writer finds.
pub(crate) enum Taken {
    Batch,
    Empty,
    Finished,
}

/// What became of an append.
#[derive(Clone, Copy, Default)]
pub(crate) struct Appended {
    /// The caller must wake the writer once it has nothing more to append.
    pub(crate) wakes: bool,
    /// More than three quarters of the limit are pending: the producer should slow down.
    pub(crate) is_crowded: bool,
    /// The limit is exceeded: the connection must go.
    pub(crate) is_overrun: bool,
}

// === impl Outbox ===

impl Outbox {
    pub(crate) fn new(pending_bytes_max: usize) -> Self {
        let state = State {
            chunks: VecDeque::new(),
            tail: BytesMut::new(),
            queued_bytes: 0,
            pending_bytes: 0,
            phase: Phase::Open,
            is_wake_due: false,
            messages: 0,
            message_bytes: 0,
        };
        Self { state: Mutex::new(state), wake: Notify::new(), relieved: Notify::new(), pending_bytes_max }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // Appending cannot panic halfway, so a poisoned lock still guards whole frames.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends an append: what the caller must do next.
    pub(crate) fn settle(&self, state: &mut State) -> Appended {
        Appended {
            wakes: !std::mem::replace(&mut state.is_wake_due, true),
            is_crowded: self.pending_bytes_max / 4 * 3 < state.pending_bytes,
            is_overrun: self.pending_bytes_max < state.pending_bytes,
        }
    }

    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Waits until less is pending; the caller bounds how long.
    pub(crate) async fn relief(&self) {
        let relieved = self.relieved.notified();
        if self.pending_bytes_max / 4 * 3 < self.lock().pending_bytes {
            relieved.await;
        }
    }

    /// Stops appending. What is queued is still written, unless `drops`.
    pub(crate) fn close(&self, last_words: Option<&str>, drops: bool) {
        let mut state = self.lock();
        if let Some(text) = last_words.filter(|_| state.phase == Phase::Open) {
            state.append(&[text.as_bytes()]);
        }
        if drops {
            state.phase = Phase::Dropped;
            state.chunks = VecDeque::new();
            state.tail = BytesMut::new();
            state.pending_bytes -= state.queued_bytes;
            state.queued_bytes = 0;
        } else if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        drop(state);
        self.wake.notify_one();
        self.relieved.notify_waiters();
    }

    /// Moves everything queued into `batch`, which must have been written.
    pub(crate) fn take(&self, batch: &mut Batch) -> Taken {
        let mut state = self.lock();
        state.is_wake_due = false;
        if state.queued_bytes == 0 {
            return if state.phase == Phase::Open { Taken::Empty } else { Taken::Finished };
        }
        state.queued_bytes = 0;
        batch.tail.clear();
        std::mem::swap(&mut state.chunks, &mut batch.chunks);
        std::mem::swap(&mut state.tail, &mut batch.tail);
        Taken::Batch
    }

    /// Counts bytes as written.
    pub(crate) fn written(&self, bytes: usize) {
        let mut state = self.lock();
        state.pending_bytes -= bytes;
        let is_relieved = state.pending_bytes <= self.pending_bytes_max / 4 * 3;
        drop(state);
        if is_relieved {
            self.relieved.notify_waiters();
        }
    }

    /// Gives memory back while the connection is quiet.
    pub(crate) fn shrink(&self) {
        let mut state = self.lock();
        if state.queued_bytes == 0 {
            state.tail = BytesMut::new();
            state.chunks = VecDeque::new();
        }
    }
}

// === impl State ===

impl State {
    pub(crate) fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    pub(crate) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Appends the parts of one frame.
    pub(crate) fn append(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.tail.extend_from_slice(part);
            self.queued_bytes += part.len();
            self.pending_bytes += part.len();
        }
    }

    /// Appends bytes that other outboxes hold, too.
    pub(crate) fn append_shared(&mut self, bytes: Bytes) {
        if !self.tail.is_empty() {
            let before = self.tail.split().freeze();
            self.chunks.push_back(before);
        }
        self.queued_bytes += bytes.len();
        self.pending_bytes += bytes.len();
        self.chunks.push_back(bytes);
    }
}

// === impl Batch ===

impl Batch {
    pub(crate) fn len(&self) -> usize {
        self.chunks.iter().map(Bytes::len).sum::<usize>() + self.tail.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(batch: &Batch) -> Vec<u8> {
        batch.chunks.iter().flat_map(|chunk| chunk.to_vec()).chain(batch.tail.to_vec()).collect()
    }

    #[test]
    fn keeps_the_order_of_copied_and_shared_bytes() {
        let (outbox, mut batch) = (Outbox::new(100), Batch::default());
        outbox.lock().append(&[b"a", b"b"]);
        outbox.lock().append_shared(Bytes::from_static(b"cd"));
        outbox.lock().append(&[b"e"]);
        assert!(matches!(outbox.take(&mut batch), Taken::Batch));
        assert_eq!(contents(&batch), b"abcde");
    }

    #[test]
    fn only_the_first_append_after_a_take_wakes() {
        let (outbox, mut batch) = (Outbox::new(100), Batch::default());
        let wakes: Vec<bool> = (0..2).map(|_| outbox.settle(&mut outbox.lock()).wakes).collect();
        outbox.take(&mut batch);
        assert_eq!((wakes, outbox.settle(&mut outbox.lock()).wakes), (vec![true, false], true));
    }

    #[test]
    fn bytes_are_pending_until_they_are_written() {
        let (outbox, mut batch) = (Outbox::new(8), Batch::default());
        outbox.lock().append(&[b"1234567"]);
        outbox.take(&mut batch);
        let crowded = outbox.settle(&mut outbox.lock());
        outbox.written(batch.len());
        let relieved = outbox.settle(&mut outbox.lock());
        assert!(crowded.is_crowded && !crowded.is_overrun && !relieved.is_crowded);
    }

    #[test]
    fn closing_writes_what_is_queued_and_dropping_does_not() {
        let (outbox, mut batch) = (Outbox::new(8), Batch::default());
        outbox.lock().append(&[b"1"]);
        outbox.close(Some("2"), false);
        assert!(!outbox.lock().is_open() && matches!(outbox.take(&mut batch), Taken::Batch) && contents(&batch) == b"12");
        assert!(matches!(outbox.take(&mut batch), Taken::Finished));
        let dropped = Outbox::new(8);
        dropped.lock().append(&[b"1"]);
        dropped.close(Some("2"), true);
        assert!(matches!(dropped.take(&mut batch), Taken::Finished));
    }
}
