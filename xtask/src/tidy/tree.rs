//! The files that the rules look at.

use anyhow::Result;
use std::fs;
use std::io::ErrorKind;

use super::lexer;
use crate::workspace::Workspace;

/// All files of the project.
pub(super) struct Tree {
    pub(super) files: Vec<File>,
    /// Paths of those that are no text.
    pub(super) opaque: Vec<String>,
}

pub(super) struct File {
    /// Relative to the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// Rust only: the text with comments, strings and the module of unit tests blanked, lines and columns kept.
    pub(super) code: String,
    /// Rust only: as `code`, but with the strings.
    pub(super) code_and_strings: String,
}

// === impl Tree ===

impl Tree {
    /// Reads what git lists; what is no longer there is left out.
    pub(super) fn read(workspace: &Workspace) -> Result<Self> {
        let (mut files, mut opaque) = (Vec::new(), Vec::new());
        for path in workspace.files()? {
            match fs::read_to_string(workspace.path(&path)) {
                Ok(text) => files.push(File::new(path, text)),
                Err(error) if error.kind() == ErrorKind::InvalidData => opaque.push(path),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self { files, opaque })
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| File::new((*path).into(), (*text).into())).collect(), opaque: Vec::new() }
    }

    /// Rust files that people wrote.
    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust() && !file.is_generated())
    }

    pub(super) fn manifests(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.name() == "Cargo.toml")
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path == path)
    }
}

// === impl File ===

impl File {
    fn new(path: String, text: String) -> Self {
        let (code, code_and_strings) = if path.ends_with(".rs") {
            let production = lexer::without_unit_tests(&text);
            (lexer::code(&production), lexer::code_and_strings(&production))
        } else {
            (String::new(), String::new())
        };
        Self { path, text, code, code_and_strings }
    }

    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// By the mark that generators leave in the first lines.
    pub(super) fn is_generated(&self) -> bool {
        self.path.ends_with(".gen.rs") || self.text.lines().take(3).any(|line| line.contains("@generated"))
    }

    /// Tests, benches, examples, and the crate that only tests depend on: nothing of it is in the binary.
    pub(super) fn is_test(&self) -> bool {
        let is_in_test_folder = self.path.split('/').any(|part| matches!(part, "tests" | "benches" | "examples" | "testkit" | "tests.rs"));
        is_in_test_folder || self.name().ends_with("_tests.rs")
    }
}

/// The lines of `text` that hold `needle`, counted from 1.
pub(super) fn lines_with(text: &str, needle: &str) -> Vec<usize> {
    text.lines().enumerate().filter(|(_, line)| line.contains(needle)).map(|(index, _)| index + 1).collect()
}

/// The identifiers of a line, in order.
pub(super) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|character: char| !character.is_alphanumeric() && character != '_').filter(|word| !word.is_empty())
}

/// Whether a path fits a pattern: `*` stands for anything within one name, `**` for any folders.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    matches_parts(&pattern, &path)
}

fn matches_parts(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        (["**", rest @ ..], _) => (0..=path.len()).any(|skipped| matches_parts(rest, &path[skipped..])),
        ([name, pattern @ ..], [part, path @ ..]) => matches_name(name, part) && matches_parts(pattern, path),
        _ => false,
    }
}

fn matches_name(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name
            .strip_prefix(before)
            .is_some_and(|rest| (0..=rest.len()).any(|at| rest.is_char_boundary(at) && matches_name(after, &rest[at..]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names_and_folders() {
        assert!(matches("services/*/src/pure/**", "services/memory/src/pure/index/score.rs"));
        assert!(matches("bus/server/src/parser*", "bus/server/src/parser.rs"));
        assert!(!matches("services/*/src/pure/**", "services/memory/src/actors/recall.rs"));
        assert!(!matches("bus/server/src/*", "bus/server/src/parser/line.rs"));
    }

    #[test]
    fn unit_tests_are_not_code() {
        let tree = Tree::of(&[("a.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n    use tokio::spawn;\n}\n")]);
        assert!(!tree.files[0].code.contains("tokio"));
        assert_eq!(tree.files[0].code.lines().count(), 5);
    }
}
