//! Argentum's one binary: the bundle, its services, and the operator's verbs.

mod arguments;
mod config;
mod editing;
mod output;
mod paths;
mod prompt;
mod verbs;

use std::process::ExitCode;

use argentum_service::Exit;
use clap::Parser;

use arguments::Arguments;

fn main() -> ExitCode {
    // The program is started through /proc/self/exe, after which it would be called `exe`.
    let _ = rustix::thread::set_name(c"argentum");
    if let Some(service) = ordered_service() {
        return verbs::service::run(&service);
    }
    match Arguments::try_parse() {
        Ok(arguments) => verbs::run(arguments),
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
            // Nothing is left to be done where even this cannot be written.
            let _ = error.print();
            exit.into()
        }
    }
}

/// The service that the orchestrator starts, so that a service does not build the whole command line, which would stay in its
/// memory. Whatever else is written there is for the parser to judge.
fn ordered_service() -> Option<String> {
    let arguments: Vec<String> = std::env::args_os().skip(1).map(|argument| argument.into_string().ok()).collect::<Option<_>>()?;
    let [verb, name] = <[String; 2]>::try_from(arguments).ok()?;
    (verb == "service" && !name.starts_with('-')).then_some(name)
}
