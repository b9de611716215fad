//! Where things are by default: the XDG base directory specification.

use std::{env, path::PathBuf};

use argentum_service::{Exit, Failure};

use crate::arguments::Global;

// === impl Global ===

impl Global {
    /// The data directory that was named, or the default one.
    pub(crate) fn data_dir(&self) -> Result<PathBuf, Failure> {
        if let Some(named) = &self.data_dir {
            return Ok(named.clone());
        }
        // The specification: a relative path is invalid and ignored.
        let data_home = env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || env::home_dir().filter(|home| home.is_absolute()).map(|home| home.join(".local/share"));
        let base = data_home
            .or_else(home)
            .ok_or_else(|| Failure::new(Exit::Config, "no home directory is known; name the data directory with --data-dir"))?;
        Ok(base.join("argentum"))
    }

    /// The configuration file, and whether somebody named it: then it has to exist.
    pub(crate) fn config_file(&self) -> Result<(PathBuf, bool), Failure> {
        match &self.config {
            Some(named) => Ok((named.clone(), true)),
            None => Ok((self.data_dir()?.join("argentum.toml"), false)),
        }
    }
}
