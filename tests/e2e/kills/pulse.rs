//! How late this machine is. Others compute on it, too, and what is late for us is late for the bundle.

use std::{
    fs::File,
    io::Write,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tempfile::tempfile;

const PAUSE: Duration = Duration::from_millis(20);

#[derive(Default)]
pub(super) struct Pulse {
    /// When each beat began, and how much longer than its pause it took.
    beats: Mutex<Vec<(Instant, Duration)>>,
    is_over: AtomicBool,
}

/// Ends a pulse when it is dropped, also where a test fails in between.
pub(super) struct Ending<'a>(pub(super) &'a Pulse);

// === impl Pulse ===

impl Pulse {
    /// Waits for a moment and for the disk, again and again, until it is over.
    pub(super) fn run(&self) {
        let mut file: File = tempfile().unwrap();
        while !self.is_over.load(Ordering::SeqCst) {
            let began = Instant::now();
            thread::sleep(PAUSE);
            file.write_all(b"beat").unwrap();
            file.sync_all().unwrap();
            self.beats.lock().unwrap().push((began, began.elapsed().saturating_sub(PAUSE)));
        }
    }

    /// The longest delay of what was waited for at some moment of these.
    pub(super) fn delay(&self, from: Instant, until: Instant) -> Duration {
        let beats = self.beats.lock().unwrap();
        let within = beats.iter().filter(|(began, delay)| *began <= until && from <= *began + PAUSE + *delay);
        within.map(|(_, delay)| *delay).max().unwrap_or_default()
    }
}

// === impl Ending ===

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}
