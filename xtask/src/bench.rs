//! `cargo xtask bench NAME`: measurements, printed as JSON lines; that of the bus prints a table.

mod memory;
mod path;
mod start;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use crate::command::{self, Stream};
use crate::peers;
use crate::workspace::Workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// What to measure; without it the table is printed.
    name: Option<String>,
    /// Passed on to a crate's own benchmark.
    #[arg(last = true)]
    arguments: Vec<String>,
}

struct Bench {
    name: &'static str,
    purpose: &'static str,
    run: Run,
}

enum Run {
    /// A benchmark of a crate that prints JSON lines itself (`harness = false`).
    Crate { package: &'static str, bench: &'static str },
    /// An example that measures and prints a table; `beside` is the example it starts.
    Example { package: &'static str, example: &'static str, beside: &'static str },
    /// One that watches the release binary from outside.
    Bundle(fn(&Workspace) -> Result<()>),
}

const BENCHES: &[Bench] = &[
    Bench {
        name: "journal",
        purpose: "synced appends per second of the turn journal",
        run: Run::Crate { package: "argentum-provider-router", bench: "journal" },
    },
    Bench {
        name: "bus",
        purpose: "messages per second over the embedded bus, beside a real server",
        run: Run::Example { package: "argentum-bus-server", example: "bench", beside: "nats-server" },
    },
    Bench { name: "start", purpose: "from the start of the release binary to ready, median of 20", run: Run::Bundle(start::measure) },
    Bench { name: "memory", purpose: "RSS and PSS of each process of the idle bundle", run: Run::Bundle(memory::measure) },
    Bench {
        name: "path",
        purpose: "a message's whole way, with a model that answers at once: first word, turns per second, memory afterwards",
        run: Run::Bundle(path::measure),
    },
];

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let Some(name) = &options.name else {
        for bench in BENCHES {
            println!("{:<10} {}", bench.name, bench.purpose);
        }
        return Ok(());
    };
    let bench = BENCHES.iter().find(|bench| bench.name == *name).with_context(|| format!("there is no benchmark `{name}`"))?;
    match bench.run {
        Run::Crate { package, bench } => run_crate(workspace, package, bench, &options.arguments),
        Run::Example { package, example, beside } => run_example(workspace, package, [beside, example], &options.arguments),
        Run::Bundle(measure) => measure(workspace),
    }
}

fn run_crate(workspace: &Workspace, package: &str, bench: &str, arguments: &[String]) -> Result<()> {
    let mut cargo = workspace.cargo("bench");
    cargo.args(["--quiet", "--locked", "--package", package, "--bench", bench, "--"]).args(arguments);
    let (status, output) = command::tee(&mut cargo, Stream::Stdout)?;
    ensure!(status.success(), "the benchmark ended with {status}");
    ensure!(0 < json_lines(&output), "the benchmark printed no JSON line");
    Ok(())
}

fn run_example(workspace: &Workspace, package: &str, [beside, example]: [&str; 2], arguments: &[String]) -> Result<()> {
    let selection = ["--quiet", "--release", "--locked", "--package", package];
    command::run(workspace.cargo("build").args(selection).args(["--example", beside]))?;
    let mut cargo = workspace.cargo("run");
    cargo.args(selection).args(["--example", example, "--"]).args(arguments).envs(peers::environment(workspace)?);
    command::run(&mut cargo)
}

fn json_lines(output: &str) -> usize {
    output.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok_and(|value| value.is_object())).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_objects_count_as_results() {
        assert_eq!(json_lines("running\n{\"bench\":\"journal\"}\n17\n{broken\n"), 1);
    }
}
