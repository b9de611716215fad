//! How records lie in sled: physical keys and sealed values.
//!
//! ```text
//! f                          format: layout, version, lowest reader, magic
//! n                          census: commits, records and a digest over all of them
//! r TREE 00 KEY              a record: its value, or where the value is
//! c ID(8, big-endian) INDEX(4, big-endian)    one chunk of a value
//! ```
//! Each value is CRC-32C (4 bytes, over key length, key and the rest), kind (1 byte), body. None exceeds 4 KiB, because sled
//! puts larger pages into files that it never syncs.

use crate::tree::Tree;

pub(crate) const FORMAT_KEY: &[u8] = b"f";
pub(crate) const CENSUS_KEY: &[u8] = b"n";
pub(crate) const RECORD_PREFIX: u8 = b'r';
pub(crate) const CHUNK_PREFIX: u8 = b'c';

const SEALED_BYTES_MAX: usize = 4096;
const SEAL_BYTES: usize = 5;
/// Most bytes of a value that lies in its record, and of a chunk.
pub(crate) const INLINE_BYTES_MAX: usize = SEALED_BYTES_MAX - SEAL_BYTES;
/// Most bytes of a value that lies in chunks; larger ones are files.
pub(crate) const CHUNKED_BYTES_MAX: usize = 1 << 20;

/// What a sealed value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Inline = 0,
    Chunked = 1,
    File = 2,
    Chunk = 3,
    Format = 4,
    Census = 5,
}

/// Where a record's value is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    Inline(&'a [u8]),
    Chunked { id: u64, bytes: u64 },
    File { sha256: [u8; 32], bytes: u64 },
}

pub(crate) fn record_key(tree: Tree, key: &[u8]) -> Vec<u8> {
    [&[RECORD_PREFIX], tree.name().as_bytes(), &[0], key].concat()
}

/// Tree and key of a record; `None` where this is no record's key.
pub(crate) fn split_key(physical: &[u8]) -> Option<(&str, &[u8])> {
    let rest = physical.strip_prefix(&[RECORD_PREFIX])?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    Some((std::str::from_utf8(&rest[..end]).ok()?, &rest[end + 1..]))
}

pub(crate) fn chunk_key(id: u64, index: u32) -> [u8; 13] {
    let mut key = [CHUNK_PREFIX; 13];
    key[1..9].copy_from_slice(&id.to_be_bytes());
    key[9..].copy_from_slice(&index.to_be_bytes());
    key
}

/// Id and index of a chunk; `None` where this is no chunk's key.
pub(crate) fn split_chunk_key(physical: &[u8]) -> Option<(u64, u32)> {
    let rest: &[u8; 12] = physical.strip_prefix(&[CHUNK_PREFIX])?.try_into().ok()?;
    let (id, index) = rest.split_at(8);
    Some((u64::from_be_bytes(id.try_into().ok()?), u32::from_be_bytes(index.try_into().ok()?)))
}

/// How many chunks a value of this size has.
pub(crate) fn chunk_count(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(INLINE_BYTES_MAX as u64)).unwrap_or(u32::MAX)
}

/// The value for sled: a body under its checksum.
pub(crate) fn seal(key: &[u8], kind: Kind, body: &[u8]) -> Vec<u8> {
    let mut sealed = vec![0; SEAL_BYTES];
    sealed[4] = kind as u8;
    sealed.extend_from_slice(body);
    let crc = checksum(key, &sealed[4..]);
    sealed[..4].copy_from_slice(&crc.to_le_bytes());
    sealed
}

/// Kind and body; `None` where checksum or kind is wrong.
pub(crate) fn unseal<'a>(key: &[u8], sealed: &'a [u8]) -> Option<(Kind, &'a [u8])> {
    let (crc, rest) = sealed.split_first_chunk::<4>()?;
    let (kind, body) = rest.split_first()?;
    let kinds = [Kind::Inline, Kind::Chunked, Kind::File, Kind::Chunk, Kind::Format, Kind::Census];
    let is_intact = u32::from_le_bytes(*crc) == checksum(key, rest);
    kinds.get(usize::from(*kind)).filter(|_| is_intact).map(|kind| (*kind, body))
}

fn checksum(key: &[u8], rest: &[u8]) -> u32 {
    let length = crc32c::crc32c(&(key.len() as u64).to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(length, key), rest)
}

/// A number for one record that any change of key or value changes; their sum is the census's digest.
pub(crate) fn digest(key: &[u8], sealed: &[u8]) -> u64 {
    let crc = sealed.first_chunk::<4>().map_or(0, |crc| u32::from_le_bytes(*crc));
    // SplitMix64's finish, so that sums of different records differ.
    let mut mixed = u64::from(crc32c::crc32c(key)) << 32 | u64::from(crc);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

// === impl Place ===

impl<'a> Place<'a> {
    pub(crate) fn seal(&self, key: &[u8]) -> Vec<u8> {
        match self {
            Self::Inline(value) => seal(key, Kind::Inline, value),
            Self::Chunked { id, bytes } => seal(key, Kind::Chunked, &[id.to_le_bytes(), bytes.to_le_bytes()].concat()),
            Self::File { sha256, bytes } => seal(key, Kind::File, &[&sha256[..], &bytes.to_le_bytes()].concat()),
        }
    }

    /// `None` where the record is damaged.
    pub(crate) fn unseal(key: &[u8], sealed: &'a [u8]) -> Option<Self> {
        let (kind, body) = unseal(key, sealed)?;
        match kind {
            Kind::Inline => Some(Self::Inline(body)),
            Kind::Chunked => {
                let (id, bytes) = body.split_first_chunk::<8>()?;
                Some(Self::Chunked { id: u64::from_le_bytes(*id), bytes: u64::from_le_bytes(bytes.try_into().ok()?) })
            }
            Kind::File => {
                let (sha256, bytes) = body.split_first_chunk::<32>()?;
                Some(Self::File { sha256: *sha256, bytes: u64::from_le_bytes(bytes.try_into().ok()?) })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: Tree = Tree::new("things");

    #[test]
    fn places_come_back() {
        let key = record_key(TREE, b"k");
        for place in [Place::Inline(b"v"), Place::Chunked { id: 7, bytes: 9000 }, Place::File { sha256: [3; 32], bytes: 2 << 20 }] {
            assert_eq!(Place::unseal(&key, &place.seal(&key)), Some(place));
        }
    }

    #[test]
    fn value_under_another_key_is_damage() {
        let sealed = Place::Inline(b"v").seal(&record_key(TREE, b"a"));
        assert_eq!(Place::unseal(&record_key(TREE, b"b"), &sealed), None);
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let key = record_key(TREE, b"a");
        let mut sealed = Place::Inline(b"value").seal(&key);
        for bit in 0..sealed.len() * 8 {
            sealed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Place::unseal(&key, &sealed), None, "bit {bit}");
            sealed[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn keys_are_split_as_they_were_made() {
        assert_eq!(split_key(&record_key(TREE, b"a\0b")), Some(("things", b"a\0b".as_slice())));
        assert_eq!(split_chunk_key(&chunk_key(5, 6)), Some((5, 6)));
    }
}
