//! Rules about length, and about what a file says of itself.

use super::Finding;
use super::lexer;
use super::tree::{File, Tree, words};

const FILE_LINES_NOTED: usize = 400;
const FILE_LINES_MAX: usize = 600;
const LIB_LINES_MAX: usize = 60;
const FUNCTION_LINES_MAX: usize = 70;

pub(super) fn files_stay_below_the_ceiling(tree: &Tree) -> Vec<Finding> {
    let long = tree.rust().map(|file| (file, file.text.lines().count())).filter(|(_, lines)| FILE_LINES_MAX < *lines);
    long.map(|(file, lines)| Finding::at(&file.path, 0, format!("{lines} lines, the ceiling is {FILE_LINES_MAX}"))).collect()
}

/// No rule, a hint: here a seam is due.
pub(super) fn long_files(tree: &Tree) -> Vec<Finding> {
    let long = tree.rust().map(|file| (file, file.text.lines().count()));
    let long = long.filter(|(_, lines)| (FILE_LINES_NOTED + 1..=FILE_LINES_MAX).contains(lines));
    long.map(|(file, lines)| Finding::at(&file.path, 0, format!("{lines} lines: look for the seam"))).collect()
}

pub(super) fn lib_is_a_table_of_contents(tree: &Tree) -> Vec<Finding> {
    let libs = tree.rust().filter(|file| file.path.ends_with("src/lib.rs"));
    let long = libs.map(|file| (file, file.text.lines().count())).filter(|(_, lines)| LIB_LINES_MAX < *lines);
    long.map(|(file, lines)| Finding::at(&file.path, 0, format!("{lines} lines, a table of contents has at most {LIB_LINES_MAX}")))
        .collect()
}

pub(super) fn files_open_with_their_purpose(tree: &Tree) -> Vec<Finding> {
    let silent = tree.rust().filter(|file| !file.text.trim_start().starts_with("//!"));
    silent.map(|file| Finding::at(&file.path, 1, "does not open with `//!` and what it is")).collect()
}

pub(super) fn functions_stay_short(tree: &Tree) -> Vec<Finding> {
    tree.rust().flat_map(long_functions).collect()
}

fn long_functions(file: &File) -> Vec<Finding> {
    // Tests count too, so the whole text is looked at.
    let code = lexer::code(&file.text);
    let mut findings = Vec::new();
    for (offset, _) in code.match_indices("fn ") {
        let is_word = offset == 0 || !code[..offset].ends_with(|character: char| character.is_alphanumeric() || character == '_');
        let Some(lines) = is_word.then(|| function_lines(&code[offset..])).flatten() else { continue };
        if FUNCTION_LINES_MAX < lines {
            let name = words(&code[offset..]).nth(1).unwrap_or("?");
            let line = code[..offset].matches('\n').count() + 1;
            findings.push(Finding::at(
                &file.path,
                line,
                format!("`{name}` has {lines} lines, a function has at most {FUNCTION_LINES_MAX}"),
            ));
        }
    }
    findings
}

/// From the signature's line to the closing brace; `None` for a declaration without a body.
fn function_lines(code: &str) -> Option<usize> {
    let (mut brackets, mut braces) = (0_i32, 0_i32);
    for (offset, character) in code.char_indices() {
        match character {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            '{' => braces += 1,
            '}' => braces -= 1,
            ';' if brackets == 0 && braces == 0 => return None,
            _ => {}
        }
        if character == '}' && braces == 0 {
            return Some(code[..offset].matches('\n').count() + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> String {
        "//! Purpose.\n".repeat(count)
    }

    #[test]
    fn a_file_past_the_ceiling_is_found() {
        assert!(files_stay_below_the_ceiling(&Tree::of(&[("a/src/b.rs", &lines(600))])).is_empty());
        assert_eq!(files_stay_below_the_ceiling(&Tree::of(&[("a/src/b.rs", &lines(601))])).len(), 1);
    }

    #[test]
    fn a_long_file_is_noted() {
        assert_eq!(long_files(&Tree::of(&[("a/src/b.rs", &lines(401)), ("a/src/c.rs", &lines(400))])).len(), 1);
    }

    #[test]
    fn a_long_lib_is_found_unless_generated() {
        let generated = format!("// @generated\n{}", lines(61));
        let tree = Tree::of(&[("a/src/lib.rs", &lines(61)), ("b/src/lib.rs", &generated)]);
        assert_eq!(lib_is_a_table_of_contents(&tree).len(), 1);
    }

    #[test]
    fn a_file_without_a_purpose_is_found() {
        let tree = Tree::of(&[("a.rs", "use std::io;\n"), ("b.rs", "//! Purpose.\n")]);
        assert_eq!(files_open_with_their_purpose(&tree).len(), 1);
    }

    #[test]
    fn a_long_function_is_found_with_its_line() {
        let text = format!("//! P.\n\nfn short() {{}}\n\nfn long() {{\n{}}}\n", "    step();\n".repeat(69));
        let findings = functions_stay_short(&Tree::of(&[("a.rs", &text)]));
        assert_eq!((findings.len(), findings[0].line), (1, 5));
    }

    #[test]
    fn a_function_of_seventy_lines_and_a_declaration_pass() {
        let text = format!("trait T {{ fn a(x: [u8; 4]); }}\nfn b() {{\n{}}}\n", "    step(\"}\");\n".repeat(68));
        assert!(functions_stay_short(&Tree::of(&[("a.rs", &text)])).is_empty());
    }
}
