//! The number of the last frame that was synced, in a file of its own.
//!
//! Written after each sync, itself unsynced: it may be behind, never ahead. So where the log ends before its mark, that is no
//! torn tail of a crash: a frame that was answered is damaged or gone, and the log must not open without it.

use std::io;

use super::{
    disk::{Disk, DiskFile},
    error::DiskError,
    frame::read_u64,
};

const NAME: &str = "synced";
const BYTES: usize = 12;

pub(crate) struct Mark<F> {
    file: F,
}

/// The frame that the mark names; `None` where there is no mark, or none that can be read.
pub(crate) fn read<D: Disk>(disk: &D) -> Result<Option<u64>, DiskError> {
    let mut bytes = [0; BYTES];
    match disk.open(NAME).and_then(|file| file.read_exact_at(&mut bytes, 0)) {
        Ok(()) => Ok(Some(bytes).filter(|bytes| encode(read_u64(bytes, 0)) == *bytes).map(|bytes| read_u64(&bytes, 0))),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => Ok(None),
        Err(error) => Err(DiskError::on("read", disk.describe(NAME))(error)),
    }
}

fn encode(frame: u64) -> [u8; BYTES] {
    let number = frame.to_le_bytes();
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(&number);
    bytes[8..].copy_from_slice(&crc32c::crc32c(&number).to_le_bytes());
    bytes
}

// === impl Mark ===

impl<F: DiskFile> Mark<F> {
    /// Makes the mark anew, durably.
    pub(crate) fn create<D: Disk<File = F>>(disk: &D, frame: u64) -> Result<Self, DiskError> {
        match disk.remove(NAME) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(DiskError::on("remove", disk.describe(NAME))(error)),
            _ => {}
        }
        let mark = Self { file: disk.create(NAME).map_err(DiskError::on("create", disk.describe(NAME)))? };
        mark.file.write_all_at(&encode(frame), 0).map_err(DiskError::on("write", disk.describe(NAME)))?;
        mark.file.sync().map_err(DiskError::on("sync", disk.describe(NAME)))?;
        disk.sync_folder().map_err(DiskError::on("sync the folder of", disk.describe(NAME)))?;
        Ok(mark)
    }

    pub(crate) fn set(&self, frame: u64) -> io::Result<()> {
        self.file.write_all_at(&encode(frame), 0)
    }
}
