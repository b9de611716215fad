//! Where things are by default: the XDG base directory specification.

use std::{env, path::PathBuf};

use argentum_service::{Exit, Failure};

use crate::arguments::Global;

/// Where configuration lives by default; none where no home directory is known.
pub(crate) fn config_folder() -> Option<PathBuf> {
    base("XDG_CONFIG_HOME", ".config")
}

/// A base directory: what `variable` names, else `below` the home directory.
fn base(variable: &str, below: &str) -> Option<PathBuf> {
    // The specification: a relative path is invalid and ignored.
    let named = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || env::home_dir().filter(|home| home.is_absolute()).map(|home| home.join(below));
    Some(named.or_else(home)?.join("argentum"))
}

// === impl Global ===

impl Global {
    /// The data directory that was named, or the default one.
    pub(crate) fn data_dir(&self) -> Result<PathBuf, Failure> {
        if let Some(named) = &self.data_dir {
            return Ok(named.clone());
        }
        let unknown = || Failure::new(Exit::Config, "no home directory is known; name the data directory with --data-dir");
        base("XDG_DATA_HOME", ".local/share").ok_or_else(unknown)
    }

    /// The configuration file, and whether somebody named it: then it has to exist.
    pub(crate) fn config_file(&self) -> Result<(PathBuf, bool), Failure> {
        match &self.config {
            Some(named) => Ok((named.clone(), true)),
            None => Ok((self.data_dir()?.join("argentum.toml"), false)),
        }
    }
}
