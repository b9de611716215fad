//! The built bundle as an operator runs it: start, wait until ready, stop.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::command;
use crate::workspace::Workspace;

/// Port 0 everywhere: the machine may run another bundle.
const UP: &[&str] = &["up", "--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0"];
const STATUS: &[&str] = &["status", "--json"];
/// Between two questions to a process that is not there yet.
const PAUSE: Duration = Duration::from_millis(50);

/// A running `argentum up`; killed when dropped.
pub(crate) struct Bundle {
    binary: PathBuf,
    home: PathBuf,
    child: Child,
    started: Instant,
}

/// An empty folder of our own, gone when dropped. Not below the target directory: a socket's path must stay short.
pub(crate) struct Scratch(PathBuf);

/// Builds the release binary and returns its path.
pub(crate) fn build_release(workspace: &Workspace) -> Result<PathBuf> {
    command::run(workspace.cargo("build").args(["--release", "--package", "argentum", "--locked"]))?;
    Ok(workspace.target.join("release/argentum"))
}

// === impl Bundle ===

impl Bundle {
    pub(crate) fn start(binary: &Path, home: &Path) -> Result<Self> {
        Self::start_with(binary, home, &[])
    }

    /// Starts `up` with everything it keeps under `home`; `variables` are added to its environment.
    pub(crate) fn start_with(binary: &Path, home: &Path, variables: &[(&str, &Path)]) -> Result<Self> {
        let log = File::create(home.join("up.log")).context("failed to create the bundle's log")?;
        let mut up = command_of(binary, home, UP);
        up.envs(variables.iter().copied()).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let started = Instant::now();
        let child = up.spawn().with_context(|| format!("failed to start `{}`", binary.display()))?;
        Ok(Self { binary: binary.to_path_buf(), home: home.to_path_buf(), child, started })
    }

    /// Process id of the orchestrator.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Asks `argentum status --json` until it says ready; returns the time since the start.
    pub(crate) fn wait_ready(&mut self, limit: Duration) -> Result<Duration> {
        loop {
            let answer = command_of(&self.binary, &self.home, STATUS).stdin(Stdio::null()).output()?;
            if answer.status.success() && says_ready(&answer.stdout) {
                return Ok(self.started.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the bundle ended with {status} before it was ready\n{}", self.log());
            }
            if limit < self.started.elapsed() {
                bail!("the bundle was not ready within {limit:?}: {}\n{}", String::from_utf8_lossy(&answer.stdout), self.log());
            }
            thread::sleep(PAUSE);
        }
    }

    /// Asks it to end and waits; anything but exit code 0 is an error.
    pub(crate) fn stop(mut self, limit: Duration) -> Result<()> {
        // The standard library has no signal but SIGKILL; every shell has them all.
        command::run(Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.pid().to_string()]))?;
        let status = self.wait_end(limit)?;
        ensure!(status.success(), "the bundle ended with {status} when it was told to stop\n{}", self.log());
        Ok(())
    }

    /// What it said so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.home.join("up.log")).unwrap_or_else(|error| format!("(no log: {error})"))
    }

    fn wait_end(&mut self, limit: Duration) -> Result<ExitStatus> {
        let asked = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(asked.elapsed() < limit, "the bundle did not end within {limit:?}\n{}", self.log());
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Its children end by themselves when it is gone.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

// === impl Scratch ===

impl Scratch {
    pub(crate) fn create(purpose: &str) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("argentum-{purpose}-{}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("failed to create `{}`", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn command_of(binary: &Path, home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command.args(arguments).arg("--data-dir").arg(home.join("data"));
    // The vault's key lies outside the data directory, by default below this one.
    command.env("XDG_CONFIG_HOME", home.join("config"));
    command
}

fn says_ready(json: &[u8]) -> bool {
    let status: Value = serde_json::from_slice(json).unwrap_or_default();
    status["state"] == "ready"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// Stands for the binary: `up` runs until SIGTERM, `status` is ready once `up` has said so.
    const STAND_IN: &str = r#"#!/bin/sh
for last; do :; done
case $1 in
up) mkdir -p "$last"; UP_BODY ;;
status) cat "$last/state" 2>/dev/null ;;
esac
"#;

    fn stand_in(scratch: &Scratch, up: &str) -> PathBuf {
        let path = scratch.path().join("argentum");
        fs::write(&path, STAND_IN.replace("UP_BODY", up)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn a_bundle_that_becomes_ready_and_stops_is_green() {
        let scratch = Scratch::create("unit-ready").unwrap();
        let up = r#"trap 'exit 0' TERM; sleep 0.1; echo '{"state":"ready"}' > "$last/state"; while :; do sleep 0.05; done"#;
        let mut bundle = Bundle::start(&stand_in(&scratch, up), scratch.path()).unwrap();
        bundle.wait_ready(Duration::from_secs(20)).unwrap();
        bundle.stop(Duration::from_secs(20)).unwrap();
    }

    #[test]
    fn a_bundle_that_ends_early_is_red_and_shows_its_log() {
        let scratch = Scratch::create("unit-early").unwrap();
        let mut bundle = Bundle::start(&stand_in(&scratch, "echo 'port taken' >&2; exit 78"), scratch.path()).unwrap();
        let error = bundle.wait_ready(Duration::from_secs(20)).unwrap_err().to_string();
        assert!(error.contains("78") && error.contains("port taken"), "{error}");
    }

    #[test]
    fn a_bundle_that_never_gets_ready_is_red() {
        let scratch = Scratch::create("unit-never").unwrap();
        let up = r#"echo '{"state":"starting"}' > "$last/state"; exec sleep 60"#;
        let mut bundle = Bundle::start(&stand_in(&scratch, up), scratch.path()).unwrap();
        assert!(bundle.wait_ready(Duration::from_millis(300)).is_err());
    }

    #[test]
    fn a_bundle_that_stops_with_a_code_is_red() {
        let scratch = Scratch::create("unit-code").unwrap();
        let up = r#"trap 'exit 5' TERM; echo '{"state":"ready"}' > "$last/state"; while :; do sleep 0.05; done"#;
        let mut bundle = Bundle::start(&stand_in(&scratch, up), scratch.path()).unwrap();
        bundle.wait_ready(Duration::from_secs(20)).unwrap();
        assert!(bundle.stop(Duration::from_secs(20)).unwrap_err().to_string().contains('5'));
    }
}
