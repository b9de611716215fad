//! A bundle of its own for one test: the real binary on an empty data directory, on free ports.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything that works takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(10);

/// A running bundle. Dropping it kills `up`, and with it every child.
pub(crate) struct Bundle {
    /// Removed with the bundle, unless somebody else owns it.
    folder: Option<TempDir>,
    path: PathBuf,
    up: Child,
}

/// The folder of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The binary under test.
pub(crate) fn argentum() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_argentum"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// `argentum up` on `path/data`, its bus on a free port; the vault's key lies beside the data.
pub(crate) fn up_command(path: &Path) -> Command {
    let mut command = argentum();
    command.args(["up", "--bus-listen", "127.0.0.1:0", "--data-dir"]).arg(path.join("data"));
    command.env("XDG_CONFIG_HOME", path.join("config"));
    command
}

/// What a peer's variable names; `None` where this machine has none, which is said.
pub(crate) fn peer(name: &str) -> Option<std::ffi::OsString> {
    let variable = format!("ARGENTUM_PEER_{name}");
    let found = std::env::var_os(&variable);
    if found.is_none() {
        let is_required = std::env::var("ARGENTUM_PEERS").is_ok_and(|value| value == "required");
        assert!(!is_required, "peers are required: {variable} is not set");
        eprintln!("NOT RUN: {} ({variable} is not set)", name.to_lowercase());
    }
    found
}

/// Waits until `condition` gives something.
pub(crate) fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        thread::sleep(POLL);
    }
}

/// Whether a process still runs; one that is dead and not yet reaped does not.
pub(crate) fn is_running(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
}

pub(crate) fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

// === impl Bundle ===

impl Bundle {
    /// Starts one and waits until it is ready.
    pub(crate) fn start() -> Self {
        Self::start_in(TempDir::new().unwrap())
    }

    /// Starts one on what another left, and waits until it is ready.
    pub(crate) fn start_in(folder: TempDir) -> Self {
        let bundle = Self::begin_in(folder);
        bundle.until_state("ready");
        bundle
    }

    /// Starts one and does not wait.
    pub(crate) fn begin_in(folder: TempDir) -> Self {
        let path = folder.path().to_owned();
        let mut bundle = Self::begin_on(&path);
        bundle.folder = Some(folder);
        bundle
    }

    /// Starts one in a folder of somebody else's and does not wait.
    pub(crate) fn begin_on(path: &Path) -> Self {
        Self::begin_by(path, |up| up.args(["--listen", "127.0.0.1:0"]))
    }

    /// As [`Self::begin_on`], with an address of page and API, and whatever else, by `change`.
    pub(crate) fn begin_by(path: &Path, change: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let log = File::options().create(true).append(true).open(path.join("up.log")).unwrap();
        let mut up = up_command(path);
        let up = change(&mut up).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Self { folder: None, path: path.to_owned(), up }
    }

    /// Takes charge of an `up` that somebody else started with `path/data`.
    pub(crate) fn adopt(path: &Path, up: Child) -> Self {
        Self { folder: None, path: path.to_owned(), up }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.path.join("data")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.up.id()
    }

    /// What everything wrote to standard output and error.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path.join("up.log")).unwrap_or_default()
    }

    /// Runs a verb against this bundle.
    pub(crate) fn verb(&self, arguments: &[&str]) -> Output {
        run(&self.data_dir(), arguments)
    }

    /// Runs a verb with `input` on its standard input.
    pub(crate) fn verb_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = argentum();
        command.args(arguments).arg("--data-dir").arg(self.data_dir());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{input}").unwrap();
        child.wait_with_output().unwrap()
    }

    /// `argentum status --json`; `None` while nobody answers.
    pub(crate) fn status(&self) -> Option<Value> {
        let output = self.verb(&["status", "--json"]);
        output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
    }

    pub(crate) fn until_state(&self, state: &str) -> Value {
        until(&format!("state `{state}`"), || self.status().filter(|status| status["state"] == state))
    }

    /// The entry of one service in the status.
    pub(crate) fn service(&self, name: &str) -> Value {
        let status = self.status().unwrap();
        status["services"].as_array().unwrap().iter().find(|service| service["name"] == name).unwrap().clone()
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        pids_in(&self.status().unwrap())
    }

    /// `host:port` of page and API.
    pub(crate) fn http(&self) -> String {
        self.status().unwrap()["http"].as_str().unwrap().trim_start_matches("http://").to_owned()
    }

    /// Waits for the end of `up`; what it left stays, in its own folder or in somebody else's.
    pub(crate) fn wait(mut self) -> (ExitStatus, TempDir) {
        let status = until("end of `up`", || self.up.try_wait().unwrap());
        (status, self.folder.take().unwrap_or_else(|| TempDir::new().unwrap()))
    }

    /// Kills `up` as the kernel does when memory runs out, and waits until every child is gone, too.
    pub(crate) fn kill(self) -> TempDir {
        self.end(|_| {})
    }

    /// Kills `up` and every child at the same moment.
    pub(crate) fn kill_everything(self) -> TempDir {
        self.end(|children| {
            for child in children.iter().filter_map(|pid| Pid::from_raw(i32::try_from(*pid).unwrap())) {
                // One that has ended already is gone, too.
                let _ = kill_process(child, Signal::KILL);
            }
        })
    }

    fn end(mut self, kill_children: impl FnOnce(&[u32])) -> TempDir {
        let children = until("the children", || self.status().map(|status| pids_in(&status)));
        kill_children(&children);
        self.up.kill().unwrap();
        self.up.wait().unwrap();
        until("end of the children", || (!children.iter().any(|pid| is_running(*pid))).then_some(()));
        self.folder.take().unwrap()
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        // Both fail where it has ended already.
        let _ = self.up.kill();
        let _ = self.up.wait();
        if thread::panicking() {
            eprintln!("--- log of the bundle ---\n{}", self.log());
        }
    }
}

fn pids_in(status: &Value) -> Vec<u32> {
    status["services"].as_array().unwrap().iter().map(pid_of).collect()
}

pub(crate) fn pid_of(service: &Value) -> u32 {
    service["pid"].as_u64().unwrap().try_into().unwrap()
}

/// Runs a verb on a data directory.
pub(crate) fn run(data_dir: &Path, arguments: &[&str]) -> Output {
    argentum().args(arguments).arg("--data-dir").arg(data_dir).output().unwrap()
}
