//! Rules about the manifests: who depends on whom, and what each member states.

use toml::{Table, Value};

use super::Finding;
use super::tree::{File, Tree};

/// A dependency and the folders of the members that may have it outside of tests.
const HOMES: &[(&str, &[&str])] = &[("anyhow", &["cli", "xtask"]), ("sled", &["crates/store"])];

/// Which of a manifest's tables is looked at.
#[derive(Clone, Copy, PartialEq)]
enum Section {
    /// `dependencies` and `build-dependencies`.
    Production,
    /// `dev-dependencies`.
    Tests,
}

pub(super) fn services_stand_alone(tree: &Tree) -> Vec<Finding> {
    let services: Vec<(&File, String)> = services(tree).filter_map(|file| Some((file, package_name(file)?))).collect();
    let mut findings = Vec::new();
    for (file, _) in &services {
        for (dependency, _) in dependencies(file) {
            let is_other_service = services.iter().any(|(other, name)| other.path != file.path && *name == dependency);
            if is_other_service {
                findings.push(Finding::at(&file.path, 0, format!("depends on `{dependency}`; services know each other by subjects only")));
            }
        }
    }
    findings
}

pub(super) fn crates_stay_where_they_belong(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.manifests().filter(|file| !file.is_test()) {
        for (dependency, _) in dependencies(file).into_iter().filter(|(_, section)| *section == Section::Production) {
            let home = HOMES.iter().find(|(name, _)| *name == dependency);
            if let Some((_, homes)) = home.filter(|(_, homes)| !homes.contains(&folder(file))) {
                findings.push(Finding::at(&file.path, 0, format!("depends on `{dependency}`, whose place is {}", homes.join(" and "))));
            }
        }
    }
    findings
}

pub(super) fn members_are_complete(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.manifests() {
        let manifest = match file.text.parse::<Table>() {
            Ok(manifest) => manifest,
            Err(error) => {
                findings.push(Finding::at(&file.path, 0, error.message()));
                continue;
            }
        };
        let Some(package) = manifest.get("package").and_then(Value::as_table) else { continue };
        if package.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
            findings.push(Finding::at(&file.path, 0, "has no description"));
        }
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool);
        if lints != Some(true) {
            findings.push(Finding::at(&file.path, 0, "does not take the lints of the workspace"));
        }
    }
    findings
}

pub(super) fn services_have_a_readme(tree: &Tree) -> Vec<Finding> {
    let silent = services(tree).filter(|file| !tree.has(&format!("{}/README.md", folder(file))));
    silent.map(|file| Finding::at(folder(file), 0, "has no README.md")).collect()
}

fn services(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.manifests().filter(|file| file.path.starts_with("services/") && file.path.matches('/').count() == 2)
}

fn folder(file: &File) -> &str {
    file.path.strip_suffix("/Cargo.toml").unwrap_or_default()
}

fn package_name(file: &File) -> Option<String> {
    let manifest: Table = file.text.parse().ok()?;
    manifest.get("package")?.get("name")?.as_str().map(String::from)
}

/// The packages that a manifest names, also those of the whole workspace.
pub(super) fn named(file: &File) -> Vec<String> {
    let Ok(manifest) = file.text.parse::<Table>() else { return Vec::new() };
    let of_workspace = manifest.get("workspace").and_then(Value::as_table).map(dependencies_of).unwrap_or_default();
    dependencies(file).into_iter().chain(of_workspace).map(|(name, _)| name).collect()
}

/// All dependencies by the name of their package, also those for one platform only.
fn dependencies(file: &File) -> Vec<(String, Section)> {
    let Ok(manifest) = file.text.parse::<Table>() else { return Vec::new() };
    let mut found = dependencies_of(&manifest);
    let platforms = manifest.get("target").and_then(Value::as_table);
    found.extend(platforms.into_iter().flat_map(Table::values).filter_map(Value::as_table).flat_map(dependencies_of));
    found
}

fn dependencies_of(tables: &Table) -> Vec<(String, Section)> {
    let sections =
        [("dependencies", Section::Production), ("build-dependencies", Section::Production), ("dev-dependencies", Section::Tests)];
    let named = |(key, section)| tables.get(key).and_then(Value::as_table).map(|table| (table, section));
    let listed =
        sections.into_iter().filter_map(named).flat_map(|(table, section)| table.iter().map(move |(name, value)| (name, value, section)));
    listed.map(|(name, value, section)| (value.get("package").and_then(Value::as_str).unwrap_or(name).to_string(), section)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VAULT: (&str, &str) = ("services/vault/Cargo.toml", "[package]\nname = 'argentum-vault'\n");

    #[test]
    fn a_service_that_depends_on_another_is_found() {
        let text = "[package]\nname = 'argentum-memory'\n[dev-dependencies]\nx = { package = 'argentum-vault', path = '../vault' }\n";
        assert_eq!(services_stand_alone(&Tree::of(&[VAULT, ("services/memory/Cargo.toml", text)])).len(), 1);
    }

    #[test]
    fn the_command_line_may_depend_on_services() {
        let text = "[package]\nname = 'argentum'\n[dependencies]\nargentum-vault.workspace = true\n";
        assert!(services_stand_alone(&Tree::of(&[VAULT, ("cli/Cargo.toml", text)])).is_empty());
    }

    #[test]
    fn a_crate_outside_its_home_is_found() {
        let sled = "[target.'cfg(unix)'.dependencies]\nsled = '=0.34.7'\n";
        assert_eq!(crates_stay_where_they_belong(&Tree::of(&[("services/memory/Cargo.toml", sled)])).len(), 1);
        assert!(crates_stay_where_they_belong(&Tree::of(&[("crates/store/Cargo.toml", sled)])).is_empty());
    }

    #[test]
    fn tests_may_use_anyhow() {
        let text = "[dev-dependencies]\nanyhow.workspace = true\n";
        assert!(crates_stay_where_they_belong(&Tree::of(&[("services/memory/Cargo.toml", text)])).is_empty());
    }

    #[test]
    fn a_member_without_description_and_lints_is_found_twice() {
        assert_eq!(members_are_complete(&Tree::of(&[VAULT])).len(), 2);
    }

    #[test]
    fn a_complete_member_passes() {
        let text = "[package]\nname = 'a'\ndescription = 'A'\n[lints]\nworkspace = true\n";
        assert!(members_are_complete(&Tree::of(&[("a/Cargo.toml", text)])).is_empty());
    }

    #[test]
    fn a_service_without_a_readme_is_found() {
        assert_eq!(services_have_a_readme(&Tree::of(&[VAULT])).len(), 1);
        assert!(services_have_a_readme(&Tree::of(&[VAULT, ("services/vault/README.md", "# Vault\n")])).is_empty());
    }
}
