//! Reads one segment whole and says what is in it. Judging comes later: what is damage in a segment that counts is nothing
//! in a copy that was never finished.

use super::{
    disk::{Disk, DiskFile},
    error::{DiskError, OpenError},
    frame::{self, FrameHeader, PAGE_BYTES},
    position::Position,
    segment::{self, FORMAT, HeaderState, SegmentHeader},
};

const PAGE: usize = 4096;
const _: () = assert!(PAGE as u64 == PAGE_BYTES);

/// The last frame of a crashed process, dropped because it was not whole: nobody was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    pub file: String,
    pub byte: u64,
}

/// What one segment holds.
pub(crate) struct Scan {
    pub(crate) number: u64,
    pub(crate) file: String,
    /// `None`: there is no header, and nothing but zeros behind it.
    pub(crate) header: Option<SegmentHeader>,
    pub(crate) frames: Option<Frames>,
    /// Where something stands that is no frame, behind the last one.
    pub(crate) torn: Option<u64>,
    pub(crate) damage: Option<Damage>,
}

/// The valid frames of a segment, from its first page on.
#[derive(Clone, Copy)]
pub(crate) struct Frames {
    pub(crate) first: u64,
    /// The last record of the last frame.
    pub(crate) last: Position,
    pub(crate) epoch_max: u64,
    pub(crate) end: u64,
}

pub(crate) struct Damage {
    pub(crate) byte: u64,
    pub(crate) what: String,
}

/// Reads the segment with this number.
pub(crate) fn scan<D: Disk>(disk: &D, number: u64) -> Result<Scan, OpenError> {
    let name = segment::name(number);
    let file = disk.describe(&name);
    let bytes = read(disk, &name).map_err(DiskError::on("read", file.as_str()))?;
    let mut scan = Scan { number, file, header: None, frames: None, torn: None, damage: None };
    match SegmentHeader::decode(&bytes) {
        HeaderState::Valid(header) => {
            scan.header = Some(header);
            scan.check_header(&header, bytes.len() as u64);
            scan.read_frames(header.salt, &bytes);
        }
        HeaderState::OtherFormat(found) => return Err(OpenError::Unsupported { file: scan.file, found, supported: FORMAT }),
        // The header comes before the first frame, so only a file without any may lack it.
        HeaderState::Invalid if !is_zero(bytes.get(PAGE..).unwrap_or_default()) => {
            scan.damage = Some(Damage { byte: 0, what: "its header is invalid, yet there are frames behind it".into() });
        }
        HeaderState::Invalid => {}
    }
    Ok(scan)
}

fn read<D: Disk>(disk: &D, name: &str) -> std::io::Result<Vec<u8>> {
    let file = disk.open(name)?;
    let count = usize::try_from(file.bytes()?).map_err(|_| std::io::ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; count];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(PAGE).all(|chunk| chunk == &[0; PAGE][..chunk.len()])
}

/// The frame at the start of these bytes, if it is whole.
pub(crate) fn whole_frame(salt: u64, bytes: &[u8]) -> Option<(FrameHeader, &[u8])> {
    let header = FrameHeader::decode(salt, bytes)?;
    let payload = bytes.get(frame::HEADER_BYTES..)?.get(..header.payload_bytes as usize)?;
    (header.fits(salt, payload) && frame::records(payload).is_some()).then_some((header, payload))
}

fn last_record(header: &FrameHeader, payload: &[u8]) -> Position {
    let count = frame::records(payload).map_or(0, |records| records.len());
    let index = u16::try_from(count.saturating_sub(1)).expect("a frame holds at most 512 records");
    Position::new(header.number, index)
}

// === impl Scan ===

impl Scan {
    /// Whether the segment ever took a frame.
    pub(crate) fn is_used(&self) -> bool {
        self.frames.is_some() || self.torn.is_some()
    }

    fn check_header(&mut self, header: &SegmentHeader, bytes: u64) {
        if header.number != self.number {
            self.damage = Some(Damage { byte: 16, what: format!("it is segment {} under a wrong name", header.number) });
        } else if header.bytes != bytes {
            // The full length was durable before the header was.
            self.damage = Some(Damage { byte: bytes, what: format!("it has {bytes} bytes and had {}", header.bytes) });
        }
    }

    fn read_frames(&mut self, salt: u64, bytes: &[u8]) {
        let mut at = PAGE;
        while let Some((header, payload)) = bytes.get(at..).and_then(|rest| whole_frame(salt, rest)) {
            let due = self.frames.map(|frames| frames.last.frame() + 1);
            if let Some(due) = due.filter(|due| header.number != *due) {
                let what = format!("frame {} stands where {due} belongs", header.number);
                self.damage.get_or_insert(Damage { byte: at as u64, what });
                return;
            }
            at += usize::try_from(frame::bytes_on_disk(header.payload_bytes.into())).expect("a frame fits into memory");
            let first = self.frames.map_or(header.number, |frames| frames.first);
            let epoch_max = self.frames.map_or(0, |frames| frames.epoch_max).max(header.epoch);
            self.frames = Some(Frames { first, last: last_record(&header, payload), epoch_max, end: at as u64 });
        }
        self.read_tail(salt, bytes, at);
    }

    /// What stands behind the last valid frame: nothing, a torn frame, or damage.
    fn read_tail(&mut self, salt: u64, bytes: &[u8], at: usize) {
        let tail = bytes.get(at..).unwrap_or_default();
        if is_zero(tail) {
            return;
        }
        self.torn = Some(at as u64);
        // A later frame was begun only after this one was synced, so its header alone is proof.
        let later = tail.chunks(PAGE).skip(1).find_map(|page| FrameHeader::decode(salt, page));
        if let Some(later) = later {
            let what = format!("the frame there is invalid, yet frame {} stands behind it", later.number);
            self.damage.get_or_insert(Damage { byte: at as u64, what });
        }
    }
}
