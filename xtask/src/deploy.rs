//! What is deployed and how it is built and watched: units, images, manifests, workflows, rules, each held against a checker that nobody here wrote.
//!
//! A checker that this machine does not have is NOT RUN, and red where peers are required.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command;
use crate::peers;
use crate::workspace::Workspace;

/// One checker: the peer it is, the files it looks at, and how it does.
struct Check {
    /// Variable of the peer, without its prefix.
    peer: &'static str,
    selects: fn(&str) -> bool,
    check: fn(&Checker, &[String]) -> Result<()>,
}

/// A checker at hand.
struct Checker<'a> {
    workspace: &'a Workspace,
    program: &'a str,
}

/// What became of the checks.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) passed: Vec<&'static str>,
    pub(crate) failed: Vec<&'static str>,
    pub(crate) not_run: Vec<&'static str>,
}

/// Highest exposure that `systemd-analyze security` may compute, in tenths.
const EXPOSURE_MAX: &str = "20";
const KUBERNETES: &str = "1.37.0";
const YAML_RULES: &str = "{extends: default, rules: {line-length: {max: 160}, document-start: disable, truthy: {check-keys: false}, comments-indentation: disable}}";

const CHECKS: &[Check] = &[
    Check { peer: "SYSTEMD_ANALYZE", selects: |path| path.ends_with(".service"), check: units },
    Check { peer: "HADOLINT", selects: |path| path.ends_with("Dockerfile"), check: images },
    Check { peer: "KUBERNETES_VALIDATE", selects: |path| path.starts_with("k8s/") && path.ends_with(".yaml"), check: manifests },
    Check { peer: "YAMLLINT", selects: |path| path.ends_with(".yaml") || path.ends_with(".yml"), check: yaml },
    Check { peer: "OPENAPI_SPEC_VALIDATOR", selects: |path| path.ends_with("/openapi.yaml"), check: interface },
    Check { peer: "SHELLCHECK", selects: |path| path.ends_with(".sh") || path == ".ci/run", check: shell },
    Check { peer: "ACTIONLINT", selects: is_workflow, check: workflow_syntax },
    Check { peer: "ZIZMOR", selects: is_workflow, check: workflow_security },
    Check { peer: "PROMTOOL", selects: |path| path.starts_with("deploy/prometheus/") && path.ends_with(".yml"), check: watching },
];

/// Runs every check whose checker is at hand; says what it finds and goes on.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let environment = peers::environment(workspace)?;
    let files = workspace.files()?;
    let mut outcome = Outcome::default();
    for check in CHECKS {
        let variable = format!("ARGENTUM_PEER_{}", check.peer);
        let Some((_, program)) = environment.iter().find(|(name, _)| *name == variable) else {
            println!("NOT RUN: {} ({variable} is not set)", check.peer.to_lowercase());
            outcome.not_run.push(check.peer);
            continue;
        };
        match check.run(&Checker { workspace, program }, &files) {
            Ok(()) => outcome.passed.push(check.peer),
            Err(error) => {
                println!("{}: {error:#}", check.peer.to_lowercase());
                outcome.failed.push(check.peer);
            }
        }
    }
    Ok(outcome)
}

fn is_workflow(path: &str) -> bool {
    path.starts_with(".github/workflows/")
}

// === impl Check ===

impl Check {
    fn run(&self, checker: &Checker, files: &[String]) -> Result<()> {
        let selected: Vec<String> = files.iter().filter(|path| (self.selects)(path)).cloned().collect();
        ensure!(!selected.is_empty(), "there is nothing to check: did its files move?");
        (self.check)(checker, &selected)
    }
}

// === impl Checker ===

impl Checker<'_> {
    /// The checker on `files`, from the root; what it prints is part of the error.
    fn run(&self, arguments: &[&str], files: &[String]) -> Result<String> {
        command::capture(Command::new(self.program).args(arguments).args(files).current_dir(&self.workspace.root))
    }
}

/// systemd-analyze ends with 0 even for an unknown key, so nothing may be said at all. The program of the unit need not be installed here.
fn units(checker: &Checker, files: &[String]) -> Result<()> {
    let folder = checker.workspace.target.join("deploy");
    fs::create_dir_all(&folder)?;
    for file in files {
        checker.run(&["security", "--offline=true", "--no-pager", &format!("--threshold={EXPOSURE_MAX}")], std::slice::from_ref(file))?;
        let name = Path::new(file).file_name().context("a unit has a name")?;
        let copy = folder.join(name);
        let unit = fs::read_to_string(checker.workspace.path(file))?.replace("/usr/local/bin/argentum", "/bin/true");
        fs::write(&copy, unit)?;
        let output = Command::new(checker.program).arg("verify").arg(&copy).output().context("failed to start systemd-analyze")?;
        let said = [output.stdout, output.stderr].concat();
        ensure!(output.status.success() && said.is_empty(), "{file}: {}", String::from_utf8_lossy(&said));
    }
    Ok(())
}

fn images(checker: &Checker, files: &[String]) -> Result<()> {
    checker.run(&[], files).map(drop)
}

/// A kustomization is none of Kubernetes' own kinds: its schema is kustomize's.
fn manifests(checker: &Checker, files: &[String]) -> Result<()> {
    let files: Vec<String> = files.iter().filter(|path| !path.ends_with("kustomization.yaml")).cloned().collect();
    checker.run(&["-k", KUBERNETES, "--strict"], &files).map(drop)
}

fn yaml(checker: &Checker, files: &[String]) -> Result<()> {
    checker.run(&["--strict", "--format", "parsable", "-d", YAML_RULES], files).map(drop)
}

fn interface(checker: &Checker, files: &[String]) -> Result<()> {
    checker.run(&[], files).map(drop)
}

fn shell(checker: &Checker, files: &[String]) -> Result<()> {
    checker.run(&[], files).map(drop)
}

/// The peer is a folder with a module; Node.js, which runs it, is a peer by itself.
fn workflow_syntax(checker: &Checker, files: &[String]) -> Result<()> {
    let mut node = Command::new("node");
    node.args(["tests/peers/actionlint.mjs", checker.program]).args(files).current_dir(&checker.workspace.root);
    command::capture(&mut node).map(drop)
}

fn workflow_security(checker: &Checker, files: &[String]) -> Result<()> {
    checker.run(&["--offline", "--persona", "auditor", "--min-severity", "low"], files).map(drop)
}

/// Configuration, rules, and what the rules make of given samples. An alert that no test sees firing may never fire.
fn watching(checker: &Checker, files: &[String]) -> Result<()> {
    let within = |folder: &str| -> Vec<String> { files.iter().filter(|path| path.contains(folder)).cloned().collect() };
    let (rules, tests) = (within("/rules/"), within("/tests/"));
    let configs: Vec<String> = files.iter().filter(|path| !rules.contains(path) && !tests.contains(path)).cloned().collect();
    ensure!(!configs.is_empty() && !rules.is_empty() && !tests.is_empty(), "a configuration, rules or their tests are missing");
    checker.run(&["check", "config"], &configs)?;
    checker.run(&["check", "rules", "--lint=all", "--lint-fatal"], &rules)?;
    checker.run(&["test", "rules"], &tests)?;
    let text = |files: &[String]| files.iter().map(|file| fs::read_to_string(checker.workspace.path(file))).collect::<Result<String, _>>();
    let (rules, tests) = (text(&rules)?, text(&tests)?);
    let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let unseen: Vec<&str> = alerts.filter(|name| !is_seen_firing(name, &tests)).collect();
    ensure!(unseen.is_empty(), "no test sees these alerts firing: {}", unseen.join(", "));
    Ok(())
}

/// In a test of its own block: the short form of our tests expects silence.
fn is_seen_firing(alert: &str, tests: &str) -> bool {
    tests.lines().any(|line| line.trim().strip_prefix("alertname: ") == Some(alert))
}

#[cfg(test)]
#[path = "deploy_tests.rs"]
mod tests;
