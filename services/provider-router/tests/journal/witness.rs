//! What must be true of a reopened journal, seen from outside.

use std::collections::BTreeMap;

use argentum_provider_router::journal::{Log, LogConfig, OpenError, Position, Record};

use super::disk::SimDisk;

/// Three frames in a segment, so that every script rolls.
pub(crate) const SEGMENT_BYTES: u64 = 4 * 4096;

/// What was promised so far.
#[derive(Clone, Default, Hash)]
pub(crate) struct Witness {
    /// Acknowledged, or shown by a reopened journal: must be there for ever.
    promised: BTreeMap<u64, Vec<u8>>,
    /// Frames that were written but not acknowledged: each wholly there or wholly absent, none without the one before.
    attempted: Vec<Vec<Vec<u8>>>,
    /// Records before this were given up by their owner.
    freed_before: u64,
}

pub(crate) fn salt() -> std::io::Result<u64> {
    Ok(0x5a17)
}

pub(crate) fn config(reserve_segments: usize) -> LogConfig {
    LogConfig { segment_bytes: SEGMENT_BYTES, reserve_segments, bytes_free_min: 0, salt }
}

/// Opens the journal and reads all of it.
pub(crate) fn open(disk: &SimDisk, config: &LogConfig) -> Result<(Log<SimDisk>, Vec<Record>), OpenError> {
    let log = Log::open(disk.clone(), config.clone())?.log;
    let mut reader = log.reader(log.start()).expect("a journal can be read from its start");
    let mut records = Vec::new();
    loop {
        let read = reader.read().expect("what opening verified can be read");
        if read.is_empty() {
            return Ok((log, records));
        }
        records.extend(read);
    }
}

// === impl Witness ===

impl Witness {
    pub(crate) fn attempt(&mut self, batch: &[Vec<u8>]) {
        self.attempted.push(batch.to_vec());
    }

    /// All that was attempted was answered; its last record stands at `last`.
    pub(crate) fn acknowledge(&mut self, last: Position) {
        let first_frame = last.frame() + 1 - self.attempted.len() as u64;
        for (frame, batch) in (first_frame..).zip(self.attempted.drain(..)) {
            self.promised.extend((frame << 16..).zip(batch));
        }
    }

    pub(crate) fn free_before(&mut self, position: Position) {
        self.freed_before = self.freed_before.max(position.to_u64());
    }

    pub(crate) fn last(&self) -> Position {
        self.promised.keys().next_back().map_or(Position::START, |position| Position::from_u64(*position))
    }

    /// Judges what a reopened journal shows; from now on that is promised, too.
    pub(crate) fn see(&mut self, records: &[Record]) -> Result<(), String> {
        let seen: BTreeMap<u64, Vec<u8>> = records.iter().map(|record| (record.position.to_u64(), record.payload.clone())).collect();
        if !records.is_sorted_by(|a, b| a.position < b.position) {
            return Err("records are out of order".to_owned());
        }
        for (position, payload) in self.promised.range(self.freed_before..) {
            if seen.get(position) != Some(payload) {
                return Err(format!("record {} was promised and is lost", Position::from_u64(*position)));
            }
        }
        let new: Vec<(u64, Vec<u8>)> =
            seen.into_iter().filter(|(position, payload)| self.promised.get(position) != Some(payload)).collect();
        let is_whole = |frames| new.iter().map(|(_, payload)| payload).eq(self.attempted[..frames].iter().flatten());
        if !(0..=self.attempted.len()).any(is_whole) {
            return Err(format!("{} records stand there that nobody wrote so", new.len()));
        }
        if new.iter().any(|(position, _)| *position <= self.last().to_u64()) {
            return Err("a new record stands before an old one".to_owned());
        }
        self.attempted.clear();
        self.promised.extend(new);
        Ok(())
    }
}
