//! A disk that forgets: a page cache and a durable image for each file, and the same for the folder's entries.
//!
//! A kill keeps the page cache. A power cut keeps what was synced and *any subset* of the rest: sectors of 512 bytes, lengths
//! and folder entries, each on its own.

use std::{
    collections::{BTreeMap, BTreeSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use argentum_provider_router::journal::{Disk, DiskFile};

pub(crate) const SECTOR_BYTES: usize = 512;

/// Where in the operation the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Moment {
    Before,
    Half,
    After,
}

/// How this disk differs from an honest one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Laws {
    /// Syncs that answer without doing anything, as a program without these calls would run.
    pub(crate) skip_file_sync: bool,
    pub(crate) skip_folder_sync: bool,
    /// Writes take at most this many bytes at once.
    pub(crate) write_bytes_max: Option<usize>,
    /// Fails the operation of this number, if it is a file sync: its pages are clean from then on and never written.
    pub(crate) fail_sync_at: Option<u64>,
    /// The same for every file sync.
    pub(crate) fail_syncs: bool,
    /// All bytes of all files.
    pub(crate) bytes_max: Option<usize>,
    /// What the disk claims to have left, whatever is true.
    pub(crate) bytes_free: Option<u64>,
}

#[derive(Clone, Default)]
struct Inode {
    cached: Vec<u8>,
    durable: Vec<u8>,
    /// What was written since the last sync, in order.
    unsynced: Vec<Unsynced>,
}

#[derive(Clone)]
enum Unsynced {
    Sector { start: usize, content: Vec<u8> },
    Length(usize),
}

#[derive(Clone, Default)]
struct State {
    inodes: Vec<Inode>,
    cached: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    /// Folder entries made or removed since its last sync, in order.
    unsynced: Vec<(String, Option<usize>)>,
    laws: Laws,
    operations: u64,
    crash: Option<(u64, Moment)>,
    is_dead: bool,
}

/// A handle to one simulated folder, as one process sees it.
#[derive(Clone)]
pub(crate) struct SimDisk(Arc<Mutex<State>>);

pub(crate) struct SimFile {
    disk: SimDisk,
    inode: usize,
}

fn dead() -> io::Error {
    io::Error::other("the process is dead")
}

fn is_zero(sector: &[u8]) -> bool {
    sector == &[0; SECTOR_BYTES][..sector.len()]
}

/// The standard hasher takes most of an exploration's time, and a CRC is the same for many frames, which carry theirs.
fn digest(sector: &[u8]) -> u64 {
    let (words, rest) = sector.as_chunks::<8>();
    let mut digest = rest.iter().fold(sector.len() as u64, |digest, byte| digest << 8 ^ u64::from(*byte));
    for word in words {
        digest = (digest ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        digest ^= digest >> 29;
    }
    digest
}

// === impl Inode ===

impl Inode {
    fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if self.cached.len() < end {
            self.cached.resize(end, 0);
            self.unsynced.push(Unsynced::Length(end));
        }
        self.cached[offset..end].copy_from_slice(bytes);
        let mut start = offset / SECTOR_BYTES * SECTOR_BYTES;
        while start < end {
            let content = self.cached[start..self.cached.len().min(start + SECTOR_BYTES)].to_vec();
            // Zeros over what reads as zeros anyway are no choice of their own.
            let durable = self.durable.get(start..).unwrap_or_default();
            let durable = &durable[..durable.len().min(SECTOR_BYTES)];
            let is_void = is_zero(&content) && is_zero(durable);
            if !is_void {
                // The mark is written over and over: its newest version, or what is durable, stand for those between.
                self.unsynced.retain(|unsynced| !matches!(unsynced, Unsynced::Sector { start: other, .. } if *other == start));
                self.unsynced.push(Unsynced::Sector { start, content });
            }
            start += SECTOR_BYTES;
        }
    }

    fn keep(&mut self, unsynced: &Unsynced) {
        match unsynced {
            Unsynced::Length(length) => self.durable.resize((*length).max(self.durable.len()), 0),
            Unsynced::Sector { start, content } => {
                let end = start + content.len();
                self.durable.resize(end.max(self.durable.len()), 0);
                self.durable[*start..end].copy_from_slice(content);
            }
        }
    }
}

// === impl SimDisk ===

impl SimDisk {
    pub(crate) fn new(laws: Laws) -> Self {
        Self(Arc::new(Mutex::new(State { laws, ..State::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn of(mut state: State) -> Self {
        let entries =
            state.cached.values().chain(state.durable.values()).chain(state.unsynced.iter().filter_map(|(_, inode)| inode.as_ref()));
        let reachable: BTreeSet<usize> = entries.copied().collect();
        let gone = (0..state.inodes.len()).filter(|inode| !reachable.contains(inode)).collect::<Vec<_>>();
        gone.into_iter().for_each(|inode| state.inodes[inode] = Inode::default());
        Self(Arc::new(Mutex::new(State { operations: 0, crash: None, is_dead: false, ..state })))
    }

    /// The process dies at its operation of this number, counted from 0.
    pub(crate) fn crash_at(&self, operation: u64, moment: Moment) {
        self.state().crash = Some((operation, moment));
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.state().is_dead
    }

    pub(crate) fn operations(&self) -> u64 {
        self.state().operations
    }

    pub(crate) fn change_laws(&self, change: impl FnOnce(&mut Laws)) {
        change(&mut self.state().laws);
    }

    /// What the next process finds after a kill: the page cache is still there.
    pub(crate) fn kill(&self) -> Self {
        Self::of(self.state().clone())
    }

    /// How many things a power cut may keep or lose.
    pub(crate) fn unsynced(&self) -> usize {
        let state = self.state();
        state.unsynced.len() + state.inodes.iter().map(|inode| inode.unsynced.len()).sum::<usize>()
    }

    /// What the next process finds after a power cut that kept those unsynced things.
    pub(crate) fn power_cut(&self, mut keeps: impl FnMut(usize) -> bool) -> Self {
        let mut state = self.state().clone();
        let mut place = 0;
        let mut is_kept = || {
            place += 1;
            keeps(place - 1)
        };
        for (name, inode) in std::mem::take(&mut state.unsynced) {
            if is_kept() {
                match inode {
                    Some(inode) => state.durable.insert(name, inode),
                    None => state.durable.remove(&name),
                };
            }
        }
        for inode in &mut state.inodes {
            for unsynced in std::mem::take(&mut inode.unsynced) {
                if is_kept() {
                    inode.keep(&unsynced);
                }
            }
            inode.cached = inode.durable.clone();
        }
        state.cached = state.durable.clone();
        Self::of(state)
    }

    /// Names this state of the disk.
    pub(crate) fn fingerprint(&self) -> u64 {
        let state = self.state();
        let mut hasher = DefaultHasher::new();
        for inode in state.cached.values().chain(state.durable.values()).map(|inode| &state.inodes[*inode]) {
            for image in [&inode.cached, &inode.durable] {
                let sectors = image.chunks(SECTOR_BYTES).enumerate().filter(|(_, sector)| !is_zero(sector));
                (image.len(), sectors.map(|(place, sector)| (place, digest(sector))).collect::<Vec<_>>()).hash(&mut hasher);
            }
            for unsynced in &inode.unsynced {
                match unsynced {
                    Unsynced::Length(length) => (0, *length, 0).hash(&mut hasher),
                    Unsynced::Sector { start, content } => (1, *start, digest(content)).hash(&mut hasher),
                }
            }
        }
        (&state.cached, &state.durable, &state.unsynced).hash(&mut hasher);
        hasher.finish()
    }

    /// Every file, as a process reads it.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        state.cached.iter().map(|(name, inode)| (name.clone(), state.inodes[*inode].cached.clone())).collect()
    }

    /// Changes a file's bytes behind everybody's back, durably.
    pub(crate) fn tamper(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let inode = state.cached[name];
        change(&mut state.inodes[inode].cached);
        state.inodes[inode].durable = state.inodes[inode].cached.clone();
        state.inodes[inode].unsynced.clear();
    }

    /// Runs one operation, unless the process dies at it.
    fn operate<T>(&self, whole: impl FnOnce(&mut State) -> io::Result<T>, half: impl FnOnce(&mut State)) -> io::Result<T> {
        let mut state = self.state();
        if state.is_dead {
            return Err(dead());
        }
        let operation = state.operations;
        state.operations += 1;
        match state.crash.filter(|(at, _)| *at == operation) {
            None => return whole(&mut state),
            Some((_, Moment::Before)) => {}
            Some((_, Moment::Half)) => half(&mut state),
            Some((_, Moment::After)) => drop(whole(&mut state)),
        }
        state.is_dead = true;
        Err(dead())
    }
}

impl Disk for SimDisk {
    type File = SimFile;

    fn create(&self, name: &str) -> io::Result<SimFile> {
        let create = |state: &mut State| {
            if state.cached.contains_key(name) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            state.inodes.push(Inode::default());
            let inode = state.inodes.len() - 1;
            state.cached.insert(name.to_owned(), inode);
            state.unsynced.push((name.to_owned(), Some(inode)));
            Ok(inode)
        };
        let inode = self.operate(create, |_| {})?;
        Ok(SimFile { disk: self.clone(), inode })
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        let state = self.state();
        let inode = state.cached.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(SimFile { disk: self.clone(), inode: *inode })
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().cached.keys().rev().cloned().collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let remove = |state: &mut State| {
            state.cached.remove(name).ok_or(io::ErrorKind::NotFound)?;
            state.unsynced.push((name.to_owned(), None));
            Ok(())
        };
        self.operate(remove, |_| {})
    }

    fn sync_folder(&self) -> io::Result<()> {
        let sync = |state: &mut State| {
            if !state.laws.skip_folder_sync {
                state.unsynced.clear();
                state.durable = state.cached.clone();
            }
            Ok(())
        };
        self.operate(sync, |_| {})
    }

    fn bytes_free(&self) -> io::Result<u64> {
        let state = self.state();
        let used: usize = state.cached.values().map(|inode| state.inodes[*inode].cached.len()).sum();
        Ok(state.laws.bytes_free.unwrap_or_else(|| state.laws.bytes_max.map_or(u64::MAX, |max| max.saturating_sub(used) as u64)))
    }

    fn describe(&self, name: &str) -> String {
        format!("sim/{name}")
    }
}

impl DiskFile for SimFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.disk.state().inodes[self.inode].cached.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state();
        let bytes = state.inodes[self.inode].cached.get(offset as usize..).unwrap_or_default();
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let whole = |state: &mut State| {
            let count = bytes.len().min(state.laws.write_bytes_max.unwrap_or(usize::MAX));
            let used: usize = state.cached.values().map(|inode| state.inodes[*inode].cached.len()).sum();
            let grows = (offset as usize + count).saturating_sub(state.inodes[self.inode].cached.len());
            let room = state.laws.bytes_max.map_or(usize::MAX, |max| max.saturating_sub(used));
            if grows > room && room == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let count = count - grows.saturating_sub(room);
            state.inodes[self.inode].write(&bytes[..count], offset as usize);
            Ok(count)
        };
        let half = |state: &mut State| {
            // Rounded up: half of a single sector is that sector, torn in the page cache.
            state.inodes[self.inode].write(&bytes[..bytes.len().div_ceil(2)], offset as usize);
        };
        self.disk.operate(whole, half)
    }

    fn sync(&self) -> io::Result<()> {
        let sync = |state: &mut State| {
            let operation = state.operations - 1;
            let is_skipped = state.laws.skip_file_sync;
            let is_failing = state.laws.fail_syncs || state.laws.fail_sync_at == Some(operation);
            let inode = &mut state.inodes[self.inode];
            if is_failing {
                inode.unsynced.clear();
                return Err(io::Error::other("input/output error"));
            }
            if !is_skipped {
                inode.unsynced.clear();
                inode.durable = inode.cached.clone();
            }
            Ok(())
        };
        self.disk.operate(sync, |_| {})
    }
}
