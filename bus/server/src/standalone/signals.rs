//! Signals: which ones are trapped, and sending them to another process.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{self, SignalKind};

/// What `--signal` can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    LameDuck,
    /// At once and without a farewell: SIGKILL, as in nats-server.
    Stop,
    Quit,
    Terminate,
    Reopen,
    Reload,
}

/// Whom `--signal` goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Process {
    Id(i32),
    File(PathBuf),
}

/// A signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trapped {
    Interrupt,
    Terminate,
    User1,
    User2,
    Hangup,
}

/// The signals of this process.
pub(super) struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    user1: unix::Signal,
    user2: unix::Signal,
    hangup: unix::Signal,
}

// === impl Command ===

impl Command {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "ldm" => Some(Self::LameDuck),
            "stop" => Some(Self::Stop),
            "quit" => Some(Self::Quit),
            "term" => Some(Self::Terminate),
            "reopen" => Some(Self::Reopen),
            "reload" => Some(Self::Reload),
            _ => None,
        }
    }

    fn signal(self) -> Signal {
        match self {
            Self::LameDuck => Signal::USR2,
            Self::Stop => Signal::KILL,
            Self::Quit => Signal::INT,
            Self::Terminate => Signal::TERM,
            Self::Reopen => Signal::USR1,
            Self::Reload => Signal::HUP,
        }
    }
}

// === impl Process ===

impl Process {
    /// A process must be named: "the only one running" is a guess that hits the wrong server sooner or later.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.parse() {
            Ok(id) => (0 < id).then_some(Self::Id(id)),
            Err(_) => (!text.is_empty()).then(|| Self::File(text.into())),
        }
    }

    fn id(&self) -> Result<i32, String> {
        match self {
            Self::Id(id) => Ok(*id),
            Self::File(path) => {
                let text =
                    std::fs::read_to_string(path).map_err(|error| format!("failed to read the pid file `{}`: {error}", path.display()))?;
                text.trim().parse().ok().filter(|id| 0 < *id).ok_or_else(|| format!("`{}` holds no process id", path.display()))
            }
        }
    }
}

/// Sends a command to another server.
pub(super) fn send(command: Command, process: &Process) -> Result<(), String> {
    let id = process.id()?;
    let pid = Pid::from_raw(id).ok_or_else(|| format!("{id} is no process id"))?;
    kill_process(pid, command.signal()).map_err(|error| format!("failed to signal process {id}: {error}"))
}

// === impl Signals ===

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
            user1: unix::signal(SignalKind::user_defined1())?,
            user2: unix::signal(SignalKind::user_defined2())?,
            hangup: unix::signal(SignalKind::hangup())?,
        })
    }

    pub(super) async fn next(&mut self) -> Trapped {
        tokio::select! {
            _ = self.interrupt.recv() => Trapped::Interrupt,
            _ = self.terminate.recv() => Trapped::Terminate,
            _ = self.user1.recv() => Trapped::User1,
            _ = self.user2.recv() => Trapped::User2,
            _ = self.hangup.recv() => Trapped::Hangup,
        }
    }
}

// === impl Trapped ===

impl Display for Trapped {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Interrupt => "interrupt",
            Self::Terminate => "terminated",
            Self::User1 => "user defined signal 1",
            Self::User2 => "user defined signal 2",
            Self::Hangup => "hangup",
        })
    }
}
