//! The vault key and its file: one line of text, readable by its owner, never in the data directory.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use data_encoding::{BASE64, HEXLOWER};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// What a key file begins with; the key follows in Base64.
const PREFIX: &str = "argentum-vault-key-1:";
const KEY_BYTES: usize = 32;
const ID_BYTES: usize = 8;
/// A key file is a line; whatever is longer is something else.
const FILE_BYTES_MAX: u64 = 1024;
/// May others read or change it? A group may read what another user (root, a volume) owns and shares with us.
const OTHERS: u32 = 0o007;
const GROUP: u32 = 0o070;
const GROUP_READ: u32 = 0o040;

/// 256 bits from which all other keys are derived. Wiped when it is dropped.
pub(crate) struct VaultKey(Zeroizing<[u8; KEY_BYTES]>);

/// What a derived key is for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// Sealing data keys.
    Sealing,
    /// Authenticating the audit log.
    Audit,
}

/// Why there is no vault key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the vault's key file `{}` does not exist", path.display())]
    Missing { path: PathBuf },
    #[error("the vault's key file `{}` cannot be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the vault's key file `{}` cannot be made", path.display())]
    Create {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` is not a vault key: it must be one line, `{PREFIX}` and 32 bytes in Base64", path.display())]
    Malformed { path: PathBuf },
    #[error("others may read or change the vault's key file `{}` (mode {mode:04o}); `chmod 600` it", path.display())]
    Open { path: PathBuf, mode: u32 },
}

// === impl VaultKey ===

impl VaultKey {
    /// Makes a new key and its file, whose path may come from the key's id.
    pub(crate) fn create(path: impl FnOnce(&str) -> PathBuf) -> Result<(Self, PathBuf), KeyError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        let randomness = getrandom::fill(bytes.as_mut()).map_err(io::Error::other);
        let key = Self(bytes);
        let path = path(&key.id());
        match randomness.and_then(|()| write(&path, key.0.as_ref())) {
            Ok(()) => Ok((key, path)),
            Err(source) => Err(KeyError::Create { path, source }),
        }
    }

    /// Reads a key from its file.
    pub(crate) fn read(path: &Path) -> Result<Self, KeyError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => KeyError::Missing { path: path.to_owned() },
            _ => KeyError::Read { path: path.to_owned(), source },
        };
        let metadata = fs::metadata(path).map_err(failed)?;
        let (mode, is_ours) = (metadata.mode() & 0o7777, metadata.uid() == rustix::process::geteuid().as_raw());
        let is_shared = mode & OTHERS != 0 || mode & GROUP & !GROUP_READ != 0 || (is_ours && mode & GROUP_READ != 0);
        if is_shared {
            return Err(KeyError::Open { path: path.to_owned(), mode });
        }
        let malformed = || KeyError::Malformed { path: path.to_owned() };
        if !metadata.is_file() || FILE_BYTES_MAX < metadata.len() {
            return Err(malformed());
        }
        let text = Zeroizing::new(fs::read(path).map_err(failed)?);
        parse(&text).ok_or_else(malformed)
    }

    /// Names the key without telling anything of it.
    pub(crate) fn id(&self) -> String {
        let mut id = [0; ID_BYTES];
        self.expand(b"argentum vault key id v1", &mut id);
        HEXLOWER.encode(&id)
    }

    pub(crate) fn derive(&self, purpose: Purpose) -> Zeroizing<[u8; KEY_BYTES]> {
        let info: &[u8] = match purpose {
            Purpose::Sealing => b"argentum vault sealing key v1",
            Purpose::Audit => b"argentum vault audit key v1",
        };
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        self.expand(info, key.as_mut());
        key
    }

    fn expand(&self, info: &[u8], out: &mut [u8]) {
        // The key is uniformly random, so HKDF's extraction (RFC 5869, 3.3) could be left out; it costs nothing.
        Hkdf::<Sha256>::new(None, self.0.as_ref()).expand(info, out).expect("HKDF gives up to 8,160 bytes");
    }
}

fn parse(text: &[u8]) -> Option<VaultKey> {
    let encoded = text.trim_ascii().strip_prefix(PREFIX.as_bytes())?;
    let decoded = Zeroizing::new(BASE64.decode(encoded).ok()?);
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    if decoded.len() != KEY_BYTES {
        return None;
    }
    key.copy_from_slice(&decoded);
    Some(VaultKey(key))
}

fn write(path: &Path, key: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    make_folder(folder)?;
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    let line = Zeroizing::new(format!("{PREFIX}{}\n", Zeroizing::new(BASE64.encode(key)).as_str()));
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    File::open(folder)?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a folder for its owner only, and those above it; all of them are on disk when it returns. A key that a power cut took away
/// with its folder would take every secret with it.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    make_folder(folder_of(folder))?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => File::open(folder_of(folder))?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn create(path: &Path) -> Result<VaultKey, KeyError> {
        VaultKey::create(|_| path.to_owned()).map(|(key, _)| key)
    }

    fn fault(path: &Path) -> KeyError {
        VaultKey::read(path).err().unwrap()
    }

    #[test]
    fn a_key_that_was_made_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/vault.key");
        let made = create(&path).unwrap();
        assert_eq!(VaultKey::read(&path).unwrap().id(), made.id());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_key_that_is_there_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.key");
        let first = create(&path).unwrap().id();
        assert!(matches!(create(&path), Err(KeyError::Create { .. })));
        assert_eq!(VaultKey::read(&path).unwrap().id(), first);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.key");
        assert!(matches!(fault(&path), KeyError::Missing { .. }));
        for text in ["", "hello", "argentum-vault-key-1:AAAA", "argentum-vault-key-2:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert!(matches!(fault(&path), KeyError::Malformed { .. }), "{text}");
        }
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.key");
        create(&path).unwrap();
        for mode in [0o644, 0o640, 0o620, 0o602] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(fault(&path), KeyError::Open { .. }), "{mode:o}");
        }
    }
}
