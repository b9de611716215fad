//! Peers: real servers and clients that nobody here wrote, against which the tests run.
//!
//! They are unpacked below the target directory and never installed: a distribution's package may start a daemon or
//! replace a mail server. The table is `tests/peers/peers.toml`; the tests learn from environment variables where a peer is.

mod install;
mod table;

use anyhow::Result;
use std::fs;
use std::path::PathBuf;

use crate::command;
use crate::workspace::Workspace;
use table::{Peer, Source};

/// What became of the table's entries.
#[derive(Default)]
pub(crate) struct Outcome {
    ready: Vec<String>,
    pub(crate) missing: Vec<String>,
}

// === impl Outcome ===

impl Outcome {
    pub(crate) fn text(&self) -> String {
        let ready = if self.ready.is_empty() { "none".into() } else { self.ready.join(", ") };
        let missing = if self.missing.is_empty() { String::new() } else { format!("; NOT RUN: {}", self.missing.join(", ")) };
        format!("ready: {ready}{missing}")
    }
}

/// Whether a peer that cannot be had makes the gate red.
pub(crate) fn required() -> bool {
    std::env::var("ARGENTUM_PEERS").is_ok_and(|value| value == "required")
}

/// Gets what is not there yet; says what cannot be had and goes on.
pub(crate) fn prepare(workspace: &Workspace) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for peer in table::read(workspace)? {
        match ensure_present(workspace, &peer) {
            Ok(()) => outcome.ready.push(peer.name),
            Err(error) => {
                println!("NOT RUN: {} ({})", peer.name, command::one_line(&error));
                outcome.missing.push(peer.name);
            }
        }
    }
    Ok(outcome)
}

/// The variables of those peers that are there.
pub(crate) fn environment(workspace: &Workspace) -> Result<Vec<(String, String)>> {
    let mut variables = Vec::new();
    for peer in table::read(workspace)? {
        if is_present(workspace, &peer) {
            variables.extend(locate(workspace, &peer)?);
        }
    }
    Ok(variables)
}

/// `cargo xtask peers`: for a test run by hand, `eval "$(cargo xtask peers)"`.
pub(crate) fn show(workspace: &Workspace) -> Result<bool> {
    let mut is_complete = true;
    for peer in table::read(workspace)? {
        if let Err(error) = ensure_present(workspace, &peer) {
            eprintln!("NOT RUN: {} ({})", peer.name, command::one_line(&error));
            is_complete = false;
        }
    }
    for (name, value) in environment(workspace)? {
        println!("export {name}='{value}'");
    }
    Ok(is_complete || !required())
}

fn ensure_present(workspace: &Workspace, peer: &Peer) -> Result<()> {
    if !is_present(workspace, peer) {
        install::install(workspace, peer, &folder(workspace, peer))?;
        fs::write(stamp_path(workspace, peer), install::stamp(workspace, peer)?)?;
    }
    locate(workspace, peer).map(drop)
}

/// A peer is there when its folder was completed for the very versions that the table names now.
fn is_present(workspace: &Workspace, peer: &Peer) -> bool {
    match &peer.source {
        Source::System => locate(workspace, peer).is_ok(),
        _ => {
            let wanted = install::stamp(workspace, peer).ok();
            wanted.is_some() && fs::read_to_string(stamp_path(workspace, peer)).ok() == wanted
        }
    }
}

/// Name and value of each of the peer's variables; every file named must be there.
fn locate(workspace: &Workspace, peer: &Peer) -> Result<Vec<(String, String)>> {
    let folder = folder(workspace, peer);
    peer.environment.iter().map(|(name, place)| Ok((name.clone(), install::find(&peer.source, &folder, place)?))).collect()
}

fn folder(workspace: &Workspace, peer: &Peer) -> PathBuf {
    workspace.target.join("peers").join(&peer.name)
}

fn stamp_path(workspace: &Workspace, peer: &Peer) -> PathBuf {
    folder(workspace, peer).join("argentum-peer.stamp")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::Scratch;

    fn workspace_with(scratch: &Scratch, table: &str) -> Workspace {
        fs::create_dir_all(scratch.path().join("tests/peers")).unwrap();
        fs::write(scratch.path().join("tests/peers/peers.toml"), table).unwrap();
        Workspace { root: scratch.path().to_path_buf(), target: scratch.path().join("target") }
    }

    #[test]
    fn a_program_of_the_system_is_found_and_named() {
        let scratch = Scratch::create("unit-peer-found").unwrap();
        let workspace =
            workspace_with(&scratch, "[[peer]]\nname = 'shell'\nfrom = 'system'\nenvironment = { ARGENTUM_PEER_SHELL = 'sh' }\n");
        assert!(prepare(&workspace).unwrap().missing.is_empty());
        assert!(environment(&workspace).unwrap()[0].1.ends_with("/sh"));
    }

    #[test]
    fn a_peer_that_cannot_be_had_is_missing_and_has_no_variable() {
        let scratch = Scratch::create("unit-peer-missing").unwrap();
        let table = "[[peer]]\nname = 'nothing'\nfrom = 'system'\nenvironment = { ARGENTUM_PEER_NOTHING = 'no-such-program' }\n";
        let workspace = workspace_with(&scratch, table);
        assert_eq!(prepare(&workspace).unwrap().missing, ["nothing"]);
        assert!(environment(&workspace).unwrap().is_empty());
    }

    #[test]
    fn a_peer_of_other_versions_is_not_present() {
        let scratch = Scratch::create("unit-peer-stamp").unwrap();
        let entry = |version: &str| format!("[[peer]]\nname = 'p'\nfrom = 'npm'\npackages = ['p@{version}']\nenvironment = {{}}\n");
        let workspace = workspace_with(&scratch, &entry("1"));
        let peer = table::read(&workspace).unwrap().remove(0);
        fs::create_dir_all(folder(&workspace, &peer)).unwrap();
        fs::write(stamp_path(&workspace, &peer), install::stamp(&workspace, &peer).unwrap()).unwrap();
        assert!(is_present(&workspace, &peer));

        let newer = table::read(&workspace_with(&scratch, &entry("2"))).unwrap().remove(0);
        assert!(!is_present(&workspace, &newer));
    }
}
