//! nats-server's configuration language and the settings of it that this server has.
//!
//! What is not known is refused by name, with its file and line and what to do instead: a setting that is silently ignored is a door that its
//! author believes closed. All faults of a file are reported at once, except that a fault of syntax ends the reading.

mod authorization;
mod fault;
mod permissions;
mod section;
mod server;
mod syntax;
mod tls;
mod units;
mod value;

use std::path::{Path, PathBuf};

pub(crate) use authorization::{Authorization, HashShape, hash_shape};
pub(crate) use fault::Faults;

use crate::options::Options;
use crate::server::LameDuck;

/// Everything that a configuration file decides.
pub(crate) struct Configuration {
    pub(crate) host: String,
    /// -1 takes any free port.
    pub(crate) port: i64,
    /// Limits and times; the address and what concerns users stand beside.
    pub(crate) options: Options,
    pub(crate) authorization: Authorization,
    pub(crate) log: LogSettings,
    pub(crate) pid_file: Option<PathBuf>,
    pub(crate) farewell: LameDuck,
}

/// What is logged and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogSettings {
    pub(crate) is_debug: bool,
    pub(crate) is_trace: bool,
    pub(crate) has_time: bool,
    /// None is stderr.
    pub(crate) file: Option<PathBuf>,
}

// === impl Configuration ===

impl Configuration {
    /// Reads a file and everything that it includes.
    pub(crate) fn load(path: &Path) -> Result<Self, Faults> {
        let map = syntax::parse_file(path, &|name| std::env::var(name).ok()).map_err(Faults::from)?;
        Self::read(&map)
    }

    fn read(map: &value::Map) -> Result<Self, Faults> {
        let mut faults = Vec::new();
        let configuration = server::read(map, &mut faults);
        if faults.is_empty() { Ok(configuration) } else { Err(Faults(faults)) }
    }

    #[cfg(test)]
    fn parse(text: &str) -> Result<Self, Faults> {
        let map = syntax::parse_text(text, Path::new("test.conf"), &|_| None).map_err(Faults::from)?;
        Self::read(&map)
    }
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            host: "0.0.0.0".to_owned(),
            port: 4222,
            options: Options::default(),
            authorization: Authorization::default(),
            log: LogSettings { is_debug: false, is_trace: false, has_time: true, file: None },
            pid_file: None,
            farewell: LameDuck::default(),
        }
    }
}

#[cfg(test)]
mod tests;
