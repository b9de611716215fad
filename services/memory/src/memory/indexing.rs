//! The thread that keeps the index up to date.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    time::{Duration, Instant},
};

use argentum_service::chain;
use tracing::error;

use super::Nudge;
use crate::library::{Library, LibraryError};

/// Wait between two attempts to make a failing index anew.
const MEND_PAUSE: Duration = Duration::from_secs(5);

/// Nobody is left to nudge.
struct Over;

/// Works until nobody is left to nudge.
pub(super) fn run(library: &Library, nudges: &Receiver<Nudge>, commit_interval: Duration) {
    let mut is_broken = false;
    loop {
        if !is_broken {
            match nudges.recv() {
                Ok(nudge) => is_broken = nudge == Nudge::Failed,
                Err(_) => return,
            }
        }
        match pause(nudges, if is_broken { MEND_PAUSE } else { commit_interval }) {
            Ok(is_failed) => is_broken |= is_failed,
            Err(Over) => return,
        }
        match work(library, nudges, is_broken) {
            Ok(Ok(())) => is_broken = false,
            Ok(Err(error)) => {
                error!(error = chain(&error), "the search index cannot follow the records");
                // Where the records cannot be read, a new index would not help.
                is_broken = matches!(error, LibraryError::Index(_));
            }
            Err(Over) => return,
        }
    }
}

/// Lets time pass for more to gather. Returns whether a search failed meanwhile.
fn pause(nudges: &Receiver<Nudge>, length: Duration) -> Result<bool, Over> {
    let end = Instant::now() + length;
    let mut is_failed = false;
    loop {
        match nudges.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(nudge) => is_failed |= nudge == Nudge::Failed,
            Err(RecvTimeoutError::Timeout) => return Ok(is_failed),
            Err(RecvTimeoutError::Disconnected) => return Err(Over),
        }
    }
}

fn work(library: &Library, nudges: &Receiver<Nudge>, is_broken: bool) -> Result<Result<(), LibraryError>, Over> {
    if is_broken && let Err(error) = library.mend() {
        return Ok(Err(error));
    }
    loop {
        match library.catch_up() {
            Ok(true) => {}
            Ok(false) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        }
        // A new index of many records takes a while; whoever closes memory does not wait for it.
        if nudges.try_recv() == Err(TryRecvError::Disconnected) {
            return Err(Over);
        }
    }
}
