//! `argentum bus`: the bus server alone.

use std::{ffi::OsString, process::ExitCode};

use argentum_service::{Exit, Failure, runtime};

use crate::output;

pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    match runtime() {
        Ok(runtime) => runtime.block_on(argentum_bus_server::run(arguments)),
        Err(error) => output::end(Err(Failure::of(Exit::Io, &error)), false),
    }
}
