//! cargo-deny: got once, run offline.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use toml::{Table, Value};

use crate::command;
use crate::peers;
use crate::workspace::Workspace;

const VERSION: &str = "0.20.2";
/// A name of cargo-deny's: it looks for the database of its default address in this folder.
const DATABASE_NAME: &str = "advisory-db-3157b0e258782691";
/// A copy of the advisories that lies beside the checkout, where there is one.
const DATABASE_FOLDER: &str = "../shared/data/rustsec";
/// The offline copy is as old as it says; its date is printed with each result.
const STALENESS_MAX: &str = "P2Y";

pub(crate) struct Outcome {
    pub(crate) text: String,
    /// Checks that could not be made.
    pub(crate) not_run: Vec<&'static str>,
}

/// Checks licences, bans, sources and, where a database can be had, advisories.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let program = match program(workspace) {
        Ok(program) => program,
        Err(error) if peers::required() => return Err(error),
        Err(error) => {
            println!("NOT RUN: cargo-deny ({})", command::one_line(&error));
            return Ok(Outcome { text: "NOT RUN: cargo-deny cannot be had".into(), not_run: vec!["cargo-deny"] });
        }
    };
    // Offline, it reads each crate of the lock file, also those that only another platform builds.
    command::run(workspace.cargo("fetch").args(["--locked", "--quiet"]))?;
    // --log-level: duplicates are worth a look with `cargo deny check bans`, not a page in every run.
    let mut deny = Command::new(&program);
    deny.args(["--locked", "--offline", "--log-level", "error", "check", "licenses", "bans", "sources"]).current_dir(&workspace.root);
    command::run(&mut deny)?;
    check_advisories(workspace, &program)
}

fn check_advisories(workspace: &Workspace, program: &Path) -> Result<Outcome> {
    let mut deny = Command::new(program);
    deny.args(["--locked", "--log-level", "error"]).current_dir(&workspace.root);
    let wanted = std::env::var("ARGENTUM_ADVISORY_DB").ok();
    let source = if wanted.as_deref() == Some("fetch") {
        "the live database".into()
    } else if let Some(archive) = archive(workspace, wanted.as_deref())? {
        let config = lay_out(workspace, &archive)?;
        deny.args(["--offline", "--config"]).arg(config);
        format!("the database of {}", date_of(&archive)?)
    } else {
        println!("NOT RUN: advisories (no database; name one in ARGENTUM_ADVISORY_DB, or `fetch`)");
        return Ok(Outcome { text: "licences, bans, sources; NOT RUN: advisories".into(), not_run: vec!["advisories"] });
    };
    command::run(deny.args(["check", "advisories"]))?;
    Ok(Outcome { text: format!("licences, bans, sources, advisories ({source})"), not_run: Vec::new() })
}

/// The program of this version line, built once below the target directory where none is installed.
fn program(workspace: &Workspace) -> Result<PathBuf> {
    let own = workspace.target.join("tools/bin/cargo-deny");
    if is_usable(&own) {
        return Ok(own);
    }
    let installed = PathBuf::from("cargo-deny");
    if is_usable(&installed) {
        return Ok(installed);
    }
    println!("building cargo-deny {VERSION}, once; this takes several minutes");
    let (root, build) = (workspace.target.join("tools"), workspace.target.join("tools/build"));
    let mut install = workspace.cargo("install");
    install.args(["--locked", &format!("cargo-deny@{VERSION}"), "--debug", "--quiet", "--root"]).arg(&root).env("CARGO_TARGET_DIR", &build);
    let installed = command::run(&mut install);
    if build.exists() {
        fs::remove_dir_all(&build).context("failed to remove what building cargo-deny left")?;
    }
    installed.context("cargo-deny cannot be had")?;
    Ok(own)
}

fn is_usable(program: &Path) -> bool {
    let minor = VERSION.rsplit_once('.').map_or(VERSION, |(minor, _)| minor);
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).starts_with(&format!("cargo-deny {minor}.")))
}

/// The newest copy of the database, named by the caller or found beside the checkout.
fn archive(workspace: &Workspace, wanted: Option<&str>) -> Result<Option<PathBuf>> {
    if let Some(wanted) = wanted {
        let path = PathBuf::from(wanted);
        return if path.is_file() { Ok(Some(path)) } else { bail!("ARGENTUM_ADVISORY_DB names `{wanted}`, which is no file") };
    }
    let Ok(entries) = fs::read_dir(workspace.path(DATABASE_FOLDER)) else { return Ok(None) };
    let archives = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| date_of(path).is_ok());
    // The names differ by their date only, so the last is the newest.
    Ok(archives.max())
}

/// The date in `advisory-db-2026-08-21.tar.gz`.
fn date_of(archive: &Path) -> Result<String> {
    let name = archive.file_name().unwrap_or_default().to_string_lossy();
    let date = name.strip_prefix("advisory-db-").and_then(|rest| rest.strip_suffix(".tar.gz"));
    date.map(String::from).with_context(|| format!("`{name}` is not named advisory-db-DATE.tar.gz"))
}

/// Lays the database out as cargo-deny keeps one it fetched; returns a configuration that names it.
fn lay_out(workspace: &Workspace, archive: &Path) -> Result<PathBuf> {
    let folder = workspace.target.join("advisories");
    let database = folder.join(DATABASE_NAME);
    if database.exists() {
        fs::remove_dir_all(&database).context("failed to remove the older advisories")?;
    }
    fs::create_dir_all(database.join(".git")).context("failed to create the folder of the advisories")?;
    command::capture(Command::new("tar").arg("-xzf").arg(archive).arg("--strip-components=1").arg("-C").arg(&database))?;
    // Its time stands for the last fetch.
    let fetched = database.join(".git/FETCH_HEAD");
    command::capture(Command::new("touch").args(["-d", &date_of(archive)?]).arg(&fetched))?;
    let config = folder.join("deny.toml");
    fs::write(&config, offline(&fs::read_to_string(workspace.path("deny.toml"))?, &folder)?)?;
    Ok(config)
}

fn offline(config: &str, folder: &Path) -> Result<String> {
    let mut config: Table = config.parse().context("failed to understand `deny.toml`")?;
    let advisories = config.get_mut("advisories").and_then(Value::as_table_mut).context("`deny.toml` has no [advisories]")?;
    advisories.insert("db-path".into(), folder.to_string_lossy().into_owned().into());
    advisories.insert("maximum-db-staleness".into(), STALENESS_MAX.into());
    Ok(config.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offline_configuration_keeps_the_ignored_advisories() {
        let config = offline("[advisories]\nignore = ['RUSTSEC-0000-0001']\n", Path::new("here")).unwrap();
        assert!(config.contains("RUSTSEC-0000-0001") && config.contains("db-path = \"here\""), "{config}");
    }

    #[test]
    fn an_archive_without_a_date_is_refused() {
        assert!(date_of(Path::new("advisories.tar.gz")).is_err());
        assert_eq!(date_of(Path::new("a/advisory-db-2026-08-21.tar.gz")).unwrap(), "2026-08-21");
    }
}
