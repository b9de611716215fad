//! The vault's key: what is wrong with it ends the start with one message and the remedy, and changes nothing.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Output,
};

use tempfile::TempDir;

use crate::bundle::{Bundle, argentum, up_command};

/// A sealed store with one secret, and the key that its first start made.
struct Sealed {
    folder: TempDir,
    key: PathBuf,
}

impl Sealed {
    fn make() -> Self {
        let bundle = Bundle::start();
        let put = bundle.verb_with(&["secret", "put", "provider/acme"], "open sesame");
        assert!(put.status.success(), "{put:?}");
        let folder = bundle.kill();
        let mut keys: Vec<PathBuf> =
            fs::read_dir(folder.path().join("config/argentum")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(keys.len(), 1, "{keys:?}");
        Self { folder, key: keys.pop().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a start says that is refused.
    fn refused(&self, more: &[&str]) -> String {
        let output = up_command(self.folder.path()).args(["--listen", "127.0.0.1:0"]).args(more).output().unwrap();
        assert_eq!(output.status.code(), Some(78), "{output:?}");
        told(&output)
    }

    /// The secret is still there, and the key file is the only one that there is.
    fn assert_unharmed(self) {
        let keys = fs::read_dir(self.key.parent().unwrap()).unwrap().count();
        assert_eq!(keys, 1, "nothing may be made");
        let bundle = Bundle::start_in(self.folder);
        let listed = bundle.verb(&["secret", "list"]);
        assert!(String::from_utf8_lossy(&listed.stdout).contains("provider/acme  version 1"), "{listed:?}");
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn create_key(path: &Path) {
    let made = argentum().args(["vault", "create-key", "--out"]).arg(path).output().unwrap();
    assert!(made.status.success(), "{made:?}");
}

#[test]
fn a_wrong_key_is_refused_and_both_keys_are_named() {
    let sealed = Sealed::make();
    let other = sealed.path("other.key");
    create_key(&other);
    let text = sealed.refused(&["--vault-key-file", other.to_str().unwrap()]);
    let id = sealed.key.file_stem().unwrap().to_str().unwrap().trim_start_matches("vault-").to_owned();
    assert!(text.contains(&format!("needs the vault key {id}")) && text.contains("the key file holds"), "{text}");
    sealed.assert_unharmed();
}

#[test]
fn a_key_that_is_missing_beside_a_sealed_store_is_not_made_anew() {
    let sealed = Sealed::make();
    let away = sealed.path("away.key");
    fs::rename(&sealed.key, &away).unwrap();
    let text = sealed.refused(&[]);
    assert!(text.contains(sealed.key.to_str().unwrap()) && text.contains("--vault-key-file"), "{text}");
    assert!(!sealed.key.exists(), "nothing may be made");
    fs::rename(&away, &sealed.key).unwrap();
    sealed.assert_unharmed();
}

#[test]
fn a_key_in_the_data_directory_is_refused() {
    let sealed = Sealed::make();
    let within = sealed.path("data/vault.key");
    fs::copy(&sealed.key, &within).unwrap();
    let text = sealed.refused(&["--vault-key-file", within.to_str().unwrap()]);
    assert!(text.contains("lies in the data directory"), "{text}");
    fs::remove_file(&within).unwrap();
    sealed.assert_unharmed();
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let sealed = Sealed::make();
    fs::set_permissions(&sealed.key, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(sealed.refused(&[]).contains("chmod 600"));
    fs::set_permissions(&sealed.key, fs::Permissions::from_mode(0o600)).unwrap();
    sealed.assert_unharmed();
}

#[test]
fn a_key_file_that_holds_something_else_is_refused() {
    let sealed = Sealed::make();
    let key = fs::read(&sealed.key).unwrap();
    fs::write(&sealed.key, "correct horse battery staple\n").unwrap();
    assert!(sealed.refused(&[]).contains("is not a vault key"));
    fs::write(&sealed.key, key).unwrap();
    sealed.assert_unharmed();
}

#[test]
fn a_named_key_is_not_made_at_the_first_start() {
    let folder = TempDir::new().unwrap();
    let named = folder.path().join("named.key");
    let output = up_command(folder.path()).args(["--listen", "127.0.0.1:0", "--vault-key-file"]).arg(&named).output().unwrap();
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    assert!(told(&output).contains("argentum vault create-key --out"), "{}", told(&output));
    assert!(!named.exists());
}

#[test]
fn a_key_is_named_from_where_the_verb_is_typed() {
    let folder = TempDir::new().unwrap();
    create_key(&folder.path().join("mine.key"));
    let mut command = up_command(folder.path());
    let log = fs::File::create(folder.path().join("up.log")).unwrap();
    command
        .args(["--listen", "127.0.0.1:0", "--vault-key-file", "mine.key"])
        .current_dir(folder.path())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    let bundle = Bundle::adopt(folder.path(), command.spawn().unwrap());
    bundle.until_state("ready");
    assert!(!folder.path().join("config").exists(), "no other key may be made");
}
