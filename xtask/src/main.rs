//! Argentum's development tasks, run as `cargo xtask TASK`.
//!
//! It depends on no crate of the workspace: it reads the sources and runs what cargo built, as a user would.

mod bench;
mod bundle;
mod command;
mod deny;
mod deploy;
mod peers;
mod reference;
mod test;
mod tidy;
mod works;
mod workspace;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Argentum's development tasks")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every check of the project, as CI does.
    Test(test::Options),
    /// Check the rules of the house over the tracked files.
    Tidy,
    /// Get the real servers and clients for tests and print where they are.
    Peers,
    /// Write `docs/reference` anew from what the built binary says of itself.
    Reference {
        /// Change nothing; fail where a page is not what it should be.
        #[arg(long)]
        check: bool,
    },
    /// Measure, and print JSON lines.
    Bench(bench::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether the task found everything in order.
fn run(task: Task) -> Result<bool> {
    let workspace = Workspace::locate()?;
    match task {
        Task::Test(options) => test::run(&workspace, &options),
        Task::Tidy => tidy::run(&workspace).map(|findings| findings == 0),
        Task::Peers => peers::show(&workspace),
        Task::Reference { check } => {
            command::run(workspace.cargo("build").args(["--workspace", "--locked"]))?;
            let stale = reference::run(&workspace, check)?;
            stale.iter().for_each(|page| println!("docs/reference/{page}"));
            Ok(!check || stale.is_empty())
        }
        Task::Bench(options) => bench::run(&workspace, &options).map(|()| true),
    }
}
