//! The journal with the core that was rebuilt from it: what the turns actor is started with.

use std::{io, path::Path};

use argentum_proto::provider::v1::Record;
use prost::Message;
use tokio::sync::watch;
use tracing::warn;

use crate::{
    config::Config,
    core::{self, Core, Price, RecoverError},
    journal::{Append, Folder, Journal, JournalConfig, JournalError, Log, LogConfig, OpenError, Opened, ReadError},
    web,
};

/// Folder of the journal in the data directory.
const FOLDER: &str = "journal";

/// Free space below which new messages wait, and what each open turn may still need.
const BYTES_FREE_MIN: u64 = 256 * 1024 * 1024;
const BYTES_FREE_PER_TURN: u64 = 64 * 1024;

/// How far the journal is durable, or why it will not go further.
#[derive(Clone, Debug)]
pub(crate) enum Progress {
    /// So many appends.
    Synced(u64),
    Failed(JournalError),
}

/// The journal, and the core as of its last record.
pub(crate) struct Books {
    pub(crate) core: Core,
    journal: Journal,
    appended: u64,
    progress: watch::Sender<Progress>,
}

/// Why the turns of an earlier life cannot be read. Nothing is served then, and nothing is replaced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BooksError {
    #[error("the journal's folder cannot be used")]
    Folder(#[source] io::Error),
    #[error("the journal cannot be opened")]
    Open(#[from] OpenError),
    #[error("the journal cannot be read")]
    Read(#[from] ReadError),
    #[error("the record at {position} of the journal is of an unknown kind; use the version that wrote it")]
    Decode {
        position: u64,
        #[source]
        source: prost::DecodeError,
    },
    #[error("the journal contradicts itself")]
    Recover(#[from] RecoverError),
}

// === impl Books ===

impl Books {
    /// Opens the journal below `data_dir` and replays it. Blocks; when it returns, all that was read is durable.
    pub(crate) fn open(data_dir: &Path, config: &Config) -> Result<Self, BooksError> {
        let path = data_dir.join(FOLDER);
        std::fs::create_dir_all(&path).map_err(BooksError::Folder)?;
        let Opened { log, torn_tail } = Log::open(Folder::open(&path).map_err(BooksError::Folder)?, LogConfig::default())?;
        if let Some(torn_tail) = torn_tail {
            warn!(?torn_tail, "the last frame of the journal was never finished; nobody was answered, so it is dropped");
        }
        let core = Core::recover(core_config(config), None, records(&log)?)?;
        let epoch = log.epoch() + 1;
        let progress = watch::Sender::new(Progress::Synced(0));
        let journal = Journal::start(log, epoch, JournalConfig::default(), |_| {}).map_err(BooksError::Folder)?;
        Ok(Self { core, journal, appended: 0, progress })
    }

    /// Writes what the core decided. Returns the number of the append, which [`Books::progress`] will reach.
    ///
    /// All of it is of class `Finish`: whether something new is taken at all was decided before, by the intake.
    pub(crate) fn append(&mut self, records: &[Record]) -> Result<u64, JournalError> {
        let (number, progress) = (self.appended + 1, self.progress.clone());
        let records = records.iter().map(Message::encode_to_vec).collect();
        let done = Box::new(move |result: Result<_, JournalError>| {
            progress.send_replace(match result {
                Ok(_) => Progress::Synced(number),
                Err(error) => Progress::Failed(error),
            });
        });
        self.journal.append(Append::Finish, records, done)?;
        self.appended = number;
        Ok(number)
    }

    /// Whether the disk has room for a new message and all that it will need, beside what the open turns need.
    pub(crate) fn has_room(&self, data_dir: &Path) -> bool {
        let needed = BYTES_FREE_MIN + BYTES_FREE_PER_TURN * self.core.open_turns() as u64;
        // Where nobody can tell, the journal itself will say so.
        rustix::fs::statvfs(data_dir).map_or(true, |disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= needed)
    }

    /// Appends so far.
    pub(crate) fn appended(&self) -> u64 {
        self.appended
    }

    /// Tells how far the journal is durable.
    pub(crate) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }
}

fn core_config(config: &Config) -> core::Config {
    let price = Price { provider: "offline".to_owned(), model: "offline".to_owned(), ..Price::default() };
    let mut core = core::Config::new(config.system_prompt.as_str(), price);
    core.delivered_by_tail.insert(web());
    core.limits.flood_burst = config.flood_burst.into();
    core.limits.flood_refill_ms = u64::try_from(config.flood_refill.as_millis()).unwrap_or(u64::MAX);
    core
}

/// Every record, oldest first.
fn records(log: &Log<Folder>) -> Result<Vec<(u64, Record)>, BooksError> {
    let mut reader = log.reader(log.start())?;
    let mut records = Vec::new();
    loop {
        let read = reader.read()?;
        if read.is_empty() {
            return Ok(records);
        }
        for record in read {
            let position = record.position.to_u64();
            let decoded = Record::decode(record.payload.as_slice()).map_err(|source| BooksError::Decode { position, source })?;
            records.push((position, decoded));
        }
    }
}
