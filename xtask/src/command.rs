//! How other programs are run: shown, captured, or both at once.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

/// Which stream of a program carries the lines of interest.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// A command that `timeout` ends, with all that it started, after `limit`.
pub(crate) fn bounded(program: &str, limit: Duration) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=10", &limit.as_secs().to_string(), program]);
    command
}

/// Runs in the foreground; an exit code other than 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("failed to start {}", words(command)))?;
    check(command, status)
}

/// Runs unseen and returns what it printed; its error output is part of the error.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("failed to start {}", words(command)))?;
    if !output.status.success() {
        let (printed, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        bail!("{} ended with {}\n{printed}{complaint}", words(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} printed no text", words(command)))
}

/// Runs in the foreground, shows everything, and also returns one stream without its colours.
pub(crate) fn tee(command: &mut Command, stream: Stream) -> Result<(ExitStatus, String)> {
    match stream {
        Stream::Stdout => command.stdout(Stdio::piped()),
        Stream::Stderr => command.stderr(Stdio::piped()),
    };
    let mut child = command.stdin(Stdio::null()).spawn().with_context(|| format!("failed to start {}", words(command)))?;
    let text = match stream {
        Stream::Stdout => copy(child.stdout.take().expect("it was piped above"), &mut std::io::stdout()),
        Stream::Stderr => copy(child.stderr.take().expect("it was piped above"), &mut std::io::stderr()),
    };
    let status = child.wait().with_context(|| format!("failed to wait for {}", words(command)))?;
    Ok((status, text?))
}

/// The command as one would type it.
pub(crate) fn words(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let program = program.rsplit('/').next().unwrap_or_default().to_string();
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
    format!("`{}`", std::iter::once(program).chain(words).collect::<Vec<_>>().join(" "))
}

/// An error in one line, whatever a program printed.
pub(crate) fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

fn check(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    bail!("{} ended with {status}", words(command))
}

fn copy(source: impl Read, target: &mut impl Write) -> Result<String> {
    let mut text = String::new();
    let mut source = BufReader::new(source);
    let mut line = Vec::new();
    while 0 < source.read_until(b'\n', &mut line).context("failed to read a program's output")? {
        target.write_all(&line).context("failed to show a program's output")?;
        text.push_str(&plain(&String::from_utf8_lossy(&line)));
        line.clear();
    }
    Ok(text)
}

/// Takes the colours (ECMA-48 "select graphic rendition") out of a line.
fn plain(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let mut text = parts.next().unwrap_or_default().to_string();
    for part in parts {
        text.push_str(part.split_once('m').map_or(part, |(_, rest)| rest));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(plain("\u{1b}[32;1m Summary\u{1b}[0m [1s] \u{1b}[1m3\u{1b}[0m tests"), " Summary [1s] 3 tests");
    }

    #[test]
    fn a_captured_failure_tells_what_was_printed() {
        let error = capture(Command::new("sh").args(["-c", "echo because >&2; exit 3"])).unwrap_err();
        assert!(error.to_string().contains("because"), "{error}");
    }

    #[test]
    fn an_error_of_many_lines_becomes_one() {
        assert_eq!(one_line(&anyhow::anyhow!("it failed\n  E: no such package\n\n")), "it failed; E: no such package");
    }

    #[test]
    fn a_command_past_its_limit_is_ended() {
        let started = std::time::Instant::now();
        assert!(run(bounded("sleep", Duration::from_secs(1)).arg("60")).is_err());
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn tee_returns_the_chosen_stream() {
        let (status, text) = tee(Command::new("sh").args(["-c", "echo seen; exit 4"]), Stream::Stdout).unwrap();
        assert_eq!((status.code(), text.as_str()), (Some(4), "seen\n"));
    }
}
