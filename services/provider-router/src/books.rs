//! The journal with the core that was rebuilt from it and the last checkpoint: what the turns actor is started with.

use std::{io, path::Path, sync::Arc};

use argentum_proto::provider::v1::Record;
use prost::Message;
use tokio::sync::watch;
use tracing::warn;

use crate::{
    checkpoints::{CheckpointError, Checkpoints, Keeper},
    config::Config,
    core::{self, Core, Price, RecoverError},
    journal::{Append, Folder, Journal, JournalConfig, JournalError, Log, LogConfig, OpenError, Opened, Position, ReadError},
    web,
};

/// Folder of the journal in the data directory.
const FOLDER: &str = "journal";

/// Records after which the whole state is kept again: what a start has to read at most, about.
const CHECKPOINT_RECORDS: usize = 4_096;

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
    /// Dropped before the keeper: its last answers go there.
    journal: Arc<Journal>,
    keeper: Keeper,
    appended: u64,
    /// Records since the last checkpoint was taken.
    unkept: usize,
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
    #[error("the checkpoint cannot be read")]
    Checkpoint(#[from] CheckpointError),
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
        let checkpoints = Checkpoints::open(data_dir).map_err(CheckpointError::from)?;
        let records = records(&log)?;
        let unkept = records.len();
        let core = Core::recover(core_config(config), checkpoints.newest()?, records)?;
        let epoch = log.epoch() + 1;
        let progress = watch::Sender::new(Progress::Synced(0));
        let journal = Arc::new(Journal::start(log, epoch, JournalConfig::default(), |_| {}).map_err(BooksError::Folder)?);
        let keeper = checkpoints.start(Arc::downgrade(&journal)).map_err(BooksError::Folder)?;
        Ok(Self { core, journal, keeper, appended: 0, unkept, progress })
    }

    /// Writes what the core decided. Returns the number of the append, which [`Books::progress`] will reach.
    ///
    /// All of it is of class `Finish`: whether something new is taken at all was decided before, by the intake.
    pub(crate) fn append(&mut self, records: &[Record]) -> Result<u64, JournalError> {
        let (number, progress) = (self.appended + 1, self.progress.clone());
        self.unkept += records.len();
        let inbox = self.keeper.inbox().filter(|_| self.unkept >= CHECKPOINT_RECORDS);
        let checkpoint = inbox.map(|inbox| (self.core.checkpoint(0), inbox));
        if checkpoint.is_some() {
            self.unkept = 0;
        }
        let records = records.iter().map(Message::encode_to_vec).collect();
        let done = Box::new(move |result: Result<Position, JournalError>| {
            if let (Some((checkpoint, inbox)), Ok(position)) = (checkpoint, &result) {
                inbox.keep(checkpoint, *position);
            }
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

#[cfg(test)]
mod tests {
    use argentum_proto::{
        channel::v1::{AcceptMessageRequest, Question, Sender, accept_message_request::Content},
        ids::TurnId,
    };
    use tempfile::TempDir;

    use super::*;
    use crate::core::{Input, Now, Origin, RequestId};

    /// A message to the first life, and more uptime than the journal would keep without a checkpoint.
    fn live(books: &mut Books, records: usize) {
        let request = AcceptMessageRequest {
            platform_conversation_id: "c".to_owned(),
            platform_message_id: "1".to_owned(),
            sender: Some(Sender { platform_id: "ada".to_owned(), display_name: String::new() }),
            platform_time_ms: 1,
            content: Some(Content::Question(Question { text: "why?".to_owned(), ..Question::default() })),
            ..AcceptMessageRequest::default()
        };
        let origin = Origin { request: RequestId(1), gateway: web(), turn: TurnId::new(ulid::Ulid::new()), traceparent: String::new() };
        let mut inputs = vec![Input::inbound(origin, request).unwrap()];
        inputs.extend(std::iter::repeat_n(Input::Tick, records));
        for (number, input) in (0..).zip(inputs) {
            let now = Now { monotonic_ms: number * 600_000, wall_ms: 1 };
            let outputs = books.core.handle(input, now);
            if !outputs.records.is_empty() {
                while books.append(&outputs.records).is_err() {
                    std::thread::yield_now(); // The queue is full: the disk is slower than this loop.
                }
            }
        }
    }

    #[test]
    fn a_checkpoint_and_the_records_after_it_make_the_same_state() {
        let folder = TempDir::new().unwrap();
        let mut books = Books::open(folder.path(), &Config::default()).unwrap();
        books.core.started(Now { monotonic_ms: 0, wall_ms: 1 });
        live(&mut books, 2 * CHECKPOINT_RECORDS);
        let before = books.core.checkpoint(0);
        drop(books);
        let kept = Checkpoints::open(folder.path()).unwrap().newest().unwrap().expect("a checkpoint was due");
        assert!(kept.position > 0 && kept.turns.len() == 1, "{}", kept.position);
        let books = Books::open(folder.path(), &Config::default()).unwrap();
        assert_eq!(books.core.checkpoint(0), before);
    }
}
