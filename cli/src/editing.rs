//! Changing `argentum.toml` by a verb: comments and order stay, nothing is written that would not be read.

use std::{fs, io, path::PathBuf};

use argentum_service::{Exit, Failure, files};
use toml_edit::{DocumentMut, Item, Table, TableLike};

use crate::{arguments::Global, config::File};

/// A configuration that is being changed.
pub(crate) struct Editing {
    path: PathBuf,
    /// As it was read.
    before: String,
    document: DocumentMut,
}

// === impl Editing ===

impl Editing {
    pub(crate) fn begin(global: &Global) -> Result<Self, Failure> {
        let (before, path) = File::text(global)?;
        // A file that is broken already is told so, with all its faults, before anything is changed.
        File::parse(&before, &path)?;
        let document = before.parse().map_err(|error| Failure::new(Exit::Config, format!("`{}`: {error}", path.display())))?;
        Ok(Self { path, before, document })
    }

    /// As it stands now.
    pub(crate) fn file(&self) -> Result<File, Failure> {
        File::parse(&self.document.to_string(), &self.path)
    }

    /// The table behind `keys`; the tables on the way are made where they are missing.
    pub(crate) fn table(&mut self, keys: &[&str]) -> Result<&mut dyn TableLike, Failure> {
        let path = self.path.display().to_string();
        let mut table: &mut dyn TableLike = self.document.as_table_mut();
        for (depth, key) in keys.iter().enumerate() {
            let item = table.entry(key).or_insert_with(|| {
                let mut made = Table::new();
                // `[a.b]` needs no line `[a]` above it.
                made.set_implicit(depth + 1 < keys.len());
                Item::Table(made)
            });
            let is_no_table = || Failure::new(Exit::Config, format!("`{}` in `{path}` is not a table", keys[..=depth].join(".")));
            table = item.as_table_like_mut().ok_or_else(is_no_table)?;
        }
        Ok(table)
    }

    /// Writes it, unless it would be refused at the next start. Where the file cannot be written, the failure tells what to put there.
    pub(crate) fn save(self) -> Result<File, Failure> {
        let text = self.document.to_string();
        let file = File::parse(&text, &self.path)?;
        if text == self.before {
            return Ok(file);
        }
        let now = match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            other => other.map_err(|error| self.unwritable(&error, &text))?,
        };
        if now != self.before {
            let text = format!("`{}` was changed by somebody else meanwhile; try again", self.path.display());
            return Err(Failure::new(Exit::TryAgain, text));
        }
        files::replace(&self.path, text.as_bytes()).map_err(|error| self.unwritable(&error, &text))?;
        Ok(file)
    }

    fn unwritable(&self, error: &io::Error, text: &str) -> Failure {
        let path = self.path.display();
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "its folder does not exist; start the bundle once with `argentum up`".to_owned(),
            _ => format!("{error}; put this there yourself, then `argentum reload`:\n\n{text}"),
        };
        Failure::new(Exit::CannotCreate, format!("`{path}` cannot be written: {reason}"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn global(path: &Path) -> Global {
        Global { data_dir: None, config: Some(path.to_owned()), json: false }
    }

    fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("argentum.toml");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn comments_and_order_stay() {
        let (_folder, path) = written("# mine\n[http] # page\nlisten = '127.0.0.1:0'\n");
        let mut editing = Editing::begin(&global(&path)).unwrap();
        editing.table(&["provider_router"]).unwrap().insert("flood_burst", toml_edit::value(7));
        editing.save().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "# mine\n[http] # page\nlisten = '127.0.0.1:0'\n\n[provider_router]\nflood_burst = 7\n");
    }

    #[test]
    fn what_would_be_refused_is_not_written() {
        let (_folder, path) = written("");
        let mut editing = Editing::begin(&global(&path)).unwrap();
        editing.table(&["provider_router"]).unwrap().insert("flood_burst", toml_edit::value(0));
        assert_eq!(editing.save().err().map(|failure| failure.exit), Some(Exit::Config));
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
    }

    #[test]
    fn a_change_by_somebody_else_is_not_overwritten() {
        let (_folder, path) = written("");
        let mut editing = Editing::begin(&global(&path)).unwrap();
        editing.table(&["provider_router"]).unwrap().insert("flood_burst", toml_edit::value(3));
        fs::write(&path, "# theirs").unwrap();
        assert_eq!(editing.save().err().map(|failure| failure.exit), Some(Exit::TryAgain));
        assert_eq!(fs::read_to_string(&path).unwrap(), "# theirs");
    }
}
