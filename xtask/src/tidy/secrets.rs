//! The rule that what is secret cannot be printed.

use super::Finding;
use super::tree::{File, Tree, words};

const ENDINGS: &[&str] = &["Key", "Secret", "Seed"];

/// Types whose name sounds secret and that may be printed: path, type, reason.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("proto/src/ids.rs", "MessageKey", "names a message at its platform, opens nothing"),
    ("services/memory/src/scope.rs", "ScopeKey", "says what a record is shared by, opens nothing"),
    ("services/provider-router/src/core/state/keys.rs", "AcceptedKey", "a digest and a time, opens nothing"),
    ("services/provider-router/src/core/state/spend.rs", "SpendKey", "day, provider and model of a total"),
];

pub(super) fn secret_types_have_no_debug(tree: &Tree) -> Vec<Finding> {
    let secret = all_printable(tree).into_iter().filter(|(path, _, name)| !ALLOWED.iter().any(|allowed| is_same(allowed, path, name)));
    let text = |name| format!("`{name}` derives Debug; if it is no secret, say so with a reason in `xtask/src/tidy/secrets.rs`");
    secret.map(|(path, line, name)| Finding::at(path, line, text(name))).collect()
}

/// An exception for a type that is gone would let the next one of that name pass unseen.
pub(super) fn exceptions_are_needed(tree: &Tree) -> Vec<Finding> {
    let printable = all_printable(tree);
    let unused = ALLOWED.iter().filter(|allowed| !printable.iter().any(|(path, _, name)| is_same(allowed, path, name)));
    unused.map(|(path, name, _)| Finding::at(path, 0, format!("`{name}` needs no exception any more"))).collect()
}

fn is_same((allowed_path, allowed_name, _): &(&str, &str, &str), path: &str, name: &str) -> bool {
    *allowed_path == path && *allowed_name == name
}

/// Path, line and name.
fn all_printable(tree: &Tree) -> Vec<(&str, usize, String)> {
    let production = tree.rust().filter(|file| !file.is_test());
    production.flat_map(|file| printable(file).into_iter().map(move |(line, name)| (file.path.as_str(), line, name))).collect()
}

/// Line and name of each structure or enumeration that derives `Debug` and whose name sounds secret.
fn printable(file: &File) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut derives_debug = false;
    let mut open_brackets = 0_i32;
    for (index, line) in file.code.lines().enumerate() {
        let text = line.trim();
        if text.starts_with("#[") || 0 < open_brackets {
            derives_debug |= words(text).any(|word| word == "Debug");
            let change = |character| i32::try_from(text.matches(character).count()).unwrap_or(i32::MAX);
            open_brackets += change('[') - change(']');
        } else if !text.is_empty() {
            let name = words(text).skip_while(|word| !matches!(*word, "struct" | "enum")).nth(1);
            let secret = name.filter(|name| derives_debug && ENDINGS.iter().any(|ending| name.ends_with(ending)));
            found.extend(secret.map(|name| (index + 1, name.to_string())));
            derives_debug = false;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        secret_types_have_no_debug(&Tree::of(&[("services/vault/src/a.rs", text)])).len()
    }

    #[test]
    fn a_secret_that_can_be_printed_is_found() {
        assert_eq!(found("#[derive(Clone, Debug)]\npub(crate) struct VaultKey([u8; 32]);\n"), 1);
        assert_eq!(found("#[derive(\n    Debug,\n)]\n#[allow(dead_code)]\n/// Docs.\nstruct NkeySeed(String);\n"), 1);
    }

    #[test]
    fn a_secret_without_debug_passes() {
        assert_eq!(found("#[derive(Debug)]\nstruct Public;\n#[derive(Zeroize)]\nstruct Secret(Vec<u8>);\n"), 0);
    }

    #[test]
    fn an_exception_that_nothing_needs_is_found() {
        let tree = Tree::of(&[("proto/src/ids.rs", "#[derive(Debug)]\npub struct MessageKey;\n")]);
        assert_eq!(exceptions_are_needed(&tree).len(), ALLOWED.len() - 1);
    }

    #[test]
    fn every_exception_has_a_reason() {
        assert!(ALLOWED.iter().all(|(_, _, reason)| reason.split_whitespace().count() >= 3));
    }
}
