//! The rule that every threat of the assessment names a test that is there, or says that there is none.

use super::Finding;
use super::tree::{File, Tree};

const ASSESSMENT: &str = "docs/security/assessment.md";
/// How the row of a threat begins, and what it says where nothing shows that its defence works.
const ROW: &str = "| T";
const NO_TEST: &str = "no test:";

pub(super) fn threats_name_their_tests(tree: &Tree) -> Vec<Finding> {
    let Some(assessment) = tree.files.iter().find(|file| file.path == ASSESSMENT) else {
        return vec![Finding::at(ASSESSMENT, 0, "is not there")];
    };
    let mut findings = Vec::new();
    let rows = assessment.text.lines().enumerate().filter(|(_, line)| line.starts_with(ROW));
    for (index, line) in rows {
        let named: Vec<(&str, &str)> = line.split('`').skip(1).step_by(2).filter_map(named_test).collect();
        if named.is_empty() && !line.contains(NO_TEST) {
            findings.push(Finding::at(ASSESSMENT, index + 1, format!("names no test; where there is none, say `{NO_TEST}` and why")));
        }
        let missing = named.into_iter().filter(|(path, name)| !tree.files.iter().any(|file| file.path == *path && has_test(file, name)));
        findings.extend(missing.map(|(path, name)| {
            Finding::at(ASSESSMENT, index + 1, format!("names the test `{name}` of `{path}`, which is not there or is ignored"))
        }));
    }
    if findings.is_empty() && !assessment.text.lines().any(|line| line.starts_with(ROW)) {
        findings.push(Finding::at(ASSESSMENT, 0, "has no row of a threat"));
    }
    findings
}

/// `path/to/file.rs::name`
fn named_test(code: &str) -> Option<(&str, &str)> {
    code.split_once("::").filter(|(path, _)| path.ends_with(".rs"))
}

/// Whether `file` has a function of that name with a test's attribute and without that of an ignored one.
fn has_test(file: &File, name: &str) -> bool {
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let is_function = |line: &str| {
        ["fn ", "async fn "].iter().any(|begin| line.strip_prefix(begin).is_some_and(|rest| rest.starts_with(&format!("{name}("))))
    };
    lines.iter().enumerate().filter(|(_, line)| is_function(line)).any(|(index, _)| {
        let above = lines[..index].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("///"));
        let attributes: Vec<&&str> = above.collect();
        attributes.iter().any(|line| line.contains("test]") || line.contains("test("))
            && !attributes.iter().any(|line| line.starts_with("#[ignore"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TESTS: (&str, &str) = (
        "a/b.rs",
        "#[test]\n/// Why.\nfn shows() {}\n#[actix::test]\nasync fn shows_too() {}\nfn helps() {}\n#[test]\n#[ignore = \"long\"]\nfn sleeps() {}\n",
    );

    fn found(rows: &str) -> Vec<usize> {
        let findings = threats_name_their_tests(&Tree::of(&[TESTS, (ASSESSMENT, rows)]));
        findings.iter().map(|found| found.line).collect()
    }

    #[test]
    fn a_threat_without_a_test_or_with_one_that_is_not_there_is_found() {
        assert_eq!(found("# A\n| T1 | x | y |\n"), [2]);
        assert_eq!(found("| T1 | x | `a/b.rs::show` |\n| T2 | x | `a/b.rs::shows` `a/c.rs::shows` |\n"), [1, 2]);
        assert_eq!(found("| T1 | x | `a/b.rs::helps` |\n| T2 | x | `a/b.rs::sleeps` |\n"), [1, 2]);
    }

    #[test]
    fn an_assessment_that_is_gone_or_empty_is_found() {
        assert_eq!(threats_name_their_tests(&Tree::of(&[TESTS])).len(), 1);
        assert_eq!(found("# A\n"), [0]);
    }

    #[test]
    fn a_test_that_is_there_and_a_gap_that_is_admitted_pass() {
        assert!(
            found("| T1 | x | `a/b.rs::shows` `a/b.rs::shows_too` |\n| T2 | x | no test: nobody can try it |\n| other | `x` |\n")
                .is_empty()
        );
    }
}
