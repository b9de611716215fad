//! Asking for a secret: from a terminal without showing it, else from standard input.

use std::io::{self, IsTerminal, Read, Stdin, Write};

use argentum_service::{Exit, Failure, sealing::SecretBytes};
use rustix::{
    process::{Signal, getpid, kill_process},
    termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr},
};
use zeroize::Zeroizing;

/// Longest secret that is read, in bytes; the vault takes no longer one.
const SECRET_BYTES_MAX: usize = 64 * 1024;
/// What a terminal sends for Ctrl-C and Ctrl-\.
const INTERRUPT: u8 = 0x03;
const QUIT: u8 = 0x1c;

/// A terminal that shows nothing of what is typed. It is as it was before when this is dropped.
///
/// Ctrl-C must not end the process before that, so it ends the line instead of raising a signal.
struct Quiet {
    terminal: Stdin,
    before: Termios,
}

/// Reads a secret; `what` is what a person is asked for.
pub(crate) fn secret(what: &str) -> Result<SecretBytes, Failure> {
    let bytes = if io::stdin().is_terminal() { typed(what)? } else { piped()? };
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::new(Exit::Usage, "a secret is text; this is none"))?;
    // A line end belongs to the way it came.
    let secret = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if secret.trim().is_empty() {
        return Err(Failure::new(Exit::Usage, format!("no {what} was given; type it, or pipe it into standard input")));
    }
    Ok(SecretBytes::new(secret.as_bytes().to_vec()))
}

/// One line from the terminal.
fn typed(what: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed = |error: io::Error| Failure::of(Exit::Io, &error);
    // Standard output may lead elsewhere.
    let mut shown = io::stderr();
    write!(shown, "{what}: ").and_then(|()| shown.flush()).map_err(failed)?;
    let quiet = Quiet::new().map_err(failed)?;
    let mut line = Zeroizing::new(Vec::with_capacity(SECRET_BYTES_MAX));
    let mut byte = Zeroizing::new([0]);
    while line.len() < SECRET_BYTES_MAX && rustix::io::read(&quiet.terminal, byte.as_mut()).map_err(|error| failed(error.into()))? == 1 {
        match byte[0] {
            INTERRUPT | QUIT => interrupted(quiet),
            b'\n' => break,
            other => line.push(other),
        }
    }
    if line.iter().any(u8::is_ascii_control) {
        return Err(Failure::new(Exit::Usage, format!("the {what} holds a control character; type it again")));
    }
    Ok(line)
}

/// Ends as Ctrl-C does elsewhere, the terminal being as it was.
fn interrupted(quiet: Quiet) -> ! {
    drop(quiet);
    // Shells look at how a process ended.
    let _ = kill_process(getpid(), Signal::INT);
    std::process::exit(130)
}

fn piped() -> Result<Zeroizing<Vec<u8>>, Failure> {
    let limit = SECRET_BYTES_MAX + 2;
    // Of this size from the beginning: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(|error| Failure::of(Exit::Io, &error))?;
    let line_end = if bytes.ends_with(b"\r\n") { 2 } else { usize::from(bytes.ends_with(b"\n")) };
    if SECRET_BYTES_MAX < bytes.len() - line_end {
        return Err(Failure::new(Exit::Usage, format!("a secret has at most {SECRET_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

// === impl Quiet ===

impl Quiet {
    fn new() -> io::Result<Self> {
        let terminal = io::stdin();
        let before = tcgetattr(&terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        quiet.local_modes.insert(LocalModes::ICANON | LocalModes::ECHONL);
        quiet.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
        quiet.special_codes[SpecialCodeIndex::VEOL2] = QUIT;
        tcsetattr(&terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Nothing can be done where a terminal is gone.
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}
