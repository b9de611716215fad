//! `cargo xtask test`: every check of the project in order, with one plain count at the very end.

mod steps;
mod tally;

use anyhow::{Context, Result};
use clap::Args;
use std::time::Instant;

use crate::workspace::Workspace;
use steps::{Report, STEPS, Step};
use tally::Tally;

#[derive(Args)]
pub(crate) struct Options {
    /// Also run the soaks and the thousands of rounds (tests marked as ignored).
    #[arg(long)]
    long: bool,
    /// Run these steps only.
    #[arg(long, value_delimiter = ',', value_name = "STEP")]
    only: Vec<String>,
    /// Print the steps and stop.
    #[arg(long)]
    list: bool,
    /// Go on after a red step; the end is still red.
    #[arg(long)]
    keep_going: bool,
}

/// What the steps need to know.
pub(crate) struct Gate<'a> {
    workspace: &'a Workspace,
    long: bool,
}

/// Returns whether every step was green.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    if options.list {
        for step in STEPS {
            println!("{:<10} {}", step.name, step.purpose);
        }
        return Ok(true);
    }
    let steps = select(&options.only)?;
    let gate = Gate { workspace, long: options.long };
    let mut total = Tally::default();
    let mut results = Vec::new();
    for step in steps {
        let (tally, line) = carry_out(step, &gate);
        total += tally;
        results.push(line);
        if 0 < tally.failed && !options.keep_going {
            break;
        }
    }
    println!("\n== results\n{}\n{total}", results.join("\n"));
    Ok(total.failed == 0)
}

fn select(names: &[String]) -> Result<Vec<&'static Step>> {
    for name in names {
        STEPS.iter().find(|step| step.name == *name).with_context(|| format!("there is no step `{name}`, see --list"))?;
    }
    Ok(STEPS.iter().filter(|step| names.is_empty() || names.iter().any(|name| name == step.name)).collect())
}

fn carry_out(step: &Step, gate: &Gate) -> (Tally, String) {
    println!("\n== {}: {}", step.name, step.purpose);
    let started = Instant::now();
    let (tally, text) = match (step.run)(gate) {
        Ok(Report { tally, text }) => (tally, text),
        Err(error) => {
            let text = format!("{error:#}");
            // All of it here, its first line among the results.
            println!("{text}");
            (Tally { failed: 1, ..Tally::default() }, text.lines().next().unwrap_or_default().to_string())
        }
    };
    let verdict = if tally.failed == 0 { "ok" } else { "RED" };
    let line = format!("{:<10} {verdict:<4} {:>6.1} s  {text}", step.name, started.elapsed().as_secs_f64());
    println!("{line}");
    (tally, line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_step_is_refused() {
        assert!(select(&["fmt".into(), "no-such-step".into()]).is_err());
    }

    #[test]
    fn chosen_steps_keep_the_order_of_the_table() {
        let names: Vec<_> = select(&["doctest".into(), "fmt".into()]).unwrap().iter().map(|step| step.name).collect();
        assert_eq!(names, ["fmt", "doctest"]);
    }

    #[test]
    fn peers_are_prepared_before_the_tests_that_use_them() {
        let place = |name| STEPS.iter().position(|step| step.name == name).unwrap();
        assert!(place("peers") < place("nextest") && place("build") < place("nextest"));
    }
}
