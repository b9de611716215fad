//! The verbs, one file each.

mod bus;
mod config;
mod login;
mod logs;
mod permissions;
mod restart;
mod service;
mod status;
mod stop;
mod up;
mod version;

use std::process::ExitCode;

use argentum_orchestrator::ControlError;
use argentum_service::{Exit, Failure};

use crate::{
    arguments::{Arguments, Verb},
    output,
};

/// Runs what the command line asks for.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let Arguments { global, verb } = arguments;
    let result = match verb {
        Verb::Up(up) => up::run(&global, &up),
        Verb::Stop => ask(stop::run(&global)),
        Verb::Status(status) => ask(status::run(&global, &status)),
        Verb::Login => ask(login::run(&global)),
        Verb::Restart { service } => ask(restart::run(&global, service)),
        Verb::Logs(logs) => ask(logs::run(&global, logs)),
        Verb::Version => {
            version::run(&global);
            Ok(())
        }
        Verb::Config { verb } => config::run(&global, verb),
        Verb::Bus { arguments } if arguments.first().is_some_and(|first| first == "permissions") => permissions::run(&arguments[1..]),
        Verb::Bus { arguments } => return bus::run(arguments),
        Verb::Service { name } => return service::run(&name),
    };
    output::end(result, global.json)
}

/// Runs a verb that only speaks to a running bundle.
fn ask(verb: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::of(Exit::Io, &error))?.block_on(verb)
}

/// The exit of a verb that got no answer, or a refusal.
fn refused(error: &ControlError) -> Failure {
    let exit = match error {
        ControlError::NotRunning { .. } | ControlError::HungUp => Exit::Unavailable,
        ControlError::NotAllowed { .. } => Exit::NotAllowed,
        ControlError::Refused(fault) => match fault.code {
            argentum_bus::ErrorCode::NotFound | argentum_bus::ErrorCode::InvalidArgument => Exit::Usage,
            argentum_bus::ErrorCode::Forbidden | argentum_bus::ErrorCode::Unauthenticated => Exit::NotAllowed,
            argentum_bus::ErrorCode::Internal => Exit::Software,
            _ => Exit::Unavailable,
        },
    };
    Failure::of(exit, error)
}
