//! The log without threads: write, then sync, then the next write.

use std::{collections::VecDeque, io, mem, sync::Arc};

use super::{
    disk::{Disk, DiskFile},
    error::{DiskError, JournalError, OpenError, ReadError},
    frame::{self, PAGE_BYTES, PAYLOAD_BYTES_MAX, RECORDS_MAX},
    mark::Mark,
    position::Position,
    reader::{Extent, Reader},
    recovery,
    scan::TornTail,
    segment::{self, Segment, SegmentHeader},
};

/// What an append is for: on a full disk, what was accepted must still finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Append {
    /// Something new. Refused below the low-water mark; leaves the reserve whole.
    New,
    /// A step of something accepted. Takes the disk to its end, then the reserve.
    Finish,
}

/// How a log uses its disk.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// Size of a segment. Default: 16 MiB. What is not needed any more is freed by whole segments.
    pub segment_bytes: u64,
    /// Segments made in advance for [`Append::Finish`] on a full disk. Default: 1.
    pub reserve_segments: usize,
    /// Room on the disk below which [`Append::New`] is refused. Default: 256 MiB; grows with the open turns.
    pub bytes_free_min: u64,
    /// Draws the salt of a new segment: whoever can guess it can forge a frame inside a message.
    pub salt: fn() -> io::Result<u64>,
}

/// An opened log and what opening found.
pub struct Opened<D: Disk> {
    pub log: Log<D>,
    /// The last frame of a process that died while it wrote, dropped.
    pub torn_tail: Option<TornTail>,
}

/// An append-only log of records; the owner's alone.
///
/// A failed write or sync is final: the log is poisoned and refuses all that follows.
pub struct Log<D: Disk> {
    disk: D,
    config: LogConfig,
    /// Full segments, oldest first: number and first frame.
    closed: VecDeque<(u64, u64)>,
    active: Segment<D::File>,
    mark: Mark<D::File>,
    /// The first synced frame in `active`.
    active_first: Option<u64>,
    /// Empty segments, durable, next one first.
    reserve: VecDeque<Segment<D::File>>,
    segment_next: u64,
    frame_next: u64,
    epoch: u64,
    unsynced: Option<Unsynced>,
    poison: Option<Arc<DiskError>>,
    extent: Arc<Extent>,
    buffer: Vec<u8>,
}

/// A frame that was written and waits for its sync.
struct Unsynced {
    last: Position,
    frame_bytes: u64,
}

/// A salt from the kernel.
pub fn random_salt() -> io::Result<u64> {
    getrandom::u64().map_err(|error| io::Error::other(error.to_string()))
}

// === impl LogConfig ===

impl Default for LogConfig {
    fn default() -> Self {
        Self { segment_bytes: 16 << 20, reserve_segments: 1, bytes_free_min: 256 << 20, salt: random_salt }
    }
}

// === impl Log ===

impl<D: Disk> Log<D> {
    /// Verifies every segment, copies the last one and syncs the copy. On return, all that the log holds is durable.
    pub fn open(disk: D, config: LogConfig) -> Result<Opened<D>, OpenError> {
        let recovery = recovery::recover(&disk, &config)?;
        let extent = Arc::new(Extent::default());
        recovery.closed.iter().for_each(|(number, first)| extent.add_segment(*first, *number));
        recovery.active_first.iter().for_each(|first| extent.add_segment(*first, recovery.active.number));
        extent.advance(recovery.last);
        let mut log = Self {
            segment_next: recovery.active.number + 1,
            frame_next: recovery.last.frame() + 1,
            closed: recovery.closed.into(),
            active: recovery.active,
            mark: recovery.mark,
            active_first: recovery.active_first,
            epoch: recovery.epoch_max,
            reserve: VecDeque::new(),
            unsynced: None,
            poison: None,
            buffer: Vec::new(),
            disk,
            config,
            extent,
        };
        match log.fill_reserve(log.config.reserve_segments) {
            Err(error) if !error.is_full() => Err(error.into()),
            _ => Ok(Opened { log, torn_tail: recovery.torn_tail }),
        }
    }

    /// The highest epoch that ever appended; a new owner takes the next one.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The last record that is durable.
    pub fn synced(&self) -> Position {
        self.extent.synced()
    }

    /// Where a reader begins that wants all there is.
    pub fn start(&self) -> Position {
        let first = self.closed.front().map(|(_, first)| *first).or(self.active_first);
        first.map_or(self.synced(), |first| Position::new(first - 1, u16::MAX))
    }

    /// Reads what is synced behind `after`, now and later.
    pub fn reader(&self, after: Position) -> Result<Reader<D>, ReadError> {
        Reader::new(self.disk.clone(), Arc::clone(&self.extent), after)
    }

    pub(crate) fn bytes_free_min(&self) -> u64 {
        self.config.bytes_free_min
    }

    /// Sets the low-water mark for [`Append::New`].
    pub fn set_bytes_free_min(&mut self, bytes: u64) {
        self.config.bytes_free_min = bytes;
    }

    /// Writes one frame and says the position of its last record. Nothing is durable before [`Log::sync`] said so, and there
    /// is no second write before it did.
    pub fn write<R: AsRef<[u8]>>(&mut self, epoch: u64, class: Append, records: &[R]) -> Result<Position, JournalError> {
        self.check(epoch, records)?;
        if class == Append::New {
            self.check_space()?;
        }
        let frame_bytes = frame::bytes_on_disk(frame::payload_bytes(records));
        self.make_room(class, frame_bytes)?;
        frame::encode(self.active.salt, self.frame_next, epoch, records, &mut self.buffer);
        let written = self.active.file.write_all_at(&self.buffer, self.active.end);
        written.map_err(|source| self.fail("write", source))?;
        let index = u16::try_from(records.len() - 1).expect("a frame holds at most 512 records");
        let last = Position::new(self.frame_next, index);
        self.epoch = epoch;
        self.unsynced = Some(Unsynced { last, frame_bytes });
        Ok(last)
    }

    /// Makes the written frame durable and says the last durable position.
    pub fn sync(&mut self) -> Result<Position, JournalError> {
        self.check_poison()?;
        let Some(unsynced) = self.unsynced.take() else { return Ok(self.synced()) };
        self.active.file.sync().map_err(|source| self.fail("sync", source))?;
        self.active.end += unsynced.frame_bytes;
        if self.active_first.is_none() {
            self.active_first = Some(self.frame_next);
            self.extent.add_segment(self.frame_next, self.active.number);
        }
        // A belt against bits that change later: where it cannot be written, the log works as before.
        let _ = self.mark.set(self.frame_next);
        self.frame_next += 1;
        self.extent.advance(unsynced.last);
        Ok(unsynced.last)
    }

    /// Frees the segments that hold nothing at or behind `position`, and says how many. The caller knows that nobody needs
    /// them. The segment that is being written stays, so the journal always knows its last frame.
    pub fn free_before(&mut self, position: Position) -> Result<usize, JournalError> {
        self.check_poison()?;
        let mut count = 0;
        while let Some((number, first)) = self.closed.front().copied() {
            let next_first = self.closed.get(1).map(|(_, first)| *first).or(self.active_first);
            if next_first.is_none_or(|next_first| position.frame() < next_first) {
                break;
            }
            // Oldest first, each synced: what a power cut brings back still joins the rest.
            segment::discard(&self.disk, number).map_err(|error| self.poison(error))?;
            self.extent.remove_segment(first);
            self.closed.pop_front();
            count += 1;
        }
        Ok(count)
    }

    /// Whether these payload bytes go into the active segment.
    pub(crate) fn has_room(&self, payload_bytes: u64) -> bool {
        self.active.has_room(frame::bytes_on_disk(payload_bytes))
    }

    pub(crate) fn disk(&self) -> &D {
        &self.disk
    }

    /// The header of a segment that someone else makes in time for the next roll; `None` where there is one already.
    ///
    /// Segments are taken in the order of their numbers, so until [`Log::stock`] brings it there must be no roll.
    pub(crate) fn order(&mut self) -> Result<Option<SegmentHeader>, JournalError> {
        self.check_poison()?;
        if self.reserve.len() > self.config.reserve_segments {
            return Ok(None);
        }
        self.next_header().map(Some).map_err(|error| self.poison(error))
    }

    /// Takes what was ordered; says whether it was made. That the disk is full is no fault.
    pub(crate) fn stock(&mut self, made: Result<Segment<D::File>, DiskError>) -> Result<bool, JournalError> {
        match made {
            Ok(segment) => self.reserve.push_back(segment),
            Err(error) if error.is_full() => return Ok(false),
            Err(error) => return Err(self.poison(error)),
        }
        Ok(true)
    }

    /// Most bytes of one frame's payload: 8 MiB, or what a segment holds.
    pub(crate) fn payload_bytes_max(&self) -> u64 {
        let room = self.config.segment_bytes.saturating_sub(PAGE_BYTES + frame::HEADER_BYTES as u64);
        room.min(PAYLOAD_BYTES_MAX)
    }

    fn check<R: AsRef<[u8]>>(&self, epoch: u64, records: &[R]) -> Result<(), JournalError> {
        self.check_poison()?;
        let (bytes, bytes_max) = (frame::payload_bytes(records), self.payload_bytes_max());
        if records.is_empty() {
            Err(JournalError::Empty)
        } else if epoch < self.epoch {
            Err(JournalError::StaleEpoch { epoch, owner: self.epoch })
        } else if records.len() > RECORDS_MAX || bytes > bytes_max {
            Err(JournalError::TooLarge { records: records.len(), records_max: RECORDS_MAX, bytes, bytes_max })
        } else if self.unsynced.is_some() {
            // Else an invalid frame with a valid one behind it could be a crash, not damage.
            Err(JournalError::Unsynced)
        } else {
            Ok(())
        }
    }

    fn check_poison(&self) -> Result<(), JournalError> {
        self.poison.as_ref().map_or(Ok(()), |error| Err(JournalError::Poisoned(Arc::clone(error))))
    }

    fn check_space(&self) -> Result<(), JournalError> {
        // A disk that does not say how much is free has none for new messages.
        let bytes_free = self.disk.bytes_free().unwrap_or(0);
        let bytes_free_min = self.config.bytes_free_min;
        if bytes_free < bytes_free_min { Err(JournalError::LowSpace { bytes_free, bytes_free_min }) } else { Ok(()) }
    }

    /// Sees to it that the next frame fits into the active segment.
    fn make_room(&mut self, class: Append, frame_bytes: u64) -> Result<(), JournalError> {
        if self.active.has_room(frame_bytes) {
            return Ok(());
        }
        // One more than the reserve, so that taking one leaves it whole.
        match self.fill_reserve(self.config.reserve_segments + 1) {
            Ok(()) => {}
            Err(error) if !error.is_full() => return Err(self.poison(error)),
            Err(error) if class == Append::New || self.reserve.is_empty() => return Err(JournalError::Full(Arc::new(error))),
            Err(_) => {}
        }
        let next = self.reserve.pop_front().expect("the reserve was filled or is not empty");
        let full = mem::replace(&mut self.active, next);
        let first = self.active_first.take().expect("a segment without a frame has room for any");
        self.closed.push_back((full.number, first));
        Ok(())
    }

    fn fill_reserve(&mut self, segments: usize) -> Result<(), DiskError> {
        while self.reserve.len() < segments {
            let header = self.next_header()?;
            self.reserve.push_back(Segment::create(&self.disk, header)?);
        }
        Ok(())
    }

    fn next_header(&mut self) -> Result<SegmentHeader, DiskError> {
        let salt = (self.config.salt)().map_err(DiskError::on("draw a salt for", "a new segment"))?;
        let number = self.segment_next;
        self.segment_next += 1;
        Ok(SegmentHeader { number, salt, copy: None, bytes: self.config.segment_bytes })
    }

    fn fail(&mut self, operation: &'static str, source: io::Error) -> JournalError {
        let file = self.disk.describe(&segment::name(self.active.number));
        self.poison(DiskError { operation, file, source })
    }

    /// Final: what the kernel did with the pages is unknown, so this process trusts nothing more.
    fn poison(&mut self, error: DiskError) -> JournalError {
        let error = Arc::new(error);
        self.poison = Some(Arc::clone(&error));
        JournalError::Poisoned(error)
    }
}

impl<D: Disk> Drop for Log<D> {
    fn drop(&mut self) {
        self.extent.close();
    }
}
