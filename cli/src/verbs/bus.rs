//! `argentum bus`: the bus server alone.

use std::{ffi::OsString, process::ExitCode};

pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let _ = arguments;
    ExitCode::from(69)
}
