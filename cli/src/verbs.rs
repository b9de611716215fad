//! The verbs, one file each.

mod bus;
mod channel;
mod config;
mod control;
mod key;
mod login;
mod logs;
mod memory;
mod model;
mod pair;
mod permissions;
mod provider;
mod reload;
mod restart;
mod secret;
pub(crate) mod service;
mod status;
mod stop;
mod up;
mod vault;
mod version;

use std::process::ExitCode;

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
        Verb::Provider { verb } => ask(provider::run(&global, verb)),
        Verb::Model { verb } => ask(model::run(&global, verb)),
        Verb::Secret { verb } => ask(secret::run(&global, verb)),
        Verb::Channel { verb } => ask(channel::run(&global, verb)),
        Verb::Memory { verb } => ask(memory::run(&global, verb)),
        Verb::Pair { verb } => ask(pair::run(&global, verb)),
        Verb::Key { verb } => ask(key::run(&global, verb)),
        Verb::Vault { verb } => vault::run(&global, verb),
        Verb::Reload => ask(reload::run(&global)),
        Verb::Config { verb } => config::run(&global, verb),
        Verb::Bus { arguments } if arguments.first().is_some_and(|first| first == "permissions") => {
            permissions::run(&global, &arguments[1..])
        }
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
