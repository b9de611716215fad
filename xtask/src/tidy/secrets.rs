//! The rule that what is secret cannot be printed.

use super::Finding;
use super::tree::{File, Tree, words};

const ENDINGS: &[&str] = &["Key", "Secret", "Seed"];

/// Types whose name sounds secret and that may be printed: path, type, reason.
const ALLOWED: &[(&str, &str, &str)] = &[("proto/src/ids.rs", "MessageKey", "names a message at its platform, opens nothing")];

pub(super) fn secret_types_have_no_debug(tree: &Tree) -> Vec<Finding> {
    let production = tree.rust().filter(|file| !file.is_test());
    production
        .flat_map(|file| printable(file).into_iter().map(move |found| (file, found)))
        .filter_map(|(file, (line, name))| {
            let is_allowed = ALLOWED.iter().any(|(path, allowed, _)| *path == file.path && *allowed == name);
            let text = format!("`{name}` derives Debug; if it is no secret, say so with a reason in `xtask/src/tidy/secrets.rs`");
            (!is_allowed).then(|| Finding::at(&file.path, line, text))
        })
        .collect()
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
    fn every_exception_has_a_reason() {
        assert!(ALLOWED.iter().all(|(_, _, reason)| reason.split_whitespace().count() >= 3));
    }
}
