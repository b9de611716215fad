//! The thread that owns the log: takes what is queued, writes one frame, syncs once, answers in order.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use super::{
    disk::Disk,
    error::JournalError,
    frame::{self, RECORDS_MAX},
    log::{Append, Log},
    position::Position,
    preparer::Preparer,
    queue::{Done, Entry, Queue},
};
use crate::metrics;

/// How much may wait for the committer.
#[derive(Clone, Copy, Debug)]
pub struct JournalConfig {
    /// Records that may wait. Default: 4096. Beyond it, appends are refused.
    pub queue_records_max: usize,
    /// Bytes that may wait. Default: 16 MiB.
    pub queue_bytes_max: u64,
}

/// A handle to the committer. Dropping it commits what is queued and waits for that.
pub struct Journal {
    shared: Arc<Shared>,
    payload_bytes_max: u64,
    committer: Option<JoinHandle<()>>,
}

struct Shared {
    queue: Queue,
    synced: AtomicU64,
    bytes_free_min: AtomicU64,
}

struct Committer<D: Disk> {
    log: Log<D>,
    preparer: Preparer<D>,
    /// Nothing is ordered until something was freed.
    is_disk_full: bool,
    epoch: u64,
    shared: Arc<Shared>,
    on_synced: Box<dyn FnMut(Position) + Send>,
}

// === impl JournalConfig ===

impl Default for JournalConfig {
    fn default() -> Self {
        Self { queue_records_max: 4096, queue_bytes_max: 16 << 20 }
    }
}

// === impl Journal ===

impl Journal {
    /// Starts the committer. `epoch` is the owner's: one more than [`Log::epoch`], unless someone else hands them out.
    ///
    /// `on_synced` hears, on the committer's thread and before any answer of that frame, how far the journal is durable.
    pub fn start<D: Disk>(
        log: Log<D>,
        epoch: u64,
        config: JournalConfig,
        on_synced: impl FnMut(Position) + Send + 'static,
    ) -> io::Result<Self> {
        let payload_bytes_max = log.payload_bytes_max();
        let shared = Arc::new(Shared {
            queue: Queue::new(config.queue_records_max, config.queue_bytes_max, payload_bytes_max),
            synced: AtomicU64::new(log.synced().to_u64()),
            bytes_free_min: AtomicU64::new(log.bytes_free_min()),
        });
        let preparer = Preparer::start(log.disk().clone())?;
        let on_synced = Box::new(on_synced);
        let committer = Committer { log, preparer, is_disk_full: false, epoch, shared: Arc::clone(&shared), on_synced };
        let committer = thread::Builder::new().name("journal".to_owned()).spawn(move || committer.run())?;
        Ok(Self { shared, payload_bytes_max, committer: Some(committer) })
    }

    /// Queues records that belong together: they get positions in a row and are durable together or not at all.
    ///
    /// Never waits. Where it fails, nothing was queued and `done` is not called.
    pub fn append(&self, class: Append, records: Vec<Vec<u8>>, done: Done) -> Result<(), JournalError> {
        let (bytes, bytes_max) = (frame::payload_bytes(&records), self.payload_bytes_max);
        if records.is_empty() {
            return Err(JournalError::Empty);
        }
        if records.len() > RECORDS_MAX || bytes > bytes_max {
            return Err(JournalError::TooLarge { records: records.len(), records_max: RECORDS_MAX, bytes, bytes_max });
        }
        self.shared.queue.push(Entry { class, records, done })
    }

    /// How far the journal is durable.
    pub fn synced(&self) -> Position {
        Position::from_u64(self.shared.synced.load(Ordering::Acquire))
    }

    /// Sets the low-water mark for [`Append::New`]: 256 MiB and 64 KiB for each open turn.
    pub fn set_bytes_free_min(&self, bytes: u64) {
        self.shared.bytes_free_min.store(bytes, Ordering::Relaxed);
    }

    /// Says that nobody needs what lies before `position`; whole segments of it are freed soon.
    pub fn free_before(&self, position: Position) {
        self.shared.queue.free_before(position);
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(committer) = self.committer.take() {
            // One of its callbacks may hold the last handle; it cannot wait for itself.
            let is_itself = committer.thread().id() == thread::current().id();
            let _ = is_itself || committer.join().is_err();
        }
    }
}

// === impl Committer ===

impl<D: Disk> Committer<D> {
    fn run(mut self) {
        // A panic of the log must not leave anybody waiting.
        let shared = Arc::clone(&self.shared);
        let _ = panic::catch_unwind(AssertUnwindSafe(|| self.work()));
        shared.queue.abandon();
    }

    fn work(&mut self) {
        self.order();
        while let Some(work) = self.shared.queue.take() {
            if !work.batch.is_empty() {
                self.log.set_bytes_free_min(self.shared.bytes_free_min.load(Ordering::Relaxed));
                self.stock(&work.batch);
                self.commit(work.batch);
            }
            if let Some(position) = work.free_before {
                // Where this fails the log is poisoned, and the next append says so.
                self.is_disk_full = self.log.free_before(position).is_err();
            }
            self.order();
        }
    }

    /// Takes the segment on order, and waits for it if this batch needs it.
    fn stock(&mut self, batch: &[Entry]) {
        let payload_bytes = batch.iter().map(|entry| frame::payload_bytes(&entry.records)).sum();
        let needs_it = !self.log.has_room(payload_bytes);
        if let Some(made) = self.preparer.collect(needs_it) {
            // Where this fails the log is poisoned, and the append says so.
            self.is_disk_full = !self.log.stock(made).unwrap_or(false);
        }
    }

    fn order(&mut self) {
        if self.preparer.is_busy() || self.is_disk_full {
            return;
        }
        if let Ok(Some(header)) = self.log.order() {
            self.preparer.order(header);
        }
    }

    fn commit(&mut self, batch: Vec<Entry>) {
        let new = batch.iter().any(|entry| entry.class == Append::New);
        let class = if new { Append::New } else { Append::Finish };
        let outcome = self.write_synced(class, &batch, |_| true);
        let lacks_room = matches!(outcome, Err(JournalError::LowSpace { .. } | JournalError::Full(_)));
        if new && lacks_room {
            // Accepted messages finish although new ones find no room.
            let finished = self.write_synced(Append::Finish, &batch, |entry| entry.class == Append::Finish);
            answer(batch, |entry| if entry.class == Append::New { outcome.clone() } else { finished.clone() });
        } else {
            answer(batch, |_| outcome.clone());
        }
    }

    /// Writes and syncs the chosen entries, and says the frame's first position.
    fn write_synced(&mut self, class: Append, batch: &[Entry], is_chosen: impl Fn(&Entry) -> bool) -> Result<Position, JournalError> {
        let chosen = batch.iter().filter(|entry| is_chosen(entry));
        let records: Vec<&[u8]> = chosen.flat_map(|entry| &entry.records).map(Vec::as_slice).collect();
        if records.is_empty() {
            return Ok(self.log.synced());
        }
        self.log.write(self.epoch, class, &records)?;
        let began = Instant::now();
        let synced = self.log.sync()?;
        metrics::synced(began.elapsed());
        self.shared.synced.store(synced.to_u64(), Ordering::Release);
        (self.on_synced)(synced);
        Ok(Position::new(synced.frame(), 0))
    }
}

/// Answers each entry in order; `outcome` is the first position of the frame that it is in.
fn answer(batch: Vec<Entry>, outcome: impl Fn(&Entry) -> Result<Position, JournalError>) {
    let mut records = 0;
    for entry in batch {
        let outcome = outcome(&entry).map(|first| {
            records += entry.records.len();
            Position::from_u64(first.to_u64() + records as u64 - 1)
        });
        let _ = panic::catch_unwind(AssertUnwindSafe(|| (entry.done)(outcome)));
    }
}
