//! The bytes of one frame.
//!
//! ```text
//!  0  4  payload bytes                 24  4  CRC-32C over salt and the 24 bytes before
//!  4  4  CRC-32C over salt, number,    28  4  zero
//!        epoch, length and payload     32     payload: each record as length (4 bytes), then its bytes
//!  8  8  frame number
//! 16  8  owner's epoch                 all numbers little-endian
//! ```
//!
//! The salt is drawn anew for each segment and never leaves it, so nobody can send a message whose bytes read as a frame.
//! The header has a checksum of its own: a later header, even above a torn payload, proves that the frame before it was
//! synced. A frame starts on a page of its own: a page that holds a synced frame is never written again.

use std::ops::Range;

/// Frames start at multiples of this: what the page cache writes at once.
pub(crate) const PAGE_BYTES: u64 = 4096;
pub(crate) const HEADER_BYTES: usize = 32;
/// Most records of one frame.
pub const RECORDS_MAX: usize = 512;
/// Most payload bytes of one frame. A batch stops at 1 MiB; only a single append may be larger.
pub(crate) const PAYLOAD_BYTES_MAX: u64 = 8 << 20;
/// What the length of a record takes in front of it.
pub(crate) const RECORD_PREFIX_BYTES: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) number: u64,
    pub(crate) epoch: u64,
    pub(crate) payload_bytes: u32,
    payload_crc: u32,
}

/// Payload bytes of these records in one frame.
pub(crate) fn payload_bytes<R: AsRef<[u8]>>(records: &[R]) -> u64 {
    records.iter().map(|record| (RECORD_PREFIX_BYTES + record.as_ref().len()) as u64).sum()
}

/// Room that a frame with this payload takes in its segment.
pub(crate) fn bytes_on_disk(payload_bytes: u64) -> u64 {
    (HEADER_BYTES as u64 + payload_bytes).next_multiple_of(PAGE_BYTES)
}

/// Writes one frame into `into`, replacing what was there.
pub(crate) fn encode<R: AsRef<[u8]>>(salt: u64, number: u64, epoch: u64, records: &[R], into: &mut Vec<u8>) {
    into.clear();
    into.resize(HEADER_BYTES, 0);
    for record in records {
        let record = record.as_ref();
        let bytes = u32::try_from(record.len()).expect("a frame's payload has at most 8 MiB");
        into.extend_from_slice(&bytes.to_le_bytes());
        into.extend_from_slice(record);
    }
    seal(salt, number, epoch, into);
}

/// Writes the header of the frame whose payload stands behind it.
pub(crate) fn seal(salt: u64, number: u64, epoch: u64, frame: &mut [u8]) {
    let (header, payload) = frame.split_at_mut(HEADER_BYTES);
    let payload_bytes = u32::try_from(payload.len()).expect("a frame's payload has at most 8 MiB");
    let payload_crc = payload_crc(salt, number, epoch, payload);
    header.fill(0);
    header[0..4].copy_from_slice(&payload_bytes.to_le_bytes());
    header[4..8].copy_from_slice(&payload_crc.to_le_bytes());
    header[8..16].copy_from_slice(&number.to_le_bytes());
    header[16..24].copy_from_slice(&epoch.to_le_bytes());
    let header_crc = header_crc(salt, header);
    header[24..28].copy_from_slice(&header_crc.to_le_bytes());
}

/// The places of the records in a payload; `None` where their lengths do not add up.
pub(crate) fn records(payload: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    while start < payload.len() {
        let prefix = payload.get(start..start + RECORD_PREFIX_BYTES)?;
        let bytes = read_u32(prefix, 0) as usize;
        let range = start + RECORD_PREFIX_BYTES..(start + RECORD_PREFIX_BYTES).checked_add(bytes)?;
        payload.get(range.clone())?;
        start = range.end;
        ranges.push(range);
    }
    (1..=RECORDS_MAX).contains(&ranges.len()).then_some(ranges)
}

// === impl FrameHeader ===

impl FrameHeader {
    /// Reads a header; `None` where these bytes are none of this segment.
    pub(crate) fn decode(salt: u64, bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..HEADER_BYTES)?;
        if read_u32(header, 24) != header_crc(salt, header) || header[28..32] != [0; 4] {
            return None;
        }
        Some(Self {
            payload_bytes: read_u32(header, 0),
            payload_crc: read_u32(header, 4),
            number: read_u64(header, 8),
            epoch: read_u64(header, 16),
        })
    }

    /// Whether this is the payload that was written.
    pub(crate) fn fits(&self, salt: u64, payload: &[u8]) -> bool {
        payload.len() == self.payload_bytes as usize && payload_crc(salt, self.number, self.epoch, payload) == self.payload_crc
    }
}

fn payload_crc(salt: u64, number: u64, epoch: u64, payload: &[u8]) -> u32 {
    let mut prefix = [0; 32];
    prefix[0..8].copy_from_slice(&salt.to_le_bytes());
    prefix[8..16].copy_from_slice(&number.to_le_bytes());
    prefix[16..24].copy_from_slice(&epoch.to_le_bytes());
    prefix[24..32].copy_from_slice(&(payload.len() as u64).to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&prefix), payload)
}

fn header_crc(salt: u64, header: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&salt.to_le_bytes()), &header[..24])
}

pub(crate) fn read_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

pub(crate) fn read_u64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_is_castagnoli() {
        // RFC 3720, B.4: 32 bytes of zeros.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
    }

    #[test]
    fn frame_gives_back_its_records() {
        let mut frame = Vec::new();
        encode(7, 3, 2, &[b"one".as_slice(), b"", b"three"], &mut frame);
        let header = FrameHeader::decode(7, &frame).unwrap();
        let payload = &frame[HEADER_BYTES..];
        let found: Vec<&[u8]> = records(payload).unwrap().into_iter().map(|range| &payload[range]).collect();
        assert_eq!((header.number, header.epoch, header.fits(7, payload), found), (3, 2, true, vec![b"one".as_slice(), b"", b"three"]));
    }

    #[test]
    fn every_flipped_bit_of_a_frame_is_seen() {
        let mut frame = Vec::new();
        encode(7, 3, 2, &[b"record"], &mut frame);
        for bit in 0..frame.len() * 8 {
            frame[bit / 8] ^= 1 << (bit % 8);
            let intact = FrameHeader::decode(7, &frame).is_some_and(|header| header.fits(7, &frame[HEADER_BYTES..]));
            assert!(!intact, "bit {bit}");
            frame[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn frame_of_another_salt_is_none() {
        let mut frame = Vec::new();
        encode(7, 3, 2, &[b"record"], &mut frame);
        assert_eq!(FrameHeader::decode(8, &frame), None);
    }

    #[test]
    fn lengths_that_do_not_add_up_are_refused() {
        assert_eq!(records(&[9, 0, 0, 0, 1]), None);
        assert_eq!(records(&[255, 255, 255, 255]), None);
        assert_eq!(records(&[1, 0]), None);
        assert_eq!(records(&[]), None);
    }
}
