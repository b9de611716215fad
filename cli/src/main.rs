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
