//! Where the workspace and what cargo builds from it lie.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;

/// The workspace that this task works on: the one around the current folder.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// cargo's target directory, which need not lie inside the workspace.
    pub(crate) target: PathBuf,
}

// === impl Workspace ===

impl Workspace {
    /// Asks cargo, which alone knows about `CARGO_TARGET_DIR` and every configuration file.
    pub(crate) fn locate() -> Result<Self> {
        let mut metadata = cargo_command();
        metadata.args(["metadata", "--format-version", "1", "--no-deps", "--locked"]);
        let output = command::capture(&mut metadata)?;
        let metadata: Value = serde_json::from_str(&output).context("failed to read the answer of `cargo metadata`")?;
        let path = |key: &str| metadata[key].as_str().map(PathBuf::from).with_context(|| format!("`cargo metadata` names no {key}"));
        Ok(Self { root: path("workspace_root")?, target: path("target_directory")? })
    }

    /// A cargo command in the workspace's root; the caller adds `--locked`, since `fmt` does not know it.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let mut command = cargo_command();
        command.arg(subcommand).current_dir(&self.root);
        command
    }

    /// Files under version control and those about to be, relative to the root.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let mut list = Command::new("git");
        list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]).current_dir(&self.root);
        let output = command::capture(&mut list)?;
        let files: Vec<String> = output.split('\0').filter(|path| !path.is_empty()).map(String::from).collect();
        ensure!(!files.is_empty(), "git lists no file in `{}`", self.root.display());
        Ok(files)
    }

    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }
}

/// cargo without what `cargo run` told this process about itself: build scripts that watch such a variable (ring's do)
/// would run again whenever a build by hand and a build by this task alternate.
fn cargo_command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        let is_about_this_package = name_text.starts_with("CARGO_PKG_") || name_text.starts_with("CARGO_MANIFEST_");
        let is_about_this_target = matches!(&*name_text, "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE" | "OUT_DIR");
        if is_about_this_package || is_about_this_target {
            command.env_remove(&name);
        }
    }
    command
}
