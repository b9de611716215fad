//! The rule that every crate which a manifest names stands in the list of those that somebody has judged, with the reason.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::Finding;
use super::manifest;
use super::tree::Tree;

const LIST: &str = "docs/security/dependencies.toml";
/// Ours are members of the workspace.
const OWN: &str = "argentum";

pub(super) fn every_crate_was_judged(tree: &Tree) -> Vec<Finding> {
    let Some(list) = tree.files.iter().find(|file| file.path == LIST).and_then(|file| file.text.parse::<Table>().ok()) else {
        return vec![Finding::at(LIST, 0, "is not there or is no TOML")];
    };
    let judged = list.get("crates").and_then(Value::as_table).into_iter().flatten();
    let (judged, silent): (Vec<_>, Vec<_>) = judged.partition(|(_, reason)| reason.as_str().is_some_and(|reason| 1 < reason.len()));
    let judged: BTreeSet<&str> = judged.into_iter().map(|(name, _)| name.as_str()).collect();
    let mut findings: Vec<Finding> =
        silent.into_iter().map(|(name, _)| Finding::at(LIST, 0, format!("gives no reason for `{name}`"))).collect();
    let mut named = BTreeSet::new();
    for file in tree.manifests() {
        for name in manifest::named(file).into_iter().filter(|name| !name.starts_with(OWN)) {
            if !judged.contains(name.as_str()) {
                findings.push(Finding::at(&file.path, 0, format!("brings `{name}`, which nobody has judged: see {LIST}")));
            }
            named.insert(name);
        }
    }
    let unused = judged.into_iter().filter(|name| !named.contains(*name));
    findings.extend(unused.map(|name| Finding::at(LIST, 0, format!("lists `{name}`, which no manifest names any more"))));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(list: &str, manifest: &str) -> usize {
        every_crate_was_judged(&Tree::of(&[(LIST, list), ("a/Cargo.toml", manifest)])).len()
    }

    #[test]
    fn a_crate_that_nobody_judged_is_found_wherever_it_is_named() {
        for section in
            ["dependencies", "dev-dependencies", "build-dependencies", "workspace.dependencies", "target.'cfg(unix)'.dependencies"]
        {
            assert_eq!(found("[crates]\n", &format!("[{section}]\nserd = '1'\n")), 1, "{section}");
        }
        assert_eq!(found("[crates]\nserde = 'reads'\n", "[dependencies]\nserde = { package = 'serd', version = '1' }\n"), 2);
    }

    #[test]
    fn a_line_without_a_reason_or_a_use_and_a_list_that_is_gone_are_found() {
        assert_eq!(found("[crates]\nserde = ''\n", "[package]\n"), 1);
        assert_eq!(found("[crates]\nserde = 'reads'\n", "[package]\n"), 1);
        assert_eq!(every_crate_was_judged(&Tree::of(&[])).len(), 1);
    }

    #[test]
    fn what_was_judged_and_what_is_our_own_pass() {
        assert_eq!(found("[crates]\nserde = 'reads'\n", "[dependencies]\nserde.workspace = true\nargentum-bus.workspace = true\n"), 0);
    }
}
