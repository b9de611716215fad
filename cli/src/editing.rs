//! Changing `argentum.toml` by a verb: comments and order stay, nothing is written that would not be read.

use std::{
    fs::{self, File as Folder},
    io,
    path::{Path, PathBuf},
};

use argentum_service::{Exit, Failure, files};
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value, value};

use crate::{arguments::Global, config::File};

/// A configuration that is being changed.
pub(crate) struct Editing {
    path: PathBuf,
    /// As it was read.
    before: String,
    document: DocumentMut,
}

/// Sets a key that may be left out.
pub(crate) fn set(table: &mut dyn TableLike, key: &str, item: Option<impl Into<Value>>) {
    if let Some(item) = item {
        table.insert(key, value(item));
    }
}

/// Sets a list, unless it is empty.
pub(crate) fn set_list(table: &mut dyn TableLike, key: &str, items: &[String]) {
    set(table, key, (!items.is_empty()).then(|| items.iter().collect::<Array>()));
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
        File::parse_changed(&self.document.to_string(), &self.path)
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
    ///
    /// A link stays a link: what it leads to is replaced.
    pub(crate) fn save(self) -> Result<File, Failure> {
        let text = self.document.to_string();
        let file = File::parse_changed(&text, &self.path)?;
        if text == self.before {
            return Ok(file);
        }
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let _alone = lock(&path).map_err(|error| self.unwritable(&error, &text))?;
        let now = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            other => other.map_err(|error| self.unwritable(&error, &text))?,
        };
        if now != self.before {
            let text = format!("`{}` was changed by somebody else meanwhile; try again", self.path.display());
            return Err(Failure::new(Exit::TryAgain, text));
        }
        files::replace(&path, text.as_bytes()).map_err(|error| self.unwritable(&error, &text))?;
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

/// Keeps other verbs from writing while this one compares and writes. Ends with the folder's handle.
fn lock(path: &Path) -> io::Result<Folder> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = Folder::open(folder)?;
    folder.lock()?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

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
        editing.table(&["provider_router"]).unwrap().insert("flood_burst", value(7));
        editing.save().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "# mine\n[http] # page\nlisten = '127.0.0.1:0'\n\n[provider_router]\nflood_burst = 7\n");
    }

    #[test]
    fn what_would_be_refused_is_not_written() {
        let (_folder, path) = written("");
        let mut editing = Editing::begin(&global(&path)).unwrap();
        editing.table(&["provider_router"]).unwrap().insert("flood_burst", value(0));
        assert_eq!(editing.save().err().map(|failure| failure.exit), Some(Exit::Config));
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
    }

    #[test]
    fn a_change_by_somebody_else_is_not_overwritten() {
        let (_folder, path) = written("");
        let mut editing = Editing::begin(&global(&path)).unwrap();
        editing.table(&["provider_router"]).unwrap().insert("flood_burst", value(3));
        fs::write(&path, "# theirs").unwrap();
        assert_eq!(editing.save().err().map(|failure| failure.exit), Some(Exit::TryAgain));
        assert_eq!(fs::read_to_string(&path).unwrap(), "# theirs");
    }

    #[test]
    fn a_link_stays_a_link_and_a_mode_stays_a_mode() {
        let (folder, path) = written("");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let link = folder.path().join("link.toml");
        symlink(&path, &link).unwrap();
        let mut editing = Editing::begin(&global(&link)).unwrap();
        editing.table(&["provider_router"]).unwrap().insert("flood_burst", value(3));
        editing.save().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::read_to_string(&path).unwrap().contains("flood_burst = 3"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    }

    #[test]
    fn of_many_at_once_each_is_written_or_told_to_try_again() {
        let (_folder, path) = written("");
        let add = |number: i64| {
            let mut editing = Editing::begin(&global(&path)).unwrap();
            editing.table(&["provider_router", "providers", &format!("p{number}")]).unwrap().insert("kind", value("openai"));
            editing.save().map(drop).map_err(|failure| failure.exit)
        };
        let outcomes: Vec<Result<(), Exit>> = std::thread::scope(|scope| {
            let adding: Vec<_> = (0..8)
                .map(|number| {
                    scope.spawn({
                        let add = &add;
                        move || add(number)
                    })
                })
                .collect();
            adding.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let written = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(Exit::TryAgain))), "{outcomes:?}");
        let file = File::parse(&fs::read_to_string(&path).unwrap(), &path).unwrap();
        assert_eq!(file.provider_router.providers.len(), written);
    }
}
