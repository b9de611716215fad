//! `cargo xtask tidy`: the rules of the house that no compiler checks, over the tracked files.
//!
//! Each rule is a pure function from the [`Tree`] to what it found, and has a test that shows it red.

mod boundary;
mod dependencies;
mod leaks;
mod lexer;
mod manifest;
mod secrets;
mod size;
mod text;
mod threats;
mod tree;

use anyhow::{Context, Result, ensure};
use std::fmt;
use std::process::Command;

use crate::command;
use crate::workspace::Workspace;
use tree::Tree;

/// A place that breaks a rule.
#[derive(Debug)]
struct Finding {
    path: String,
    /// 0 where the whole file is meant.
    line: usize,
    text: String,
}

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[Rule] = &[
    size::files_stay_below_the_ceiling,
    size::lib_is_a_table_of_contents,
    size::functions_stay_short,
    size::files_open_with_their_purpose,
    boundary::subjects_have_one_home,
    boundary::processes_have_one_parent,
    boundary::pure_modules_stay_pure,
    boundary::pure_patterns_are_alive,
    leaks::no_key_is_tracked,
    leaks::everything_is_text,
    secrets::secret_types_have_no_debug,
    secrets::exceptions_are_needed,
    manifest::services_stand_alone,
    manifest::crates_stay_where_they_belong,
    manifest::members_are_complete,
    manifest::services_have_a_readme,
    dependencies::every_crate_was_judged,
    text::nothing_is_unfinished,
    text::no_machine_is_named,
    text::no_registry_is_named,
    text::links_resolve,
    threats::threats_name_their_tests,
];

// === impl Finding ===

impl Finding {
    fn at(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.into(), line, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(formatter, "{}: {}", self.path, self.text),
            line => write!(formatter, "{}:{line}: {}", self.path, self.text),
        }
    }
}

/// Prints what breaks a rule and returns how many places do.
pub(crate) fn run(workspace: &Workspace) -> Result<usize> {
    let tree = Tree::read(workspace)?;
    for note in size::long_files(&tree) {
        println!("note: {note}");
    }
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    findings.extend(leaks::in_history(&history(workspace)?));
    for finding in &findings {
        println!("{finding}");
    }
    println!("{} files, {} rules, {} findings", tree.files.len(), RULES.len(), findings.len());
    Ok(findings.len())
}

/// Every commit that led here, with its message and what it added. A clone that was cut short shows only the newest.
fn history(workspace: &Workspace) -> Result<String> {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(arguments).current_dir(&workspace.root);
        git
    };
    let is_cut = command::capture(&mut git(&["rev-parse", "--is-shallow-repository"]))?.trim() == "true";
    if is_cut {
        println!("note: this clone holds a part of the history; only that part is looked through");
    }
    let arguments = ["log", "-p", "-m", "-U0", "--no-color", "--no-ext-diff", "--no-textconv", "--format=commit %H%n%B", "HEAD"];
    let output = git(&arguments).output().context("failed to start git")?;
    ensure!(output.status.success(), "git tells no history: {}", String::from_utf8_lossy(&output.stderr));
    // What is no text in an encoding of its own is still looked through.
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
