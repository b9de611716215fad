//! From a configuration to an open cabinet: which key, made when, refused why.

use std::path::{Path, PathBuf};

use argentum_service::{Exit, Failure, chain, unix_ms};
use tracing::info;

use crate::{
    cabinet::{Cabinet, CabinetError, Closed},
    config::Config,
    key::{KeyError, VaultKey},
};

/// Opens the sealed store below `data_dir` with the key that `config` names, or makes both where neither is there.
pub(crate) fn open(config: &Config, data_dir: &Path) -> Result<Cabinet, Failure> {
    let closed = Closed::open(data_dir).map_err(|error| failed(&error))?;
    let key = match (closed.key_id(), &config.key_file, &config.key_folder) {
        (_, Some(file), _) => read(file, data_dir)?,
        (Some(id), None, Some(folder)) => read(&path_of(folder, id), data_dir)?,
        (None, None, Some(folder)) => make(folder, data_dir)?,
        (_, None, None) => return Err(refuse("no key is named; name its file as `vault.key_file` or with --vault-key-file")),
    };
    if let Some(wanted) = closed.key_id().filter(|wanted| *wanted != key.id()) {
        let text = format!("the sealed store needs the vault key {wanted}, but the key file holds {}; name the right one", key.id());
        return Err(refuse(&text));
    }
    closed.unlock(&key, unix_ms()).map_err(|error| failed(&error))
}

fn path_of(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("vault-{id}.key"))
}

fn read(path: &Path, data_dir: &Path) -> Result<VaultKey, Failure> {
    check_place(path, data_dir)?;
    VaultKey::read(path).map_err(|error| match error {
        KeyError::Missing { .. } => refuse(&format!(
            "{error}; put it there from your copy, or name where it is with --vault-key-file; `argentum vault create-key --out FILE` \
             makes one for a new data directory"
        )),
        error => refuse(&chain(&error)),
    })
}

/// Makes a key for a new store, named after what it is.
fn make(folder: &Path, data_dir: &Path) -> Result<VaultKey, Failure> {
    check_place(folder, data_dir)?;
    let made = VaultKey::create(|id| path_of(folder, id));
    let (key, path) = made.map_err(|error| {
        let text =
            format!("no vault key can be made: {}; name one that is there as `vault.key_file` or with --vault-key-file", chain(&error));
        Failure::new(Exit::CannotCreate, text)
    })?;
    info!(path = %path.display(), "a new vault key was made; keep a copy where the data is not");
    Ok(key)
}

/// A key beside what it seals seals nothing.
fn check_place(path: &Path, data_dir: &Path) -> Result<(), Failure> {
    let is_within = |path: &Path| {
        let known = path.ancestors().find_map(|ancestor| ancestor.canonicalize().ok());
        known.zip(data_dir.canonicalize().ok()).is_some_and(|(path, data_dir)| path.starts_with(data_dir))
    };
    if is_within(path) {
        return Err(refuse(&format!("the key file `{}` lies in the data directory that it protects; keep it elsewhere", path.display())));
    }
    Ok(())
}

fn refuse(text: &str) -> Failure {
    Failure::new(Exit::Config, format!("the vault stays closed: {text}"))
}

fn failed(error: &CabinetError) -> Failure {
    Failure::new(Exit::Io, format!("the vault stays closed: {}", chain(error)))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use argentum_service::sealing::SecretBytes;
    use tempfile::TempDir;

    use super::*;

    struct Place {
        folder: TempDir,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("data")).unwrap();
            Self { folder }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn open(&self, config: &Config) -> Result<Cabinet, Failure> {
            open(config, &self.path("data"))
        }

        fn by_folder(&self) -> Config {
            Config { key_folder: Some(self.path("keys")), ..Config::default() }
        }

        fn by_file(&self, name: &str) -> Config {
            Config { key_file: Some(self.path(name)), ..Config::default() }
        }

        /// The one key that is there.
        fn made(&self) -> PathBuf {
            let mut files: Vec<PathBuf> = fs::read_dir(self.path("keys")).unwrap().map(|entry| entry.unwrap().path()).collect();
            assert_eq!(files.len(), 1, "{files:?}");
            files.pop().unwrap()
        }
    }

    fn told(result: Result<Cabinet, Failure>) -> String {
        let failure = result.err().unwrap();
        assert_eq!(failure.exit, Exit::Config, "{}", failure.text);
        failure.text
    }

    #[test]
    fn the_first_start_makes_a_key_and_the_next_finds_it() {
        let place = Place::new();
        place.open(&place.by_folder()).unwrap().put("a", &SecretBytes::new(b"x".to_vec()), 1).unwrap();
        let made = place.made();
        assert!(place.open(&place.by_folder()).unwrap().open("a").is_ok());
        assert_eq!(place.made(), made);
    }

    #[test]
    fn a_start_that_died_while_it_made_a_key_is_in_nobodys_way() {
        let place = Place::new();
        fs::create_dir(place.path("keys")).unwrap();
        // What an earlier process of the same id left: in a container every process has it.
        fs::write(place.path(&format!("keys/vault-new-{}.key", std::process::id())), "").unwrap();
        assert!(place.open(&place.by_folder()).is_ok());
    }

    #[test]
    fn a_missing_key_beside_a_sealed_store_is_not_replaced() {
        let place = Place::new();
        drop(place.open(&place.by_folder()).unwrap());
        let (made, away) = (place.made(), place.path("away.key"));
        fs::rename(&made, &away).unwrap();
        let text = told(place.open(&place.by_folder()));
        assert!(text.contains("does not exist") && text.contains(made.to_str().unwrap()), "{text}");
        assert_eq!(fs::read_dir(place.path("keys")).unwrap().count(), 0, "nothing may be made");
        assert!(place.open(&place.by_file("away.key")).is_ok());
    }

    #[test]
    fn a_named_key_must_exist_also_at_the_first_start() {
        let place = Place::new();
        let text = told(place.open(&place.by_file("named.key")));
        assert!(text.contains("argentum vault create-key --out"), "{text}");
        crate::create_key(&place.path("named.key")).unwrap();
        assert!(place.open(&place.by_file("named.key")).is_ok());
    }

    #[test]
    fn a_wrong_key_is_named_beside_the_right_one() {
        let place = Place::new();
        drop(place.open(&place.by_folder()).unwrap());
        crate::create_key(&place.path("other.key")).unwrap();
        let ids = [place.made(), place.path("other.key")].map(|path| VaultKey::read(&path).unwrap().id());
        let text = told(place.open(&place.by_file("other.key")));
        assert!(ids.iter().all(|id| text.contains(id.as_str())), "{text}");
        assert!(place.open(&place.by_folder()).is_ok(), "nothing was changed");
    }

    #[test]
    fn a_key_in_the_data_directory_is_refused_also_by_a_detour() {
        let place = Place::new();
        symlink(place.path("data"), place.path("detour")).unwrap();
        for name in ["data/vault.key", "data/deep/vault.key", "detour/vault.key"] {
            assert!(told(place.open(&place.by_file(name))).contains("lies in the data directory"), "{name}");
        }
        let config = Config { key_folder: Some(place.path("data/keys")), ..Config::default() };
        assert!(told(place.open(&config)).contains("lies in the data directory"));
    }

    #[test]
    fn without_any_name_nothing_is_made() {
        assert!(told(Place::new().open(&Config::default())).contains("--vault-key-file"));
    }
}
