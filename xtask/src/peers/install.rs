//! Getting one peer: the commands, what marks it complete, and where its files are.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::table::{FOLDER, Peer, Source};
use crate::command::{bounded, capture};
use crate::workspace::Workspace;

/// One package client gets this long.
const LIMIT: Duration = Duration::from_secs(600);

/// Gets the peer into `folder`, which is emptied first: what an interrupted try left is worth nothing.
pub(super) fn install(workspace: &Workspace, peer: &Peer, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("failed to empty `{}`", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("failed to create `{}`", folder.display()))?;
    match &peer.source {
        Source::Pip { requirements } => install_pip(folder, &workspace.path(FOLDER).join(requirements)),
        Source::Apt { packages } => install_apt(folder, packages),
        Source::Npm { packages } => install_npm(folder, packages),
        Source::System => bail!("no program of that name is installed"),
    }
}

/// What the peer was made from; a peer with another stamp is made anew.
pub(super) fn stamp(workspace: &Workspace, peer: &Peer) -> Result<String> {
    Ok(match &peer.source {
        Source::Pip { requirements } => fs::read_to_string(workspace.path(FOLDER).join(requirements))?,
        Source::Apt { packages } | Source::Npm { packages } => packages.join("\n"),
        Source::System => String::new(),
    })
}

/// The full path of one of the peer's files.
pub(super) fn find(source: &Source, folder: &Path, place: &str) -> Result<String> {
    let path = match source {
        Source::System => program(place).with_context(|| format!("no program `{place}` is installed"))?,
        _ => folder.join(place),
    };
    if !path.exists() {
        bail!("`{}` is missing", path.display());
    }
    path.into_os_string().into_string().ok().context("its path is no text")
}

fn install_pip(folder: &Path, requirements: &Path) -> Result<()> {
    capture(bounded("python3", LIMIT).args(["-m", "venv"]).arg(folder))?;
    let mut pip = bounded(&folder.join("bin/python").to_string_lossy(), LIMIT);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--requirement"]).arg(requirements);
    capture(&mut pip).map(drop)
}

fn install_apt(folder: &Path, packages: &[String]) -> Result<()> {
    let archives = folder.join("archives");
    fs::create_dir(&archives)?;
    let download = || capture(bounded("apt-get", LIMIT).arg("download").args(packages).current_dir(&archives));
    // A new machine has no lists of packages yet, and then knows no package; only root may get them.
    let mut downloaded = download();
    if downloaded.is_err() && capture(bounded("apt-get", LIMIT).arg("update")).is_ok() {
        downloaded = download();
    }
    downloaded?;
    for archive in fs::read_dir(&archives)? {
        capture(Command::new("dpkg").arg("-x").arg(archive?.path()).arg(folder))?;
    }
    fs::remove_dir_all(&archives).context("failed to remove the downloaded archives")
}

fn install_npm(folder: &Path, packages: &[String]) -> Result<()> {
    let mut npm = bounded("npm", LIMIT);
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix"]).arg(folder).args(packages);
    capture(&mut npm).map(drop)
}

fn program(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}
