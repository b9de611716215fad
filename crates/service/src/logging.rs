//! Events as lines on standard error. The orchestrator prefixes them with the service's name and keeps the newest.

use std::{io, panic};

use tracing::error;
use tracing_subscriber::EnvFilter;

/// What is logged where nobody says otherwise.
pub const DEFAULT_FILTER: &str = "info,async_nats=warn";

/// Sends events that pass `filter` to standard error, and panics too. An unreadable filter is replaced by the default, and said to be.
pub fn start(filter: &str) {
    let parsed = EnvFilter::try_new(filter);
    let complaint = parsed.as_ref().err().map(ToString::to_string);
    let filter = parsed.unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let started = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false).with_target(false).try_init();
    if started.is_err() {
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
