//! A disk that tells apart what is written from what is synced: the journal, and a checkpoint beside it.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    rc::Rc,
};

use argentum_proto::provider::v1::{Checkpoint, Record};

use crate::core::{Config, Core, RecoverError};

/// What the disk holds, in two ways: a kill keeps what is written, a power cut what is synced.
#[derive(Clone, Default)]
pub struct Disk {
    /// Records from position `freed` on.
    records: Rc<Vec<Record>>,
    /// Positions below it were freed.
    freed: usize,
    /// Positions below it survive a power cut.
    synced: usize,
    /// Positions below it are taken for synced.
    trusted: usize,
    written_checkpoint: Option<Rc<Kept>>,
    synced_checkpoint: Option<Rc<Kept>>,
    trusted_checkpoint: Option<Rc<Kept>>,
}

/// A checkpoint, and the fingerprint of its core.
#[derive(PartialEq)]
struct Kept {
    checkpoint: Checkpoint,
    fingerprint: u64,
}

// === impl Disk ===

impl Disk {
    /// The next position.
    fn end(&self) -> usize {
        self.freed + self.records.len()
    }

    pub fn append(&mut self, records: Vec<Record>) {
        if !records.is_empty() {
            Rc::make_mut(&mut self.records).extend(records);
        }
    }

    pub fn is_settled(&self) -> bool {
        self.trusted == self.end()
    }

    pub fn sync(&mut self) {
        (self.synced, self.trusted) = (self.end(), self.end());
    }

    /// Writes a checkpoint of the state as of the last record.
    pub fn write_checkpoint(&mut self, core: &Core) {
        let keep = |position| Rc::new(Kept { checkpoint: core.checkpoint(position), fingerprint: core.fingerprint() });
        self.written_checkpoint = (self.end() as u64).checked_sub(1).map(keep);
    }

    pub fn is_checkpoint_behind(&self) -> bool {
        let next = self.written_checkpoint.as_ref().map_or(0, |kept| kept.checkpoint.position + 1);
        next < self.end() as u64
    }

    pub fn is_checkpoint_settled(&self) -> bool {
        self.written_checkpoint == self.trusted_checkpoint
    }

    pub fn sync_checkpoint(&mut self) {
        self.synced_checkpoint.clone_from(&self.written_checkpoint);
        self.trusted_checkpoint.clone_from(&self.written_checkpoint);
    }

    /// Whether a checkpoint holds records that could be freed; also an unsynced one, if that is how it is done.
    pub fn is_freeable(&self, is_unsynced_enough: bool) -> bool {
        self.freed < self.freeable(is_unsynced_enough)
    }

    pub fn free(&mut self, is_unsynced_enough: bool) {
        let freeable = self.freeable(is_unsynced_enough);
        Rc::make_mut(&mut self.records).drain(..freeable - self.freed);
        self.freed = freeable;
    }

    fn freeable(&self, is_unsynced_enough: bool) -> usize {
        let checkpoint = if is_unsynced_enough { &self.written_checkpoint } else { &self.trusted_checkpoint };
        let until = checkpoint.as_ref().map_or(0, |kept| usize::try_from(kept.checkpoint.position + 1).expect("records fit into memory"));
        until.min(self.trusted)
    }

    /// The process was killed; the next one opens what is written.
    pub fn reopen(&mut self, opening_syncs: bool, opening_syncs_checkpoint: bool) {
        if opening_syncs {
            self.synced = self.end();
        }
        self.trusted = self.end();
        if opening_syncs_checkpoint {
            self.synced_checkpoint.clone_from(&self.written_checkpoint);
        }
        self.trusted_checkpoint.clone_from(&self.written_checkpoint);
    }

    /// Only what is synced is left.
    pub fn cut_power(&mut self) {
        let kept = self.synced.saturating_sub(self.freed);
        if kept < self.records.len() {
            Rc::make_mut(&mut self.records).truncate(kept);
        }
        self.trusted = self.end();
        self.synced = self.end();
        self.written_checkpoint.clone_from(&self.synced_checkpoint);
        self.trusted_checkpoint.clone_from(&self.synced_checkpoint);
    }

    /// Equal for disks of which the same can become. Positions count from the end: how long the past is makes no difference.
    pub fn fingerprint(&self) -> u64 {
        let end = self.end();
        let checkpoints = [&self.written_checkpoint, &self.synced_checkpoint, &self.trusted_checkpoint];
        let kept =
            checkpoints.map(|kept| kept.as_ref().map(|kept| ((end as u64).wrapping_sub(kept.checkpoint.position), kept.fingerprint)));
        let mut hasher = DefaultHasher::new();
        (self.is_settled(), kept).hash(&mut hasher);
        if kept != [None; 3] {
            (end - self.freed, end - self.synced, end - self.trusted).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// What a process that opens the disk now would know.
    pub fn recover(&self, config: &Config) -> Result<Core, RecoverError> {
        let checkpoint = self.written_checkpoint.as_ref().map(|kept| kept.checkpoint.clone());
        Core::recover(config.clone(), checkpoint, (self.freed as u64..).zip(self.records.iter().cloned()))
    }
}
