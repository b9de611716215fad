//! The steps of the gate, cheapest first.

use anyhow::{Context, Result, ensure};
use std::io::IsTerminal;
use std::process::Command;
use std::time::Duration;

use super::Gate;
use super::tally::Tally;
use crate::bundle::{self, Bundle, Scratch};
use crate::command::{self, Stream};
use crate::{deny, deploy, peers, reference, tidy, works};

/// One step: what it is called, what it does, in words, and how.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) purpose: &'static str,
    pub(super) run: fn(&Gate) -> Result<Report>,
}

/// How a step ended that could be carried out.
pub(super) struct Report {
    pub(super) tally: Tally,
    /// One line.
    pub(super) text: String,
}

/// All steps in their order. Every build selects `--workspace`: another selection would build shared crates again with other features.
pub(super) const STEPS: &[Step] = &[
    Step { name: "fmt", purpose: "cargo fmt --all --check", run: fmt },
    Step { name: "tidy", purpose: "the rules of the house", run: tidy },
    Step { name: "clippy", purpose: "lints, warnings are errors", run: clippy },
    Step { name: "deny", purpose: "licences, bans, sources and advisories of the dependencies", run: deny },
    Step { name: "doc", purpose: "the documentation builds without a warning", run: doc },
    Step { name: "build", purpose: "the binaries and the tests, debug profile", run: build },
    Step { name: "reference", purpose: "docs/reference is what the binary says", run: reference },
    Step { name: "peers", purpose: "real servers and clients for the tests", run: peers },
    Step { name: "deploy", purpose: "units, images, manifests, workflows and alerts, each by a checker of its own", run: deploy },
    Step { name: "nextest", purpose: "unit, service and bundle tests", run: nextest },
    Step { name: "doctest", purpose: "the examples in the documentation", run: doctest },
    Step { name: "smoke", purpose: "the release binary starts, is ready, stops", run: smoke },
];

// === impl Report ===

impl Report {
    /// A step that counts no tests.
    fn green(text: impl Into<String>) -> Self {
        Self { tally: Tally::default(), text: text.into() }
    }

    fn tests(tally: Tally) -> Self {
        Self { tally, text: tally.to_string() }
    }
}

fn fmt(gate: &Gate) -> Result<Report> {
    command::run(gate.workspace.cargo("fmt").args(["--all", "--check"]))?;
    Ok(Report::green("formatted"))
}

fn reference(gate: &Gate) -> Result<Report> {
    let stale = reference::run(gate.workspace, true)?;
    ensure!(stale.is_empty(), "stale: {}; write them with `cargo xtask reference`", stale.join(", "));
    Ok(Report::green("up to date"))
}

fn tidy(gate: &Gate) -> Result<Report> {
    let findings = tidy::run(gate.workspace)?;
    ensure!(findings == 0, "{findings} findings");
    Ok(Report::green("no finding"))
}

fn clippy(gate: &Gate) -> Result<Report> {
    command::run(gate.workspace.cargo("clippy").args(["--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))?;
    Ok(Report::green("no warning"))
}

fn deny(gate: &Gate) -> Result<Report> {
    let outcome = deny::check(gate.workspace)?;
    let skipped = outcome.not_run.len() as u64;
    Ok(Report { tally: Tally { skipped, ..Tally::default() }, text: outcome.text })
}

fn doc(gate: &Gate) -> Result<Report> {
    let mut cargo = gate.workspace.cargo("doc");
    command::run(cargo.args(["--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Report::green("no warning"))
}

/// With `--tests`, so that features which only tests ask of a shared crate do not make the test step build it again.
fn build(gate: &Gate) -> Result<Report> {
    command::run(gate.workspace.cargo("build").args(["--workspace", "--bins", "--tests", "--locked"]))?;
    Ok(Report::green("built"))
}

fn peers(gate: &Gate) -> Result<Report> {
    let outcome = peers::prepare(gate.workspace)?;
    let missing = outcome.missing.len() as u64;
    let tally =
        if peers::required() { Tally { failed: missing, ..Tally::default() } } else { Tally { skipped: missing, ..Tally::default() } };
    Ok(Report { tally, text: outcome.text() })
}

fn deploy(gate: &Gate) -> Result<Report> {
    let outcome = deploy::check(gate.workspace)?;
    let (passed, failed, missing) = (outcome.passed.len() as u64, outcome.failed.len() as u64, outcome.not_run.len() as u64);
    let (failed, skipped) = if peers::required() { (failed + missing, 0) } else { (failed, missing) };
    let tally = Tally { passed, failed, skipped };
    Ok(Report { tally, text: tally.to_string() })
}

fn nextest(gate: &Gate) -> Result<Report> {
    let is_installed = Command::new("cargo-nextest").arg("--version").output().is_ok_and(|output| output.status.success());
    if is_installed { with_nextest(gate) } else { with_harness(gate) }
}

fn with_nextest(gate: &Gate) -> Result<Report> {
    let mut cargo = gate.workspace.cargo("nextest");
    cargo.args(["run", "--workspace", "--locked", "--no-fail-fast"]).envs(test_environment(gate)?);
    if gate.long {
        cargo.args(["--profile", "long", "--run-ignored", "all"]);
    }
    // Its error stream is read here, so it cannot see by itself that a person watches.
    cargo.args(["--color", if std::io::stderr().is_terminal() { "always" } else { "never" }]);
    let (status, output) = command::tee(&mut cargo, Stream::Stderr)?;
    let tally = Tally::of_nextest(&output).with_context(|| format!("cargo-nextest counted nothing and ended with {status}"))?;
    ensure!(status.success() || 0 < tally.failed, "cargo-nextest ended with {status}: {tally}");
    let unproven = works::unproven(gate.workspace, &output)?;
    ensure!(unproven.is_empty(), "README promises what no test showed ({tally}): {}", unproven.join(", "));
    Ok(Report::tests(tally))
}

/// A newcomer has only Rust: the same tests under the built-in harness, doctests left to their own step.
fn with_harness(gate: &Gate) -> Result<Report> {
    println!("cargo-nextest is not installed: running the tests with `cargo test`");
    let mut cargo = gate.workspace.cargo("test");
    cargo.args(["--workspace", "--lib", "--bins", "--tests", "--locked", "--no-fail-fast"]).envs(test_environment(gate)?);
    if gate.long {
        cargo.args(["--", "--include-ignored"]);
    }
    counted_by_harness(&mut cargo)
}

fn doctest(gate: &Gate) -> Result<Report> {
    counted_by_harness(gate.workspace.cargo("test").args(["--doc", "--workspace", "--locked", "--no-fail-fast"]))
}

fn counted_by_harness(cargo: &mut Command) -> Result<Report> {
    let (status, output) = command::tee(cargo, Stream::Stdout)?;
    let tally = Tally::of_harness(&output).with_context(|| format!("the tests counted nothing and ended with {status}"))?;
    ensure!(status.success() || 0 < tally.failed, "the tests ended with {status}: {tally}");
    Ok(Report::tests(tally))
}

/// Where the peers are, and whether the tests may take their time.
fn test_environment(gate: &Gate) -> Result<Vec<(String, String)>> {
    let mut environment = peers::environment(gate.workspace)?;
    if gate.long {
        environment.push(("ARGENTUM_TEST_LONG".into(), "1".into()));
        environment.push(("ARGENTUM_STORE_KILL_ROUNDS".into(), "200".into()));
    }
    Ok(environment)
}

fn smoke(gate: &Gate) -> Result<Report> {
    let binary = bundle::build_release(gate.workspace)?;
    let scratch = Scratch::create("smoke")?;
    let mut bundle = Bundle::start(&binary, scratch.path())?;
    let ready = bundle.wait_ready(Duration::from_secs(60))?;
    bundle.stop(Duration::from_secs(60))?;
    Ok(Report {
        tally: Tally { passed: 1, ..Tally::default() },
        text: format!("ready after {} ms, stopped with exit code 0", ready.as_millis()),
    })
}
