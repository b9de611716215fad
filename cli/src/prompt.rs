//! Asking for a secret: from a terminal without showing it, else from standard input.

use std::io::{self, IsTerminal, Read};

use argentum_service::{Exit, Failure, sealing::SecretBytes};
use zeroize::Zeroizing;

/// Longest secret that is read, in bytes; the vault takes no longer one.
const SECRET_BYTES_MAX: usize = 64 * 1024;

/// Reads a secret; `what` is what a person is asked for.
pub(crate) fn secret(what: &str) -> Result<SecretBytes, Failure> {
    let text = if io::stdin().is_terminal() {
        Zeroizing::new(rpassword::prompt_password(format!("{what}: ")).map_err(|error| Failure::of(Exit::Io, &error))?)
    } else {
        piped()?
    };
    // A line end belongs to the way it came.
    let secret = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if secret.trim().is_empty() {
        return Err(Failure::new(Exit::Usage, format!("no {what} was given; type it, or pipe it into standard input")));
    }
    Ok(SecretBytes::new(secret.as_bytes().to_vec()))
}

fn piped() -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let limit = u64::try_from(SECRET_BYTES_MAX).unwrap_or(u64::MAX) + 2;
    io::stdin().lock().take(limit).read_to_string(&mut text).map_err(|error| Failure::of(Exit::Io, &error))?;
    if SECRET_BYTES_MAX + 1 < text.len() {
        return Err(Failure::new(Exit::Usage, format!("a secret has at most {SECRET_BYTES_MAX} bytes")));
    }
    Ok(text)
}
