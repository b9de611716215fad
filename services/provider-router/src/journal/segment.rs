//! One file of the journal: a header, then frames, all of it zero-filled and synced before the first frame.
//!
//! Zero-filling goes first and is synced before the header is written: a header proves that the whole length was durable.
//! Then a frame's sync has nothing but data to write, and a shorter file is damage.
//!
//! ```text
//!  0  8  "ARGTURNS"                    24  8  salt of all frames in here
//!  8  4  format                        32  8  the segment this is a copy of, or 0
//! 12  4  zero                          40  8  number of the last frame copied, or 0
//! 16  8  segment number                48  8  bytes of the file
//!                                      56  4  CRC-32C over the 56 bytes before
//! ```

use super::{
    disk::{Disk, DiskFile},
    error::DiskError,
    frame::{PAGE_BYTES, read_u32, read_u64},
};

/// The format that is written, and the only one that is read.
pub(crate) const FORMAT: u32 = 1;
const MAGIC: &[u8; 8] = b"ARGTURNS";
const SUFFIX: &str = ".segment";
const HEADER_BYTES: usize = 60;
const FILL_BYTES: usize = 256 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) number: u64,
    pub(crate) salt: u64,
    /// What this is a copy of. While that file exists, the copy may be unfinished and counts for nothing.
    pub(crate) copy: Option<Copied>,
    pub(crate) bytes: u64,
}

/// Where a copy came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Copied {
    pub(crate) segment: u64,
    pub(crate) frame_last: u64,
}

/// What stands where a header belongs.
pub(crate) enum HeaderState {
    Valid(SegmentHeader),
    OtherFormat(u32),
    Invalid,
}

/// A segment that frames are written to.
pub(crate) struct Segment<F> {
    pub(crate) number: u64,
    pub(crate) salt: u64,
    pub(crate) file: F,
    pub(crate) bytes: u64,
    /// Where the next frame goes.
    pub(crate) end: u64,
}

pub(crate) fn name(number: u64) -> String {
    format!("{number:020}{SUFFIX}")
}

/// The number in a segment's name; `None` for other files, which the journal leaves alone.
pub(crate) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let is_plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { digits.parse().ok() } else { None }
}

// === impl SegmentHeader ===

impl SegmentHeader {
    fn encode(&self) -> [u8; HEADER_BYTES] {
        let copy = self.copy.unwrap_or(Copied { segment: 0, frame_last: 0 });
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.number.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.salt.to_le_bytes());
        bytes[32..40].copy_from_slice(&copy.segment.to_le_bytes());
        bytes[40..48].copy_from_slice(&copy.frame_last.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.bytes.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..56]);
        bytes[56..60].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> HeaderState {
        let Some(bytes) = bytes.get(..HEADER_BYTES) else { return HeaderState::Invalid };
        if &bytes[..8] != MAGIC || read_u32(bytes, 56) != crc32c::crc32c(&bytes[..56]) {
            return HeaderState::Invalid;
        }
        let format = read_u32(bytes, 8);
        if format != FORMAT {
            return HeaderState::OtherFormat(format);
        }
        let copy = Copied { segment: read_u64(bytes, 32), frame_last: read_u64(bytes, 40) };
        HeaderState::Valid(Self {
            number: read_u64(bytes, 16),
            salt: read_u64(bytes, 24),
            copy: (copy.segment != 0).then_some(copy),
            bytes: read_u64(bytes, 48),
        })
    }
}

// === impl Segment ===

impl<F: DiskFile> Segment<F> {
    /// Makes a segment durable, ready for its first frame.
    ///
    /// Where this fails, what it took of the disk is given back; if not that either, the next opening removes it as unused.
    pub(crate) fn create<D: Disk<File = F>>(disk: &D, header: SegmentHeader) -> Result<Self, DiskError> {
        Self::fill(disk, header).inspect_err(|_| drop(discard(disk, header.number)))
    }

    fn fill<D: Disk<File = F>>(disk: &D, header: SegmentHeader) -> Result<Self, DiskError> {
        let name = name(header.number);
        let file = disk.create(&name).map_err(DiskError::on("create", disk.describe(&name)))?;
        let zeros = vec![0; FILL_BYTES];
        let mut offset = 0;
        while offset < header.bytes {
            let count = usize::try_from(header.bytes - offset).map_or(FILL_BYTES, |left| left.min(FILL_BYTES));
            file.write_all_at(&zeros[..count], offset).map_err(DiskError::on("zero-fill", disk.describe(&name)))?;
            offset += count as u64;
        }
        file.sync().map_err(DiskError::on("sync", disk.describe(&name)))?;
        file.write_all_at(&header.encode(), 0).map_err(DiskError::on("write", disk.describe(&name)))?;
        file.sync().map_err(DiskError::on("sync", disk.describe(&name)))?;
        disk.sync_folder().map_err(DiskError::on("sync the folder of", disk.describe(&name)))?;
        Ok(Self { number: header.number, salt: header.salt, file, bytes: header.bytes, end: PAGE_BYTES })
    }

    pub(crate) fn has_room(&self, frame_bytes: u64) -> bool {
        frame_bytes <= self.bytes - self.end
    }
}

/// Removes a segment and makes that durable.
pub(crate) fn discard<D: Disk>(disk: &D, number: u64) -> Result<(), DiskError> {
    let name = name(number);
    disk.remove(&name).map_err(DiskError::on("remove", disk.describe(&name)))?;
    disk.sync_folder().map_err(DiskError::on("sync the folder of", disk.describe(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_gives_back_what_was_written() {
        let header = SegmentHeader { number: 3, salt: 9, copy: Some(Copied { segment: 2, frame_last: 40 }), bytes: 8192 };
        assert!(matches!(SegmentHeader::decode(&header.encode()), HeaderState::Valid(found) if found == header));
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_seen() {
        let mut bytes = SegmentHeader { number: 3, salt: 9, copy: None, bytes: 8192 }.encode();
        for bit in 0..HEADER_BYTES * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(SegmentHeader::decode(&bytes), HeaderState::Invalid), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn only_segment_names_have_a_number() {
        assert_eq!(number(&name(17)), Some(17));
        assert_eq!(["lost+found", "1.segment", "+0000000000000000017.segment"].map(number), [None; 3]);
    }
}
