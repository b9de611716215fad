//! Rules about what no file may say, and about links.

use super::Finding;
use super::tree::{File, Tree, lines_with, words};

/// Names below `/home` that stand for anybody.
const ANYBODY: &[&str] = &["argentum", "nonroot", "user", "you"];

pub(super) fn nothing_is_unfinished(tree: &Tree) -> Vec<Finding> {
    // Put together here, so that this file does not find itself.
    let macros = [["to", "do!("].concat(), ["unimple", "mented!("].concat()];
    let marks = [["FIX", "ME"].concat(), ["XX", "X"].concat()];
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| is_source(file)) {
        for (index, line) in file.text.lines().enumerate() {
            if marks.iter().any(|mark| words(line).any(|word| word == mark)) {
                findings.push(Finding::at(&file.path, index + 1, "says that it is unfinished"));
            }
        }
        let lines = macros.iter().flat_map(|name| lines_with(&file.code, name));
        findings.extend(lines.map(|line| Finding::at(&file.path, line, "is unfinished")));
    }
    findings
}

pub(super) fn no_machine_is_named(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(path) = machine_path(line) {
                findings.push(Finding::at(&file.path, index + 1, format!("names a path of one machine: `{path}`")));
            }
        }
    }
    findings
}

/// An absolute path below a folder that people and build machines work in.
fn machine_path(line: &str) -> Option<&str> {
    line.match_indices('/').map(|(offset, _)| offset).find_map(|offset| {
        let begins = !line[..offset].ends_with(|before: char| before.is_alphanumeric() || "._-/~}>*".contains(before));
        let path = line[offset..].split(|character: char| !character.is_alphanumeric() && !"/._-".contains(character)).next()?;
        let mut names = path.split('/').skip(1);
        let is_machine = match (names.next()?, names.next()?) {
            ("home" | "Users", name) => !name.is_empty() && !ANYBODY.contains(&name),
            ("root" | "work" | "farm" | "workspace" | "builds", _) => true,
            _ => false,
        };
        (begins && is_machine).then_some(path)
    })
}

pub(super) fn no_registry_is_named(tree: &Tree) -> Vec<Finding> {
    let hosts = [
        ["index.crates", "io"],
        ["static.crates", "io"],
        ["registry", "npmjs.org"],
        ["pythonhosted", "org"],
        ["pypi", "org"],
        ["deb", "debian.org"],
    ];
    let hosts = hosts.map(|parts| parts.join("."));
    let found = tree.files.iter().flat_map(|file| hosts.iter().map(move |host| (file, host)));
    let found = found.flat_map(|(file, host)| lines_with(&file.text, host).into_iter().map(move |line| (file, line)));
    found.map(|(file, line)| Finding::at(&file.path, line, "names the host of a package registry")).collect()
}

pub(super) fn links_resolve(tree: &Tree) -> Vec<Finding> {
    let pages = tree.files.iter().filter(|file| file.path.ends_with(".md"));
    pages
        .flat_map(|page| links(&page.text).into_iter().map(move |link| (page, link)))
        .filter_map(|(page, (line, target))| {
            let path = resolve(&page.path, &target)?;
            let is_there = tree.has(&path) || path.is_empty() || tree.files.iter().any(|file| file.path.starts_with(&format!("{path}/")));
            (!is_there).then(|| Finding::at(&page.path, line, format!("links to `{target}`, which is not there")))
        })
        .collect()
}

/// Line and target of each inline link and each reference definition outside of code.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut is_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("code");
        let inline = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()).map(String::from);
        found.extend(inline.map(|target| (index + 1, target)));
        let definition = prose.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target.trim().to_string());
        found.extend(definition.map(|target| (index + 1, target)));
    }
    found
}

/// The path that a link of a page means; `None` where it leads out of the tree or to a place in the same page.
fn resolve(page: &str, target: &str) -> Option<String> {
    let path = target.trim_matches(['<', '>']).split('#').next().unwrap_or_default();
    if path.is_empty() || path.contains(':') {
        return None;
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn is_source(file: &File) -> bool {
    [".rs", ".py", ".js", ".mjs", ".ts", ".sh", ".toml", ".yml", ".proto"].iter().any(|ending| file.path.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(path: &str, text: &str) -> Tree {
        Tree::of(&[(path, text)])
    }

    #[test]
    fn unfinished_code_is_found() {
        for parts in [["fn a() { to", "do!() }"], ["// FIX", "ME later"], ["fn a() { unimple", "mented!(\"b\") }"], ["// XX", "X"]] {
            assert_eq!(nothing_is_unfinished(&tree("a.rs", &parts.concat())).len(), 1, "{parts:?}");
        }
    }

    #[test]
    fn a_path_of_a_machine_is_found() {
        for parts in [["see /ro", "ot/.cargo"], ["\"/ho", "me/anna/src\""], ["`/wo", "rk/main`"]] {
            assert_eq!(no_machine_is_named(&tree("a.md", &parts.concat())).len(), 1, "{parts:?}");
        }
    }

    #[test]
    fn a_path_of_anybody_passes() {
        for text in ["/home/argentum/data", "target/work/x", "https://example.org/work/x", "$HOME/work/x", "root/x"] {
            assert!(no_machine_is_named(&tree("a.md", text)).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_registry_host_is_found_and_the_lock_file_passes() {
        assert_eq!(no_registry_is_named(&tree("a.toml", &["pypi", "org"].join("."))).len(), 1);
        let lock = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        assert!(no_registry_is_named(&tree("Cargo.lock", lock)).is_empty());
    }

    #[test]
    fn a_dead_link_is_found_with_its_line() {
        let findings = links_resolve(&tree("docs/a.md", "# A\n\nSee [b](b.md#part) and [c](../README.md).\n"));
        assert_eq!(findings.iter().map(|found| found.line).collect::<Vec<_>>(), [3, 3]);
    }

    #[test]
    fn living_links_and_code_pass() {
        let page = "[b](../b.md#x) [web](https://example.org) [here](#a) `[no](no.md)`\n```\n[no](no.md)\n```\n[folder](.)\n";
        assert!(links_resolve(&Tree::of(&[("docs/a.md", page), ("b.md", "")])).is_empty());
    }
}
