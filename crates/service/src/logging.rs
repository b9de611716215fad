//! Events as lines on standard error. The orchestrator prefixes them with the service's name and keeps the newest.
//!
//! Whoever reads standard error may be slow, stopped or gone, and the disk behind it may be full; none of that may hold up or end a
//! process that carries messages. So lines go through a bounded queue to a thread of their own: what finds it full is dropped and
//! counted, and a write that fails is not an error.

use std::{
    io::{self, Write},
    panic,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use tracing::{Metadata, error};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt, filter_fn},
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// What is logged where nobody says otherwise.
pub const DEFAULT_FILTER: &str = "info,async_nats=warn,opentelemetry=off";

/// Lines that wait to be written.
const LINES_MAX: usize = 4_096;
/// How long the end of a process waits for its last lines.
const FLUSH_DEADLINE: Duration = Duration::from_millis(200);

enum Item {
    Line(Vec<u8>),
    /// Answered when everything before it is written.
    Flush(SyncSender<()>),
}

/// The queue to standard error, one per process.
struct Queue {
    items: SyncSender<Item>,
    dropped: AtomicU64,
}

static QUEUE: LazyLock<Queue> = LazyLock::new(Queue::start);

/// One event on its way to the queue.
struct Event;

/// A further taker of events and spans.
pub(crate) type Export = Box<dyn Layer<Registry> + Send + Sync>;

/// Sends events that pass `filter` to standard error, and panics too, and everything to `exports`. An unreadable filter is replaced by
/// the default, and said to be.
pub(crate) fn start(filter: &str, exports: Vec<Export>) {
    let parsed = EnvFilter::try_new(filter);
    let complaint = parsed.as_ref().err().map(ToString::to_string);
    let filter = parsed.unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let lines = fmt::layer().with_writer(MakeEvent).with_ansi(false).with_target(false).log_internal_errors(false);
    // Spans are for the exports only: without any of them they cost nothing.
    let lines = lines.with_filter(filter.and(filter_fn(is_event)));
    // An empty list would be a taker that wants nothing, and silence all.
    let exports = (!exports.is_empty()).then_some(exports);
    if tracing_subscriber::registry().with(exports).with(lines).try_init().is_err() {
        return; // A test has its own.
    }
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        error!(place, text = panic.payload_as_str().unwrap_or_default(), "panic");
    }));
    if let Some(complaint) = complaint {
        error!(complaint, "log filter not understood, using `{DEFAULT_FILTER}`");
    }
}

fn is_event(metadata: &Metadata<'_>) -> bool {
    metadata.is_event()
}

/// Whether `filter` can be understood; else why not.
pub fn check(filter: &str) -> Result<(), String> {
    EnvFilter::try_new(filter).map(|_| ()).map_err(|error| error.to_string())
}

/// Writes a line to standard error, without ever waiting or failing. Control characters become visible: they are the terminal's, not the
/// writer's.
pub fn line(text: &str) {
    QUEUE.push(format!("{}\n", printable(text)).into_bytes());
}

/// Waits, not for long, until what was logged is written. For the end of a process.
pub fn flush() {
    let (sender, written) = sync_channel(1);
    if QUEUE.items.try_send(Item::Flush(sender)).is_ok() {
        // Too late is as good as never: the process ends anyway.
        let _ = written.recv_timeout(FLUSH_DEADLINE);
    }
}

/// `text` with its control characters escaped, tabs apart.
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\t' { printable.extend(character.escape_default()) } else { printable.push(character) }
    }
    printable
}

// === impl Queue ===

impl Queue {
    fn start() -> Self {
        let (items, received) = sync_channel(LINES_MAX);
        // Without the thread nothing is written, and nothing else is lost.
        let _ = thread::Builder::new().name("argentum-log".to_owned()).stack_size(64 * 1024).spawn(move || write_all(&received));
        Self { items, dropped: AtomicU64::new(0) }
    }

    fn push(&self, line: Vec<u8>) {
        match self.items.try_send(Item::Line(line)) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn write_all(items: &Receiver<Item>) {
    for item in items {
        let dropped = QUEUE.dropped.swap(0, Ordering::Relaxed);
        let mut stderr = io::stderr();
        if dropped > 0 {
            let _ = writeln!(stderr, "{dropped} lines of the log were dropped: standard error was too slow");
        }
        match item {
            Item::Line(line) => {
                let _ = stderr.write_all(&line);
            }
            Item::Flush(written) => {
                let _ = written.try_send(());
            }
        }
    }
}

// === impl Event ===

struct MakeEvent;

impl MakeWriter<'_> for MakeEvent {
    type Writer = Event;

    fn make_writer(&self) -> Event {
        Event
    }
}

impl Write for Event {
    /// The formatter hands over whole events.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        QUEUE.push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_a_line_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[2J\rb\u{9b}c\td"), "a\\u{1b}[2J\\rb\\u{9b}c\td");
    }

    #[test]
    fn a_wrong_filter_is_told() {
        assert!(check(DEFAULT_FILTER).is_ok() && check("nonsense==").is_err());
    }
}
