//! How a record lies in the engine: a head with length, checksum and either the value, its chunks, or the name of a file.

use crate::error::StoreError;

/// Values up to this size stand in the head; larger ones are cut into pieces of this size.
pub(crate) const CHUNK_BYTES_MAX: usize = 3_900;
/// Values beyond this size go to a file.
pub(crate) const CHUNKED_BYTES_MAX: usize = 1024 * 1024;

/// Key spaces of the one physical tree, which makes a batch over all of them atomic.
const HEADS: u8 = b'h';
const CHUNKS: u8 = b'c';
const META: u8 = b'm';

/// Bytes of a head before the value: where, length, checksum.
const HEAD_BYTES: usize = 1 + 8 + 4;
const INLINE: u8 = 0;
const CHUNKED: u8 = 1;
const FILE: u8 = 2;

/// Bytes of a file's name: SHA-256.
pub(crate) const DIGEST_BYTES: usize = 32;

/// What a head says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Inline(Vec<u8>),
    Chunked { chunks: u32 },
    File { digest: [u8; DIGEST_BYTES] },
}

/// A head, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) length: u64,
    checksum: u32,
    pub(crate) body: Body,
}

pub(crate) fn head_key(key: &[u8]) -> Vec<u8> {
    [&[HEADS], key].concat()
}

/// The key of a record whose head lies at `engine_key`.
pub(crate) fn key_of_head(engine_key: &[u8]) -> Option<&[u8]> {
    engine_key.split_first().filter(|(space, _)| **space == HEADS).map(|(_, key)| key)
}

pub(crate) fn chunk_key(key: &[u8], index: u32) -> Vec<u8> {
    let length = u32::try_from(key.len()).unwrap_or(u32::MAX);
    [&[CHUNKS][..], &length.to_be_bytes(), key, &index.to_be_bytes()].concat()
}

pub(crate) fn meta_key(name: &str) -> Vec<u8> {
    [&[META], name.as_bytes()].concat()
}

pub(crate) fn chunk_count(length: usize) -> u32 {
    u32::try_from(length.div_ceil(CHUNK_BYTES_MAX)).unwrap_or(u32::MAX)
}

// === impl Head ===

impl Head {
    pub(crate) fn new(value: &[u8], body: Body) -> Self {
        Self { length: value.len() as u64, checksum: crc32c::crc32c(value), body }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let (kind, tail): (u8, &[u8]) = match &self.body {
            Body::Inline(value) => (INLINE, value),
            Body::Chunked { .. } => (CHUNKED, &[]),
            Body::File { digest } => (FILE, digest),
        };
        [&[kind][..], &self.length.to_be_bytes(), &self.checksum.to_be_bytes(), tail].concat()
    }

    pub(crate) fn decode(key: &[u8], bytes: &[u8]) -> Result<Self, StoreError> {
        let damaged = |what| StoreError::damaged(key, what);
        let (head, tail) = bytes.split_at_checked(HEAD_BYTES).ok_or_else(|| damaged("its head is too short"))?;
        let length = u64::from_be_bytes(head[1..9].try_into().expect("eight bytes"));
        let checksum = u32::from_be_bytes(head[9..13].try_into().expect("four bytes"));
        let count = usize::try_from(length).map_err(|_| damaged("its length is impossible"))?;
        let body = match head[0] {
            INLINE => Body::Inline(tail.to_vec()),
            CHUNKED => Body::Chunked { chunks: chunk_count(count) },
            FILE => Body::File { digest: tail.try_into().map_err(|_| damaged("the name of its file is too short"))? },
            _ => return Err(damaged("it is of an unknown kind")),
        };
        Ok(Self { length, checksum, body })
    }

    /// Whether `value` is what was written.
    pub(crate) fn verify(&self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        if value.len() as u64 != self.length {
            return Err(StoreError::damaged(key, "its length is wrong"));
        }
        if crc32c::crc32c(value) != self.checksum {
            return Err(StoreError::damaged(key, "its checksum is wrong"));
        }
        Ok(())
    }
}
