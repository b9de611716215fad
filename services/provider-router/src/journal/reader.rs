//! Follows the synced records of a living log, from any position that is still there.
//!
//! A reader takes nothing from memory: it reads the files that the log writes, which the page cache holds, and stops at the
//! last synced frame. So a slow reader costs the log nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use super::{
    disk::{Disk, DiskFile},
    error::{DiskError, ReadError},
    frame::{self, PAGE_BYTES},
    position::Position,
    recovery::read_frame,
    scan::whole_frame,
    segment::{self, HeaderState, SegmentHeader},
};

/// A record as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub position: Position,
    /// Who owned the journal when it was written.
    pub epoch: u64,
    pub payload: Vec<u8>,
}

/// What a log tells its readers.
#[derive(Default)]
pub(crate) struct Extent {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// First frame of each segment that has a synced one, and the segment's number.
    segments: BTreeMap<u64, u64>,
    synced: Position,
    is_closed: bool,
}

/// Reads synced records in order.
pub struct Reader<D: Disk> {
    disk: D,
    extent: Arc<Extent>,
    after: Position,
    open: Option<OpenSegment<D::File>>,
}

struct OpenSegment<F> {
    number: u64,
    salt: u64,
    file: F,
    /// Where the next frame stands.
    offset: u64,
    frame_next: u64,
}

// === impl Extent ===

impl Extent {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn synced(&self) -> Position {
        self.state().synced
    }

    pub(crate) fn advance(&self, synced: Position) {
        self.state().synced = synced;
        self.changed.notify_all();
    }

    pub(crate) fn add_segment(&self, frame_first: u64, number: u64) {
        self.state().segments.insert(frame_first, number);
    }

    pub(crate) fn remove_segment(&self, frame_first: u64) {
        self.state().segments.remove(&frame_first);
    }

    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_all();
    }
}

// === impl Reader ===

impl<D: Disk> Reader<D> {
    /// Fails where `after` is beyond the journal's end or where records behind it were freed.
    pub(crate) fn new(disk: D, extent: Arc<Extent>, after: Position) -> Result<Self, ReadError> {
        let synced = extent.synced();
        if after > synced {
            return Err(ReadError::Ahead { applied: after, synced });
        }
        let begins_with = extent.state().segments.keys().next().copied();
        let is_freed = begins_with.is_some_and(|first| after.frame() + 1 < first);
        if is_freed {
            return Err(ReadError::Freed { frame: after.frame() + 1 });
        }
        Ok(Self { disk, extent, after, open: None })
    }

    /// The position of the last record that was read.
    pub fn position(&self) -> Position {
        self.after
    }

    /// Waits until there is something to read; `false` once the log is gone and all of it was read.
    pub fn wait(&self) -> bool {
        let waiting = |state: &mut State| state.synced <= self.after && !state.is_closed;
        let state = self.extent.changed.wait_while(self.extent.state(), waiting).unwrap_or_else(PoisonError::into_inner);
        state.synced > self.after
    }

    /// The records of the next synced frame; none at the end.
    pub fn read(&mut self) -> Result<Vec<Record>, ReadError> {
        if self.extent.synced() <= self.after {
            return Ok(Vec::new());
        }
        // The rest of a frame that was applied in part comes first.
        let mut frame = self.after.frame().max(1);
        loop {
            let records: Vec<Record> = self.read_frame(frame)?.into_iter().filter(|record| record.position > self.after).collect();
            if let Some(last) = records.last() {
                self.after = last.position;
                return Ok(records);
            }
            frame += 1;
        }
    }

    fn read_frame(&mut self, number: u64) -> Result<Vec<Record>, ReadError> {
        let segment = self.extent.state().segments.range(..=number).next_back().map(|(_, segment)| *segment);
        // The frame of the last applied record may be gone; it held nothing new.
        let Some(segment) = segment else {
            return if number == self.after.frame() { Ok(Vec::new()) } else { Err(ReadError::Freed { frame: number }) };
        };
        let mut open = match self.open.take() {
            Some(open) if open.number == segment && open.frame_next <= number => open,
            _ => self.open_segment(segment, number)?,
        };
        loop {
            let damaged = |byte| ReadError::Damaged { file: self.disk.describe(&segment::name(segment)), byte, frame: number };
            let bytes = read_frame(&open.file, open.salt, open.offset).map_err(|source| self.failed("read", segment)(source))?;
            let (header, payload) = whole_frame(open.salt, &bytes).ok_or_else(|| damaged(open.offset))?;
            let is_wanted = header.number == number;
            if header.number > number {
                return Err(damaged(open.offset));
            }
            open.offset += frame::bytes_on_disk(header.payload_bytes.into());
            open.frame_next = header.number + 1;
            if is_wanted {
                self.open = Some(open);
                return Ok(records(number, header.epoch, payload));
            }
        }
    }

    fn open_segment(&self, segment: u64, frame: u64) -> Result<OpenSegment<D::File>, ReadError> {
        let file = self.disk.open(&segment::name(segment)).map_err(|source| self.failed("open", segment)(source))?;
        let mut header = vec![0; 512];
        file.read_exact_at(&mut header, 0).map_err(|source| self.failed("read", segment)(source))?;
        let HeaderState::Valid(header) = SegmentHeader::decode(&header) else {
            return Err(ReadError::Damaged { file: self.disk.describe(&segment::name(segment)), byte: 0, frame });
        };
        Ok(OpenSegment { number: segment, salt: header.salt, file, offset: PAGE_BYTES, frame_next: 0 })
    }

    fn failed(&self, operation: &'static str, segment: u64) -> impl FnOnce(std::io::Error) -> DiskError {
        DiskError::on(operation, self.disk.describe(&segment::name(segment)))
    }
}

fn records(frame: u64, epoch: u64, payload: &[u8]) -> Vec<Record> {
    let ranges = frame::records(payload).expect("a whole frame's records add up");
    (0..)
        .zip(ranges)
        .map(|(index, range)| Record { position: Position::new(frame, index), epoch, payload: payload[range].to_vec() })
        .collect()
}
