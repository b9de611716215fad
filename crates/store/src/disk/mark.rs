//! The number of the last commit that was synced, beside sled.
//!
//! Written after each sync, itself unsynced: it may be behind, never ahead. So a store whose census is below its mark has lost
//! commits that were answered, as when sled takes a changed bit for the torn end of its log.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

/// Two slots in sectors of their own, written in turn: one of them is whole at any time.
const SLOTS: [u64; 2] = [0, 512];

pub(crate) struct Mark {
    file: File,
    slot: usize,
}

// === impl Mark ===

impl Mark {
    /// Opens or creates the mark, and says the highest commit it knows of.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, u64)> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let commits = SLOTS.iter().filter_map(|slot| read(&file, *slot)).max().unwrap_or(0);
        Ok((Self { file, slot: 0 }, commits))
    }

    pub(crate) fn set(&mut self, commits: u64) -> io::Result<()> {
        let number = commits.to_le_bytes();
        let slot = [&number[..], &crc32c::crc32c(&number).to_le_bytes()].concat();
        self.file.write_all_at(&slot, SLOTS[self.slot])?;
        self.slot = (self.slot + 1) % SLOTS.len();
        Ok(())
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

fn read(file: &File, slot: u64) -> Option<u64> {
    let mut bytes = [0; 12];
    file.read_exact_at(&mut bytes, slot).ok()?;
    let (number, crc) = bytes.split_first_chunk::<8>()?;
    (crc32c::crc32c(number).to_le_bytes() == crc).then(|| u64::from_le_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_slot_leaves_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mark");
        let (mut mark, _) = Mark::open(&path).unwrap();
        mark.set(7).unwrap();
        mark.set(8).unwrap();
        mark.file.write_all_at(&[0xff], SLOTS[1]).unwrap();
        assert_eq!(Mark::open(&path).unwrap().1, 7);
    }
}
