//! The newest lines that the children wrote, for `argentum logs`.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use argentum_proto::control::v1::LogLine;
use tokio::sync::broadcast;

/// Bytes kept.
const RING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Lines that a follower may be behind before it misses some.
const FOLLOW_LINES_MAX: usize = 1_024;

/// Lines of all children, in the order in which they arrived. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct LogRing {
    lines: Arc<Mutex<Lines>>,
    new: broadcast::Sender<LogLine>,
}

#[derive(Debug, Default)]
struct Lines {
    lines: VecDeque<LogLine>,
    bytes: usize,
}

// === impl LogRing ===

impl LogRing {
    pub(crate) fn new() -> Self {
        Self { lines: Arc::default(), new: broadcast::channel(FOLLOW_LINES_MAX).0 }
    }

    /// Keeps a line and hands it to followers.
    pub(crate) fn push(&self, line: LogLine) {
        self.lock().push(line.clone());
        // No follower is no fault.
        let _ = self.new.send(line);
    }

    /// The newest `lines_max` lines (0 = all) of `service` (empty = any), oldest first, and what comes after them.
    pub(crate) fn read(&self, service: &str, lines_max: usize) -> (Vec<LogLine>, broadcast::Receiver<LogLine>) {
        let kept = self.lock();
        // Subscribed under the lock: nothing is missed and nothing comes twice.
        let follow = self.new.subscribe();
        let wanted = kept.lines.iter().rev().filter(|line| service.is_empty() || line.service == service);
        let mut lines: Vec<LogLine> = wanted.take(if lines_max == 0 { usize::MAX } else { lines_max }).cloned().collect();
        lines.reverse();
        (lines, follow)
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Lines ===

impl Lines {
    fn push(&mut self, line: LogLine) {
        self.bytes += cost(&line);
        self.lines.push_back(line);
        while self.bytes > RING_BYTES_MAX
            && let Some(oldest) = self.lines.pop_front()
        {
            self.bytes -= cost(&oldest);
        }
    }
}

/// What a line takes in memory, roughly.
fn cost(line: &LogLine) -> usize {
    line.text.len() + line.service.len() + size_of::<LogLine>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: String) -> LogLine {
        LogLine { service: "memory".into(), text }
    }

    #[test]
    fn the_oldest_lines_make_room() {
        let ring = LogRing::new();
        for number in 0..20 {
            ring.push(line(format!("{number} {}", "x".repeat(RING_BYTES_MAX / 10))));
        }
        let (kept, _) = ring.read("", 0);
        assert!(kept.len() < 10 && kept.last().unwrap().text.starts_with("19 "));
    }

    #[test]
    fn the_newest_lines_of_one_service_come_oldest_first() {
        let ring = LogRing::new();
        for text in ["a", "b", "c"] {
            ring.push(line(text.into()));
            ring.push(LogLine { service: "vault".into(), text: text.into() });
        }
        let (kept, _) = ring.read("memory", 2);
        assert_eq!(kept.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    }
}
