//! The vault's part of `argentum.toml`.

use std::path::PathBuf;

use argentum_service::config::Section;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sealed secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// File that holds the vault's key, outside of the data directory; `--vault-key-file` and `ARGENTUM_VAULT_KEY_FILE` name another.
    /// Default: none, then the first start makes one in `key_folder`. A file that is named must exist; `argentum vault create-key`
    /// makes one. Without its key a sealed store cannot be read by anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// Folder in which the first start makes a key where none is named, and where it is looked for. Default:
    /// `$XDG_CONFIG_HOME/argentum`, else `~/.config/argentum`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_folder: Option<PathBuf>,
}

// === impl Config ===

impl Section for Config {
    fn rules(&self) -> Vec<(String, String)> {
        let paths = [("key_file", &self.key_file), ("key_folder", &self.key_folder)];
        let relative = paths.into_iter().filter(|(_, path)| path.as_ref().is_some_and(|path| !path.is_absolute()));
        relative.map(|(key, _)| (key.to_owned(), "must be an absolute path".to_owned())).collect()
    }
}
