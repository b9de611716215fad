//! Whether there is room to open a store.
//!
//! sled repairs its log while it opens it, and writes a new snapshot. Where the disk is full, it gives up halfway, and what is left cannot
//! be opened any more, even when there is room again. So it is not let near a store without room.

use std::{fs, path::Path};

/// Free bytes that the smallest store needs: several segments of sled's log.
const BYTES_MIN: u64 = 8 << 20;
/// A snapshot has some 20 bytes for each page of up to 4 KiB; this is several times that.
const LOG_BYTES_PER_BYTE: u64 = 64;

/// Free bytes without which a store with a log of `log_bytes` is not opened.
fn bytes_needed(log_bytes: u64) -> u64 {
    BYTES_MIN + log_bytes / LOG_BYTES_PER_BYTE
}

/// The free bytes that are needed to open the store in the folder `path`, where there are fewer.
pub(crate) fn lacking(path: &Path) -> Option<u64> {
    let log_bytes = fs::metadata(path.join("tree/db")).map_or(0, |log| log.len());
    let needed = bytes_needed(log_bytes);
    // A disk that does not tell is tried.
    let disk = rustix::fs::statvfs(path).ok()?;
    (disk.f_bavail.saturating_mul(disk.f_frsize) < needed).then_some(needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_log_needs_more_room() {
        assert_eq!([0, 64 << 20].map(bytes_needed), [8 << 20, 9 << 20]);
    }

    #[test]
    fn an_ordinary_disk_has_room() {
        assert_eq!(lacking(tempfile::tempdir().unwrap().path()), None);
    }
}
