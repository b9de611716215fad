//! The table of peers, as `tests/peers/peers.toml` states it.

use anyhow::{Context, Result, bail};
use std::fs;
use toml::{Table, Value};

use crate::workspace::Workspace;

/// Where the table and the lists it names lie.
pub(super) const FOLDER: &str = "tests/peers";

/// One peer.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) name: String,
    pub(super) source: Source,
    /// Variable and the place it names: a path below the peer's folder, or for [`Source::System`] a program's name.
    pub(super) environment: Vec<(String, String)>,
}

/// How a peer is had.
#[derive(Debug, PartialEq)]
pub(super) enum Source {
    /// A virtual environment with the packages of a requirements file beside the table.
    Pip { requirements: String },
    /// Debian packages, downloaded and unpacked.
    Apt { packages: Vec<String> },
    /// npm packages with their versions; their install scripts do not run.
    Npm { packages: Vec<String> },
    /// A program that is installed or not; only `.ci/run` may install one.
    System,
}

/// Reads the table; a fault in it is an error, unlike a peer that cannot be had.
pub(super) fn read(workspace: &Workspace) -> Result<Vec<Peer>> {
    let path = workspace.path(FOLDER).join("peers.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read `{}`", path.display()))?;
    parse(&text).with_context(|| format!("failed to understand `{}`", path.display()))
}

fn parse(text: &str) -> Result<Vec<Peer>> {
    let table: Table = text.parse()?;
    let peers = table.get("peer").and_then(Value::as_array).context("there is no [[peer]]")?;
    peers.iter().map(|peer| parse_peer(peer.as_table().context("a peer is no table")?)).collect()
}

fn parse_peer(peer: &Table) -> Result<Peer> {
    let name = string(peer, "name")?;
    let packages = || match peer.get("packages").and_then(Value::as_array) {
        Some(packages) => packages.iter().map(|package| package.as_str().map(String::from).context("a package is no string")).collect(),
        None => bail!("peer `{name}` names no packages"),
    };
    let source = match string(peer, "from")?.as_str() {
        "pip" => Source::Pip { requirements: string(peer, "requirements")? },
        "apt" => Source::Apt { packages: packages()? },
        "npm" => Source::Npm { packages: packages()? },
        "system" => Source::System,
        other => bail!("peer `{name}` is from `{other}`, which is none of pip, apt, npm, system"),
    };
    let environment = peer.get("environment").and_then(Value::as_table).with_context(|| format!("peer `{name}` has no environment"))?;
    let environment = environment.keys().map(|variable| Ok((variable.clone(), string(environment, variable)?))).collect::<Result<_>>()?;
    Ok(Peer { name, source, environment })
}

fn string(table: &Table, key: &str) -> Result<String> {
    table.get(key).and_then(Value::as_str).map(String::from).with_context(|| format!("`{key}` is missing or no string"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_tells_source_and_variables() {
        let peers =
            parse("[[peer]]\nname='irc'\nfrom='apt'\npackages=['ngircd']\nenvironment={ARGENTUM_PEER_IRC='usr/sbin/ngircd'}\n").unwrap();
        assert_eq!(peers[0].source, Source::Apt { packages: vec!["ngircd".into()] });
        assert_eq!(peers[0].environment, [("ARGENTUM_PEER_IRC".to_string(), "usr/sbin/ngircd".to_string())]);
    }

    #[test]
    fn an_unknown_source_is_a_fault_of_the_table() {
        assert!(parse("[[peer]]\nname='x'\nfrom='cellar'\nenvironment={}\n").is_err());
    }

    #[test]
    fn a_peer_without_packages_is_a_fault_of_the_table() {
        assert!(parse("[[peer]]\nname='x'\nfrom='npm'\nenvironment={}\n").is_err());
    }
}
