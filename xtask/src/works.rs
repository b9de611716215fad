//! What README says of today: each promise of `docs/works.toml` with the tests that show it. What no test showed is not said.

use anyhow::{Context, Result};
use std::fs;
use toml::Value;

use crate::workspace::Workspace;

const TABLE: &str = "docs/works.toml";
const BEGIN: &str = "<!-- Written by `cargo xtask reference` from docs/works.toml; the tests fill it. -->\n";
const END: &str = "<!-- Up to here. -->\n";

/// A promise, and the tests of the whole bundle that show it.
#[derive(Debug)]
struct Promise {
    name: String,
    text: String,
    tests: Vec<String>,
}

/// README as it should be, with its table.
pub(crate) fn readme(workspace: &Workspace) -> Result<String> {
    let readme = fs::read_to_string(workspace.path("README.md"))?;
    let (head, rest) = readme.split_once(BEGIN).context("README.md has no place for the table of what works")?;
    let (_, tail) = rest.split_once(END).context("README.md does not tell where the table of what works ends")?;
    Ok(format!("{head}{BEGIN}\n{}\n{END}{tail}", table(&load(workspace)?)))
}

/// The tests that are named and that did not pass, by what cargo-nextest printed.
pub(crate) fn unproven(workspace: &Workspace, output: &str) -> Result<Vec<String>> {
    Ok(load(workspace)?.iter().flat_map(|promise| missing(promise, output)).collect())
}

fn load(workspace: &Workspace) -> Result<Vec<Promise>> {
    let text = fs::read_to_string(workspace.path(TABLE))?;
    let table: toml::Table = text.parse().with_context(|| format!("`{TABLE}` is no TOML"))?;
    let promises = table.get("promise").and_then(Value::as_array).with_context(|| format!("`{TABLE}` has no `promise`"))?;
    promises.iter().map(Promise::read).collect::<Option<_>>().with_context(|| format!("a promise of `{TABLE}` lacks name, text or tests"))
}

fn table(promises: &[Promise]) -> String {
    let mut table = String::from("| what | how far | shown by |\n|---|---|---|\n");
    for Promise { name, text, tests } in promises {
        let tests: Vec<String> = tests.iter().map(|test| format!("`{test}`")).collect();
        table += &format!("| **{name}** | {text} | {} |\n", tests.join(" "));
    }
    table
}

/// `        PASS [   1.060s] ( 1/11) argentum::e2e public::name`
fn missing(promise: &Promise, output: &str) -> Vec<String> {
    let has_passed = |test: &str| {
        let mut passed =
            output.lines().filter(|line| line.trim_start().starts_with("PASS [") || line.trim_start().starts_with("SLOW-PASS ["));
        passed.any(|line| line.split_whitespace().next_back() == Some(test))
    };
    promise.tests.iter().filter(|test| !has_passed(test)).map(|test| format!("{}: {test}", promise.name)).collect()
}

// === impl Promise ===

impl Promise {
    /// Without a test it is none.
    fn read(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key)?.as_str().map(str::to_owned);
        let tests: Vec<String> =
            value.get("tests")?.as_array()?.iter().map(|test| test.as_str().map(str::to_owned)).collect::<Option<_>>()?;
        (!tests.is_empty()).then_some(Self { name: text("name")?, text: text("text")?, tests })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promise() -> Promise {
        Promise { name: "Life".into(), text: "it lives".into(), tests: vec!["life::stays".into(), "life::ends".into()] }
    }

    #[test]
    fn only_a_test_that_passed_shows_something() {
        let output = "        PASS [   1.060s] ( 1/11) argentum::e2e life::stays\n        FAIL [ 1.0s] (2/11) argentum::e2e life::ends\n";
        assert_eq!(missing(&promise(), output), ["Life: life::ends"]);
        assert!(missing(&promise(), &output.replace("FAIL", "PASS")).is_empty());
        assert_eq!(missing(&promise(), "").len(), 2);
    }

    #[test]
    fn the_table_names_the_tests() {
        assert!(table(&[promise()]).ends_with("| **Life** | it lives | `life::stays` `life::ends` |\n"));
    }

    #[test]
    fn a_promise_without_a_test_is_refused() {
        let read = |text: &str| Promise::read(&Value::Table(text.parse().unwrap()));
        assert!(read("name = 'a'\ntext = 'b'\ntests = []").is_none());
        assert!(read("name = 'a'\ntext = 'b'\ntests = ['c']").is_some());
    }
}
