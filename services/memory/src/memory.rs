//! The threads on which memory works, behind a handle that actors can hold: one for what changes, one for what is asked, one for the
//! index. Their queues are bounded; who finds one full is told to ask again.

mod indexing;

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use argentum_store::StoreError;
use futures::channel::oneshot;

use crate::{
    archive::{ArchiveError, Selection},
    document::Query,
    library::{Bounds, Found, Library, LibraryError},
    records::Telling,
    scope::ScopeKey,
};

/// Requests that may wait for a thread.
const QUEUE_LENGTH_MAX: usize = 256;
/// Tellings that share one sync.
const TOGETHER_MAX: usize = 64;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MemoryError {
    #[error(transparent)]
    Library(Arc<LibraryError>),
    #[error("memory has too much to do; ask again")]
    Busy,
    #[error("memory is closing")]
    Closed,
}

type Answer<T> = oneshot::Sender<Result<T, MemoryError>>;

enum Change {
    Remember { telling: Box<Telling>, answer: Answer<()> },
    Forget { selection: Selection, answer: Answer<u64> },
}

enum Question {
    /// Nobody waits for the answer after `deadline`.
    Recall {
        query: Query,
        bounds: Bounds,
        deadline: Instant,
        answer: Answer<Found>,
    },
    Facts {
        keys: Vec<ScopeKey>,
        facts_max: usize,
        answer: Answer<Found>,
    },
}

/// What the index's thread is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nudge {
    /// There is something new.
    Changed,
    /// A search failed.
    Failed,
}

/// Everything that is remembered. Dropping it waits for what is under way.
pub(crate) struct Memory {
    changes: Option<SyncSender<Change>>,
    questions: Option<SyncSender<Question>>,
    threads: Vec<JoinHandle<()>>,
}

// === impl MemoryError ===

impl MemoryError {
    fn of(error: LibraryError) -> Self {
        Self::Library(Arc::new(error))
    }

    /// Whether only a new process helps: a store that failed takes nothing more, and a thread that ended does not come back.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Library(error) => {
                matches!(**error, LibraryError::Archive(ArchiveError::Store(StoreError::Poisoned(_) | StoreError::Closed)))
            }
            Self::Closed => true,
            Self::Busy => false,
        }
    }
}

// === impl Memory ===

impl Memory {
    /// Starts the threads. New records enter the index `commit_interval` after the first of them.
    pub(crate) fn start(library: Library, commit_interval: Duration) -> io::Result<Self> {
        let library = Arc::new(library);
        let (changes, to_change) = sync_channel(QUEUE_LENGTH_MAX);
        let (questions, to_answer) = sync_channel(QUEUE_LENGTH_MAX);
        // One nudge says as much as many.
        let (nudges, nudged) = sync_channel(1);
        // What an earlier process left behind.
        let _ = nudges.try_send(Nudge::Changed);
        let [changing, answering, indexing] = [0, 1, 2].map(|_| Arc::clone(&library));
        let failed = nudges.clone();
        let threads = vec![
            spawn("memory-records", move || change_all(&changing, &to_change, &nudges))?,
            spawn("memory-search", move || answer_all(&answering, &to_answer, &failed))?,
            spawn("memory-index", move || indexing::run(&indexing, &nudged, commit_interval))?,
        ];
        Ok(Self { changes: Some(changes), questions: Some(questions), threads })
    }

    /// Remembers; the answer means that it is synced and is recalled.
    pub(crate) async fn remember(&self, telling: Telling) -> Result<(), MemoryError> {
        ask(self.changes.as_ref(), |answer| Change::Remember { telling: Box::new(telling), answer }).await
    }

    /// Forgets; the answer means that it is synced and is not recalled. Returns how many records it were.
    pub(crate) async fn forget(&self, selection: Selection) -> Result<u64, MemoryError> {
        ask(self.changes.as_ref(), |answer| Change::Forget { selection, answer }).await
    }

    /// Recalls; a question whose turn comes after `patience` is not looked into.
    pub(crate) async fn recall(&self, query: Query, bounds: Bounds, patience: Duration) -> Result<Found, MemoryError> {
        let deadline = Instant::now() + patience;
        ask(self.questions.as_ref(), |answer| Question::Recall { query, bounds, deadline, answer }).await
    }

    pub(crate) async fn facts(&self, keys: Vec<ScopeKey>, facts_max: usize) -> Result<Found, MemoryError> {
        ask(self.questions.as_ref(), |answer| Question::Facts { keys, facts_max, answer }).await
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // Each thread ends with its queue; the last nudger ends the index's.
        self.changes = None;
        self.questions = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(work)
}

async fn ask<Q, T>(queue: Option<&SyncSender<Q>>, question: impl FnOnce(Answer<T>) -> Q) -> Result<T, MemoryError> {
    let (answer, answered) = oneshot::channel();
    let queue = queue.ok_or(MemoryError::Closed)?;
    queue.try_send(question(answer)).map_err(|error| match error {
        TrySendError::Full(_) => MemoryError::Busy,
        TrySendError::Disconnected(_) => MemoryError::Closed,
    })?;
    answered.await.unwrap_or(Err(MemoryError::Closed))
}

fn change_all(library: &Library, changes: &Receiver<Change>, nudges: &SyncSender<Nudge>) {
    let mut next = None;
    while let Some(change) = next.take().or_else(|| changes.recv().ok()) {
        match change {
            Change::Remember { telling, answer } => {
                let (mut tellings, mut answers) = (vec![*telling], vec![answer]);
                next = gather(changes, &mut tellings, &mut answers);
                let outcome = library.remember(tellings).map_err(Arc::new);
                for answer in answers {
                    // Who does not wait any more asks again.
                    let _ = answer.send(outcome.clone().map_err(MemoryError::Library));
                }
            }
            Change::Forget { selection, answer } => {
                let _ = answer.send(library.forget(&selection).map_err(MemoryError::of));
            }
        }
        // Full means that the index's thread is nudged already.
        let _ = nudges.try_send(Nudge::Changed);
    }
}

/// Takes what is told right behind, without waiting. Returns a change of another kind that it came upon.
fn gather(changes: &Receiver<Change>, tellings: &mut Vec<Telling>, answers: &mut Vec<Answer<()>>) -> Option<Change> {
    while tellings.len() < TOGETHER_MAX {
        match changes.try_recv().ok()? {
            Change::Remember { telling, answer } => {
                tellings.push(*telling);
                answers.push(answer);
            }
            other @ Change::Forget { .. } => return Some(other),
        }
    }
    None
}

fn answer_all(library: &Library, questions: &Receiver<Question>, nudges: &SyncSender<Nudge>) {
    for question in questions {
        match question {
            // Who has given up waiting must not keep others waiting.
            Question::Recall { deadline, answer, .. } if deadline < Instant::now() => {
                let _ = answer.send(Err(MemoryError::Busy));
            }
            Question::Recall { query, bounds, answer, .. } => {
                let outcome = library.recall(&query, bounds);
                if matches!(outcome, Err(LibraryError::Index(_))) {
                    // A lost nudge is repeated by the next search that fails.
                    let _ = nudges.try_send(Nudge::Failed);
                }
                let _ = answer.send(outcome.map_err(MemoryError::of));
            }
            Question::Facts { keys, facts_max, answer } => {
                let _ = answer.send(library.facts(&keys, facts_max).map_err(MemoryError::of));
            }
        }
    }
}
