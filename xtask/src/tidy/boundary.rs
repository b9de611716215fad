//! Rules about who may do what: subjects, processes, effects.

use super::Finding;
use super::tree::{File, Tree, lines_with, matches, words};

/// Modules that decide without clock, socket or actor.
const PURE: &[&str] = &[
    "bus/client/src/permissions.rs",
    "bus/client/src/subjects.rs",
    "bus/server/src/conf/**",
    "bus/server/src/index.rs",
    "bus/server/src/permissions.rs",
    "bus/server/src/subject.rs",
    "bus/server/src/wire/**",
    "services/channel-gateway/src/outbox.rs",
    "services/channel-gateway/src/outbox/**",
    "services/provider-router/src/journal/**",
    "services/*/src/core/**",
];

pub(super) fn subjects_have_one_home(tree: &Tree) -> Vec<Finding> {
    let prefix = ["argentum", "v1", ""].join(".");
    let others = tree.rust().filter(|file| file.path != "bus/client/src/subjects.rs" && !file.is_test());
    let found = others.flat_map(|file| lines_with(&file.code_and_strings, &prefix).into_iter().map(move |line| (file, line)));
    found.map(|(file, line)| Finding::at(&file.path, line, "spells a subject; only `bus/client/src/subjects.rs` does")).collect()
}

pub(super) fn processes_have_one_parent(tree: &Tree) -> Vec<Finding> {
    let others = tree.rust().filter(|file| {
        let may_start_one = file.path.starts_with("services/orchestrator/") || file.path.starts_with("xtask/");
        !may_start_one && !file.is_test() && file.name() != "build.rs"
    });
    let found = others.flat_map(|file| process_lines(file).into_iter().map(move |line| (file, line)));
    found.map(|(file, line)| Finding::at(&file.path, line, "starts a process; only the orchestrator does")).collect()
}

/// Names a process by its path or imports one from the module, alone or in a group.
fn process_lines(file: &File) -> Vec<usize> {
    let is_process = |line: &str| {
        let imports_command = line.contains("process::{") && words(line).any(|word| word == "Command");
        line.contains("process::Command") || line.contains("tokio::process") || imports_command
    };
    file.code.lines().enumerate().filter(|(_, line)| is_process(line)).map(|(index, _)| index + 1).collect()
}

pub(super) fn pure_modules_stay_pure(tree: &Tree) -> Vec<Finding> {
    let pure = tree.rust().filter(|file| PURE.iter().any(|pattern| matches(pattern, &file.path)));
    let mut findings = Vec::new();
    for file in pure {
        for (index, line) in file.code.lines().enumerate() {
            if let Some(word) = words(line).find(|word| word.starts_with("actix") || word.starts_with("tokio")) {
                findings.push(Finding::at(&file.path, index + 1, format!("names `{word}` in a pure module")));
            }
        }
    }
    findings
}

/// A pattern that no file fits any more protects nothing.
pub(super) fn pure_patterns_are_alive(tree: &Tree) -> Vec<Finding> {
    let dead = PURE.iter().filter(|pattern| !tree.rust().any(|file| matches(pattern, &file.path)));
    dead.map(|pattern| Finding::at("xtask/src/tidy/boundary.rs", 0, format!("no file fits the pattern `{pattern}` of pure modules")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject_source() -> String {
        ["//! P.\nconst A: &str = \"argentum", "v1", "memory\";\n"].join(".")
    }

    #[test]
    fn a_subject_outside_its_home_is_found() {
        let tree = Tree::of(&[("services/memory/src/recall.rs", &subject_source())]);
        assert_eq!(subjects_have_one_home(&tree)[0].line, 2);
    }

    #[test]
    fn a_subject_at_home_or_in_a_test_passes() {
        let tree = Tree::of(&[("bus/client/src/subjects.rs", &subject_source()), ("services/memory/tests/it/main.rs", &subject_source())]);
        assert!(subjects_have_one_home(&tree).is_empty());
    }

    #[test]
    fn a_process_started_by_another_service_is_found() {
        for import in ["use std::process::Command;", "use std::process::{Command, Stdio};", "let x = tokio::process::Child;"] {
            assert_eq!(processes_have_one_parent(&Tree::of(&[("services/memory/src/a.rs", import)])).len(), 1, "{import}");
        }
    }

    #[test]
    fn an_exit_code_is_no_process_and_the_orchestrator_may() {
        let tree = Tree::of(&[
            ("cli/src/main.rs", "use std::process::ExitCode;\n"),
            ("services/orchestrator/src/a.rs", "use std::process::Command;\n"),
        ]);
        assert!(processes_have_one_parent(&tree).is_empty());
    }

    #[test]
    fn a_runtime_in_a_pure_module_is_found() {
        let text = "//! Without tokio.\nuse tokio_util::codec::Decoder;\nfn a() { actix::spawn() }\n";
        let lines: Vec<_> =
            pure_modules_stay_pure(&Tree::of(&[("services/memory/src/core/a.rs", text)])).iter().map(|found| found.line).collect();
        assert_eq!(lines, [2, 3]);
    }

    #[test]
    fn a_pattern_without_files_is_found() {
        let tree = Tree::of(&[("services/memory/src/core/a.rs", "//! P.\n")]);
        assert_eq!(pure_patterns_are_alive(&tree).len(), PURE.len() - 1);
    }

    #[test]
    fn a_runtime_elsewhere_passes() {
        assert!(pure_modules_stay_pure(&Tree::of(&[("services/memory/src/actors/a.rs", "use tokio::time;\n")])).is_empty());
    }
}
