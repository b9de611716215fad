//! What waits for the committer, bounded by records and bytes.

use std::{
    collections::VecDeque,
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use super::{
    error::JournalError,
    frame::{self, RECORDS_MAX},
    log::Append,
    position::Position,
};

/// Told once, on the committer's thread, in the order of the appends: the position of the append's last record, once it and
/// all before it are durable. Must not block; one that panics is the only one that fails.
pub type Done = Box<dyn FnOnce(Result<Position, JournalError>) + Send>;

/// Most payload bytes of a batch of several appends.
const BATCH_BYTES_MAX: u64 = 1 << 20;

/// One append: its records get positions in a row, in one frame.
pub(crate) struct Entry {
    pub(crate) class: Append,
    pub(crate) records: Vec<Vec<u8>>,
    pub(crate) done: Done,
}

/// What the committer does next.
pub(crate) struct Work {
    /// As many waiting appends as fit into one frame; possibly none.
    pub(crate) batch: Vec<Entry>,
    pub(crate) free_before: Option<Position>,
}

pub(crate) struct Queue {
    records_max: usize,
    bytes_max: u64,
    /// 1 MiB, or what a small segment holds.
    batch_bytes_max: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    entries: VecDeque<Entry>,
    records: usize,
    bytes: u64,
    free_before: Option<Position>,
    is_closed: bool,
    /// Waking costs a system call, so only a committer that sleeps is woken.
    is_asleep: bool,
}

// === impl Queue ===

impl Queue {
    pub(crate) fn new(records_max: usize, bytes_max: u64, payload_bytes_max: u64) -> Self {
        let batch_bytes_max = payload_bytes_max.min(BATCH_BYTES_MAX);
        Self { records_max, bytes_max, batch_bytes_max, state: Mutex::default(), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues one append. An empty queue takes any, else one larger than the bounds could never pass.
    pub(crate) fn push(&self, entry: Entry) -> Result<(), JournalError> {
        let (records, bytes) = (entry.records.len(), frame::payload_bytes(&entry.records));
        let mut state = self.state();
        if state.is_closed {
            return Err(JournalError::Closed);
        }
        let is_full = state.records + records > self.records_max || state.bytes + bytes > self.bytes_max;
        if is_full && !state.entries.is_empty() {
            return Err(JournalError::QueueFull);
        }
        state.records += records;
        state.bytes += bytes;
        state.entries.push_back(entry);
        self.wake(state);
        Ok(())
    }

    /// Asks for what lies before `position` to be freed.
    pub(crate) fn free_before(&self, position: Position) {
        let mut state = self.state();
        state.free_before = state.free_before.max(Some(position));
        self.wake(state);
    }

    /// No more appends; what is queued is still taken.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        self.wake(state);
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let was_asleep = mem::take(&mut state.is_asleep);
        drop(state);
        if was_asleep {
            self.changed.notify_one();
        }
    }

    /// Closes and forgets what is queued: whoever waits sees its `done` dropped.
    pub(crate) fn abandon(&self) {
        self.close();
        let entries = mem::take(&mut self.state().entries);
        // Not under the lock: a callback's drop may append.
        drop(entries);
    }

    /// Waits for work, and takes what is there without waiting for more; `None` once closed and empty.
    pub(crate) fn take(&self) -> Option<Work> {
        let falls_asleep = |state: &mut State| {
            state.is_asleep = state.entries.is_empty() && state.free_before.is_none() && !state.is_closed;
            state.is_asleep
        };
        let mut state = self.changed.wait_while(self.state(), falls_asleep).unwrap_or_else(PoisonError::into_inner);
        let work = Work { batch: state.take_batch(self.batch_bytes_max), free_before: state.free_before.take() };
        let is_over = work.batch.is_empty() && work.free_before.is_none();
        (!is_over).then_some(work)
    }
}

// === impl State ===

impl State {
    fn take_batch(&mut self, bytes_max: u64) -> Vec<Entry> {
        let (mut batch, mut batch_records, mut batch_bytes) = (Vec::new(), 0, 0);
        while let Some(entry) = self.entries.front() {
            let (records, bytes) = (entry.records.len(), frame::payload_bytes(&entry.records));
            let fits = batch_records + records <= RECORDS_MAX && batch_bytes + bytes <= bytes_max;
            if !fits && !batch.is_empty() {
                break;
            }
            batch_records += records;
            batch_bytes += bytes;
            batch.extend(self.entries.pop_front());
        }
        self.records -= batch_records;
        self.bytes -= batch_bytes;
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(bytes: usize) -> Entry {
        Entry { class: Append::New, records: vec![vec![0; bytes]], done: Box::new(|_| {}) }
    }

    fn batches(queue: &Queue) -> Vec<usize> {
        queue.close();
        std::iter::from_fn(|| queue.take()).map(|work| work.batch.len()).collect()
    }

    #[test]
    fn batch_holds_512_records_at_most() {
        let queue = Queue::new(2000, u64::MAX, u64::MAX);
        (0..1000).for_each(|_| queue.push(entry(1)).unwrap());
        assert_eq!(batches(&queue), [512, 488]);
    }

    #[test]
    fn batch_holds_a_mebibyte_or_one_append() {
        let queue = Queue::new(2000, u64::MAX, u64::MAX);
        [600 << 10, 300 << 10, 200 << 10, 3 << 20, 1].into_iter().for_each(|bytes| queue.push(entry(bytes)).unwrap());
        assert_eq!(batches(&queue), [2, 1, 1, 1]);
    }

    #[test]
    fn batch_fits_into_a_small_segment() {
        let queue = Queue::new(2000, u64::MAX, 2000);
        (0..3).for_each(|_| queue.push(entry(900)).unwrap());
        assert_eq!(batches(&queue), [2, 1]);
    }

    #[test]
    fn full_queue_refuses() {
        let queue = Queue::new(2, 100, u64::MAX);
        queue.push(entry(10)).unwrap();
        assert!(matches!(queue.push(entry(90)), Err(JournalError::QueueFull)));
        queue.push(entry(10)).unwrap();
        assert!(matches!(queue.push(entry(10)), Err(JournalError::QueueFull)));
    }

    #[test]
    fn taking_makes_room() {
        let queue = Queue::new(1, 100, u64::MAX);
        queue.push(entry(10)).unwrap();
        queue.take();
        assert!(queue.push(entry(10)).is_ok());
    }
}
