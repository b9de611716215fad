//! What a verb says: a line for people, or JSON for programs; and how it ends.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::{Duration, UNIX_EPOCH},
};

use argentum_service::{Exit, Failure, logging::printable};
use serde::Serialize;

/// Writes to standard output. A reader that has gone away ends us quietly; one that cannot take it is an error.
pub(crate) fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    let Err(error) = writeln!(stdout, "{text}").and_then(|()| stdout.flush()) else { return };
    let exit = if error.kind() == io::ErrorKind::BrokenPipe { Exit::Success } else { Exit::Io };
    if exit == Exit::Io {
        let _ = writeln!(io::stderr().lock(), "argentum: standard output cannot be written: {error}");
    }
    std::process::exit(exit.code().into());
}

/// Writes `value` as one line of JSON.
pub(crate) fn print_json(value: &impl Serialize) {
    print(&serde_json::to_string(value).expect("plain values can be written as JSON"));
}

/// Unix milliseconds as RFC 3339, UTC.
pub(crate) fn time(unix_ms: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(unix_ms)).to_string()
}

/// Tells the end of a verb and makes its exit code.
pub(crate) fn end(result: Result<(), Failure>, is_json: bool) -> ExitCode {
    let Err(failure) = result else { return Exit::Success.into() };
    if failure.text.is_empty() {
        // It has been told already.
    } else if is_json {
        print_json(&serde_json::json!({ "error": { "exit": failure.exit.code(), "text": failure.text } }));
    } else {
        let _ = writeln!(io::stderr().lock(), "argentum: {}", failure.text.split('\n').map(printable).collect::<Vec<_>>().join("\n"));
    }
    failure.exit.into()
}
