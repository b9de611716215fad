//! Plays a script against the simulated disk and kills it at every operation, and its successors as they open.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use argentum_provider_router::journal::{Append, Log, LogConfig, OpenError, Position, Record};

use super::{
    disk::{Laws, Moment, SimDisk},
    witness::{Witness, open},
};

/// A step of the process under test.
#[derive(Clone)]
pub(crate) enum Step {
    /// One frame with these records.
    Append(Vec<Vec<u8>>),
    /// Everything but the newest frame was dealt with.
    Free,
    /// Ends the process and starts the next one.
    Reopen,
}

/// How the process under test goes about it.
#[derive(Clone)]
pub(crate) struct Play {
    pub(crate) script: Vec<Step>,
    pub(crate) config: LogConfig,
    pub(crate) laws: Laws,
    /// Answers when a frame is written, not when it is synced.
    pub(crate) answers_before_sync: bool,
    /// Writes every second frame before the one ahead of it is synced, and answers both with that one sync.
    pub(crate) writes_ahead: bool,
    /// Opens without syncing the copy.
    pub(crate) opens_without_sync: bool,
    /// Crashes in a row: the process, then its successors while they open.
    pub(crate) crashes: usize,
    /// Random power cuts to try where there are too many to try all.
    pub(crate) cuts: u64,
}

/// States that were explored.
#[derive(Default)]
pub(crate) struct Explored {
    states: HashSet<u64>,
    /// Openings that were tried, of which states are the distinct ones.
    pub(crate) openings: u64,
}

/// Small numbers of unsynced things are tried in all combinations.
const EXHAUSTIVE_MAX: usize = 6;

// === impl Play ===

impl Play {
    pub(crate) fn new(script: Vec<Step>, config: LogConfig) -> Self {
        Self {
            script,
            config,
            laws: Laws::default(),
            answers_before_sync: false,
            writes_ahead: false,
            opens_without_sync: false,
            crashes: 2,
            cuts: 12,
        }
    }

    /// Every crash of the script; the first broken promise, told with its way.
    pub(crate) fn explore(&self) -> Result<Explored, String> {
        let mut explored = Explored::default();
        for operation in 0.. {
            for moment in [Moment::Before, Moment::Half, Moment::After] {
                let disk = SimDisk::new(self.laws.clone());
                disk.crash_at(operation, moment);
                let mut witness = Witness::default();
                let is_finished = self.run(&disk, &mut witness)?;
                self.aftermath(&disk, &witness, self.crashes - 1, &mut explored)
                    .map_err(|violation| format!("crash at operation {operation} ({moment:?}): {violation}"))?;
                if is_finished {
                    return Ok(explored);
                }
            }
        }
        unreachable!("a script ends")
    }

    /// Plays the script until it ends (true) or the process dies (false).
    fn run(&self, disk: &SimDisk, witness: &mut Witness) -> Result<bool, String> {
        let Ok((mut log, _)) = self.open(disk) else { return Self::ended(disk, "opening an empty disk failed") };
        for (place, step) in self.script.iter().enumerate() {
            let is_done = match step {
                Step::Append(batch) => self.append(disk, &mut log, batch, witness, self.writes_ahead && place % 2 == 0),
                Step::Free => {
                    let keep = Position::from_u64(witness.last().to_u64() & !0xffff);
                    witness.free_before(keep);
                    log.free_before(keep).is_ok()
                }
                Step::Reopen => match self.open(disk) {
                    Ok((next, records)) => {
                        witness.see(&records)?;
                        log = next;
                        true
                    }
                    Err(_) => false,
                },
            };
            if !is_done {
                return Self::ended(disk, "a step failed");
            }
        }
        Ok(true)
    }

    fn append(&self, disk: &SimDisk, log: &mut Log<SimDisk>, batch: &[Vec<u8>], witness: &mut Witness, skips_sync: bool) -> bool {
        witness.attempt(batch);
        let Ok(last) = log.write(1, Append::New, batch) else { return false };
        if self.answers_before_sync {
            witness.acknowledge(last);
        }
        disk.change_laws(|laws| laws.skip_file_sync |= skips_sync);
        let is_synced = log.sync().is_ok();
        disk.change_laws(|laws| laws.skip_file_sync = self.laws.skip_file_sync);
        if is_synced && !self.answers_before_sync && !skips_sync {
            witness.acknowledge(last);
        }
        is_synced
    }

    fn open(&self, disk: &SimDisk) -> Result<(Log<SimDisk>, Vec<Record>), OpenError> {
        disk.change_laws(|laws| laws.skip_file_sync |= self.opens_without_sync);
        let opened = open(disk, &self.config);
        disk.change_laws(|laws| laws.skip_file_sync = self.laws.skip_file_sync);
        opened
    }

    fn ended(disk: &SimDisk, what: &str) -> Result<bool, String> {
        if disk.is_dead() { Ok(false) } else { Err(what.to_owned()) }
    }

    /// All that the next process may find, each judged.
    fn aftermath(&self, disk: &SimDisk, witness: &Witness, crashes: usize, explored: &mut Explored) -> Result<(), String> {
        self.survive(&disk.kill(), witness, crashes, explored).map_err(|violation| format!("kill: {violation}"))?;
        for kept in self.kept_sets(disk) {
            let cut = disk.power_cut(|place| kept[place]);
            self.survive(&cut, witness, crashes, explored).map_err(|violation| format!("power cut that kept {kept:?}: {violation}"))?;
        }
        Ok(())
    }

    fn kept_sets(&self, disk: &SimDisk) -> Vec<Vec<bool>> {
        let count = disk.unsynced();
        if count <= EXHAUSTIVE_MAX {
            return (0..1_usize << count).map(|set| (0..count).map(|place| set >> place & 1 == 1).collect()).collect();
        }
        let prefixes = (0..=count).map(|end| (0..count).map(|place| place < end).collect());
        let gaps = (0..count).map(|gap| (0..count).map(|place| place != gap).collect());
        let random = (0..self.cuts).map(|seed| (0..count).map(|place| mix(seed, place as u64) & 1 == 1).collect());
        prefixes.chain(gaps).chain(random).collect()
    }

    /// Opens what is left: once to judge it, then again with a crash at each operation.
    fn survive(&self, disk: &SimDisk, witness: &Witness, crashes: usize, explored: &mut Explored) -> Result<(), String> {
        let mut hasher = DefaultHasher::new();
        (disk.fingerprint(), witness, crashes).hash(&mut hasher);
        if !explored.states.insert(hasher.finish()) {
            return Ok(());
        }
        self.judge(&disk.kill(), witness.clone(), explored)?;
        if crashes == 0 {
            return Ok(());
        }
        for operation in 0.. {
            for moment in [Moment::Half, Moment::After] {
                let opening = disk.kill();
                opening.crash_at(operation, moment);
                if self.open(&opening).is_ok() {
                    return Ok(());
                }
                let told = |violation| format!("crash at operation {operation} ({moment:?}) of opening: {violation}");
                self.aftermath(&opening, witness, crashes - 1, explored).map_err(told)?;
            }
        }
        unreachable!("an opening ends")
    }

    /// A journal keeps its promises, shows the same when opened again, and works on.
    fn judge(&self, disk: &SimDisk, mut witness: Witness, explored: &mut Explored) -> Result<(), String> {
        explored.openings += 1;
        let (mut log, records) = self.open(disk).map_err(|error| format!("opening failed: {error}"))?;
        witness.see(&records)?;
        let (_, again) = self.open(&disk.kill()).map_err(|error| format!("opening again failed: {error}"))?;
        let is_same = again.iter().zip(&records).all(|(again, before)| again == before) && again.len() == records.len();
        if !is_same {
            return Err("opening again shows something else".to_owned());
        }
        // What was shown stays, also if the power goes now.
        self.see_after_cut(disk, &mut witness, "what a reopened journal showed")?;
        let batch = [b"one more".to_vec()];
        witness.attempt(&batch);
        log.write(2, Append::New, &batch).map_err(|error| format!("a write after reopening failed: {error}"))?;
        witness.acknowledge(log.sync().map_err(|error| format!("a sync after reopening failed: {error}"))?);
        self.see_after_cut(disk, &mut witness, "what a reopened journal took")
    }

    fn see_after_cut(&self, disk: &SimDisk, witness: &mut Witness, what: &str) -> Result<(), String> {
        let (_, records) = self.open(&disk.power_cut(|_| false)).map_err(|error| format!("after a power cut: {error}"))?;
        witness.see(&records).map_err(|violation| format!("{what}, after a power cut: {violation}"))
    }
}

// === impl Explored ===

impl Explored {
    pub(crate) fn states(&self) -> usize {
        self.states.len()
    }
}

/// SplitMix64 of the two numbers.
pub(crate) fn mix(seed: u64, place: u64) -> u64 {
    let mut z = seed
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(place.wrapping_mul(0xbf58_476d_1ce4_e5b9))
        .wrapping_add(0x94d0_49bb_1331_11eb);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
