//! Exit codes, the same on every verb. They follow BSD's `sysexits.h` where it has one.

use std::{error::Error, fmt::Write as _, process::ExitCode};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// 0: done.
    Success,
    /// 64 (`EX_USAGE`): the command line is wrong.
    Usage,
    /// 69 (`EX_UNAVAILABLE`): what was asked for does not run or does not answer.
    Unavailable,
    /// 70 (`EX_SOFTWARE`): a defect of ours; the log says more.
    Software,
    /// 73 (`EX_CANTCREAT`): a file or folder cannot be made or written.
    CannotCreate,
    /// 74 (`EX_IOERR`): reading or writing failed.
    Io,
    /// 75 (`EX_TEMPFAIL`): already running, or busy; the same command may succeed later.
    TryAgain,
    /// 77 (`EX_NOPERM`): not allowed.
    NotAllowed,
    /// 78 (`EX_CONFIG`): the configuration is wrong, or something that it names is missing.
    Config,
}

/// An end with an exit code and one text that names the place and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    pub exit: Exit,
    pub text: String,
}

/// `error` and its causes, in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {source}");
        cause = source.source();
    }
    text
}

// === impl Exit ===

impl Exit {
    /// Every code, for the reference.
    pub const ALL: [Exit; 9] = [
        Exit::Success,
        Exit::Usage,
        Exit::Unavailable,
        Exit::Software,
        Exit::CannotCreate,
        Exit::Io,
        Exit::TryAgain,
        Exit::NotAllowed,
        Exit::Config,
    ];

    pub fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Usage => 64,
            Exit::Unavailable => 69,
            Exit::Software => 70,
            Exit::CannotCreate => 73,
            Exit::Io => 74,
            Exit::TryAgain => 75,
            Exit::NotAllowed => 77,
            Exit::Config => 78,
        }
    }

    /// The exit that a process's `code` stands for, if it is one of ours.
    pub fn known(code: i32) -> Option<Self> {
        Exit::ALL.into_iter().find(|exit| i32::from(exit.code()) == code)
    }

    /// The exit that `code` stands for; any other code is a defect.
    pub fn from_code(code: u32) -> Self {
        Exit::ALL.into_iter().find(|exit| u32::from(exit.code()) == code).unwrap_or(Exit::Software)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

// === impl Failure ===

impl Failure {
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into() }
    }

    /// A failure told by `error` and its causes.
    pub fn of(exit: Exit, error: &dyn Error) -> Self {
        Self::new(exit, chain(error))
    }
}
