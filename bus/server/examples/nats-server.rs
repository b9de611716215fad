//! The server as a program: what `argentum bus` runs, under the name that the official clients' test suites look for.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    argentum_bus_server::run(std::env::args_os().skip(1)).await
}
