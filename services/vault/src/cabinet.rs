//! The sealed store: secrets by name, and the log of what happened to them. Everything blocks on the disk.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use argentum_proto::vault::v1::{AuditEntry, AuditRecord, SealedSecret, SecretInfo, StoreHeader};
use argentum_service::sealing::SecretBytes;
use argentum_store::{Batch, DiskStore, Records, Store, StoreError, StoreOptions, Tree};
use prost::Message;

use crate::{
    audit::{self, Action, Broken, Chain, Happening, Head},
    envelope::{Envelope, EnvelopeError, Label},
    key::{Purpose, VaultKey},
    verification,
};

/// Folder of the store in the data directory.
const FOLDER: &str = "vault";
/// Written into the store, so that it is not taken for another one.
const MAGIC: &str = "argentum-vault";
const HEADERS: Tree = Tree::new("header");
const HEADER: &[u8] = b"header";
pub(crate) const SECRETS: Tree = Tree::new("secret");
pub(crate) const AUDIT: Tree = Tree::new("audit");
/// Records read at a time.
pub(crate) const PAGE_RECORDS: usize = 1_000;
/// Most entries of the audit log in one answer.
const ENTRIES_MAX: usize = 1_000;
/// A lease that is renewed is written down once in this time.
const LEASE_NOTE_MS: u64 = 3_600_000;

/// A store of which only the header was read.
pub(crate) struct Closed {
    store: DiskStore,
    header: Option<StoreHeader>,
}

/// Secrets that can be opened. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Cabinet(Arc<Inner>);

struct Inner {
    store: DiskStore,
    envelope: Envelope,
    chain: Chain,
    ledger: Mutex<Ledger>,
    /// Whether a commit failed: the store takes nothing more until it is opened anew.
    has_failed: AtomicBool,
}

/// Who changes something holds this: changes and their entries in the log follow each other.
struct Ledger {
    header: StoreHeader,
    /// When a lease was last written down.
    noted_ms: BTreeMap<(String, String, String), u64>,
}

/// Why the sealed store cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CabinetError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a record of the sealed store cannot be decoded; use the version that wrote it")]
    Decode(#[from] prost::DecodeError),
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error("the sealed store has no header but is not empty; nothing was changed, restore the data directory from a backup")]
    NoHeader,
    #[error(
        "the secret `{name}` is not the one that the audit log tells of; nothing was changed, restore the data directory from a backup"
    )]
    Astray { name: String },
    #[error("there is no secret `{name}`")]
    Missing { name: String },
}

// === impl Closed ===

impl Closed {
    pub(crate) fn open(data_dir: &Path) -> Result<Self, CabinetError> {
        let store = DiskStore::open(&data_dir.join(FOLDER), &StoreOptions::new(MAGIC))?;
        let header = store.get(HEADERS, HEADER)?.map(|bytes| StoreHeader::decode(bytes.as_slice())).transpose()?;
        Ok(Self { store, header })
    }

    /// Of the key that this store needs; `None` where it is new.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.header.as_ref().map(|header| header.key_id.as_str())
    }

    /// Opens it with `key`, whose id is the one that it needs; a new one is bound to it. Verifies the whole audit log, and that the secrets are those that it
    /// tells of.
    pub(crate) fn unlock(self, key: &VaultKey, now_ms: u64) -> Result<Cabinet, CabinetError> {
        let Self { store, header } = self;
        let header = match header {
            Some(header) => header,
            None => bind(&store, key, now_ms)?,
        };
        let chain = Chain::new(key.derive(Purpose::Audit));
        verification::verify(&store, &chain, &Head { sequence: header.audit_sequence, mac: header.audit_mac.to_vec() })?;
        let envelope = Envelope::new(&key.derive(Purpose::Sealing));
        let ledger = Mutex::new(Ledger { header, noted_ms: BTreeMap::new() });
        Ok(Cabinet(Arc::new(Inner { store, envelope, chain, ledger, has_failed: AtomicBool::new(false) })))
    }
}

/// Makes a new store one of `key`. One that holds something has lost its header: it is not new, and stays as it is.
fn bind(store: &DiskStore, key: &VaultKey, now_ms: u64) -> Result<StoreHeader, CabinetError> {
    for tree in [SECRETS, AUDIT] {
        if !store.scan(tree, &[], None, 1)?.records.is_empty() {
            return Err(CabinetError::NoHeader);
        }
    }
    let header = StoreHeader { key_id: key.id(), created_at_ms: now_ms, ..StoreHeader::default() };
    let mut batch = Batch::new();
    batch.put(HEADERS, HEADER, header.encode_to_vec());
    store.commit_blocking(batch)?;
    Ok(header)
}

// === impl Cabinet ===

impl Cabinet {
    /// Keeps a secret; returns its version. When it returns, it is on disk.
    pub(crate) fn put(&self, name: &str, secret: &SecretBytes, now_ms: u64) -> Result<u64, CabinetError> {
        let mut ledger = self.lock();
        let before = self.sealed(name)?;
        let version = before.as_ref().map_or(1, |before| before.version + 1);
        let created_at_ms = before.map_or(now_ms, |before| before.created_at_ms);
        let sealed = self.0.envelope.seal(Label { name, version, created_at_ms, changed_at_ms: now_ms }, secret)?;
        let mut batch = Batch::new();
        batch.put(SECRETS, name, sealed.encode_to_vec());
        self.commit(&mut ledger, batch, now_ms, Happening { actor: "operator", action: Action::Put, name, outcome: "done" })?;
        Ok(version)
    }

    pub(crate) fn remove(&self, name: &str, now_ms: u64) -> Result<(), CabinetError> {
        let mut ledger = self.lock();
        self.sealed(name)?.ok_or_else(|| CabinetError::Missing { name: name.to_owned() })?;
        let mut batch = Batch::new();
        batch.delete(SECRETS, name);
        self.commit(&mut ledger, batch, now_ms, Happening { actor: "operator", action: Action::Remove, name, outcome: "done" })
    }

    pub(crate) fn open(&self, name: &str) -> Result<SecretBytes, CabinetError> {
        let sealed = self.sealed(name)?.ok_or_else(|| CabinetError::Missing { name: name.to_owned() })?;
        Ok(self.0.envelope.open(name, &sealed)?)
    }

    pub(crate) fn list(&self) -> Result<Vec<SecretInfo>, CabinetError> {
        let (mut infos, mut after) = (Vec::new(), None::<Vec<u8>>);
        loop {
            let page = self.0.store.scan(SECRETS, &[], after.as_deref(), PAGE_RECORDS)?;
            for (key, value) in page.records {
                let SealedSecret { version, created_at_ms, changed_at_ms, .. } = SealedSecret::decode(value.as_slice())?;
                infos.push(SecretInfo { name: String::from_utf8_lossy(&key).into_owned(), version, created_at_ms, changed_at_ms });
                after = Some(key);
            }
            if !page.is_partial {
                return Ok(infos);
            }
        }
    }

    /// Writes a lease down, or its refusal. One that is renewed again and again is written down once an hour.
    pub(crate) fn note_lease(&self, actor: &str, name: &str, outcome: &str, now_ms: u64) -> Result<(), CabinetError> {
        let mut ledger = self.lock();
        let key = (actor.to_owned(), name.to_owned(), outcome.to_owned());
        if ledger.noted_ms.get(&key).is_some_and(|noted_ms| now_ms.abs_diff(*noted_ms) < LEASE_NOTE_MS) {
            return Ok(());
        }
        self.commit(&mut ledger, Batch::new(), now_ms, Happening { actor, action: Action::Lease, name, outcome })?;
        // Names come from services, of which each has few; what does not fit is merely noted more often.
        if ledger.noted_ms.len() < PAGE_RECORDS {
            ledger.noted_ms.insert(key, now_ms);
        }
        Ok(())
    }

    /// The newest `count_max` entries (0 = as many as there are in one answer) of the log before `before_sequence` (0 = all), oldest first.
    pub(crate) fn entries(&self, count_max: u32, before_sequence: u64) -> Result<Vec<AuditEntry>, CabinetError> {
        let newest = self.lock().header.audit_sequence;
        let end = if before_sequence == 0 { newest } else { newest.min(before_sequence - 1) };
        let count = match usize::try_from(count_max).unwrap_or(usize::MAX) {
            0 => ENTRIES_MAX,
            count => count.min(ENTRIES_MAX),
        };
        let after = end.saturating_sub(count as u64).to_be_bytes();
        let page = self.0.store.scan(AUDIT, &[], Some(&after), count)?;
        let records = page.records.into_iter().map(|(_, value)| AuditRecord::decode(value.as_slice()).map(audit::entry));
        Ok(records.filter(|entry| entry.as_ref().map_or(true, |entry| entry.sequence <= end)).collect::<Result<_, _>>()?)
    }

    fn sealed(&self, name: &str) -> Result<Option<SealedSecret>, CabinetError> {
        let bytes = self.0.store.get(SECRETS, name.as_bytes())?;
        Ok(bytes.map(|bytes| SealedSecret::decode(bytes.as_slice())).transpose()?)
    }

    /// Commits a change together with its entry in the log.
    fn commit(&self, ledger: &mut Ledger, mut batch: Batch, now_ms: u64, happening: Happening<'_>) -> Result<(), CabinetError> {
        let head = Head { sequence: ledger.header.audit_sequence, mac: ledger.header.audit_mac.to_vec() };
        let record = self.0.chain.next(&head, now_ms, happening);
        let header = StoreHeader { audit_sequence: record.sequence, audit_mac: record.mac.clone(), ..ledger.header.clone() };
        batch.put(AUDIT, record.sequence.to_be_bytes(), record.encode_to_vec());
        batch.put(HEADERS, HEADER, header.encode_to_vec());
        self.0.store.commit_blocking(batch).inspect_err(|error| {
            // A full queue refuses before anything is written; what else fails is final.
            self.0.has_failed.fetch_or(!matches!(error, StoreError::QueueFull), Ordering::Relaxed);
        })?;
        ledger.header = header;
        Ok(())
    }

    /// Whether the store has to be opened anew, and can be. On a full disk it still reads, which is better than nothing.
    pub(crate) fn is_to_be_opened_anew(&self) -> bool {
        self.0.has_failed.load(Ordering::Relaxed) && self.0.store.can_be_opened_anew()
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        // A panic leaves the ledger as it was before the commit, and the store decides what is true.
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixture {
        folder: tempfile::TempDir,
        key: VaultKey,
    }

    impl Fixture {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let key = VaultKey::create(|_| folder.path().join("vault.key")).unwrap().0;
            Self { folder, key }
        }

        fn cabinet(&self) -> Result<Cabinet, CabinetError> {
            Closed::open(self.folder.path())?.unlock(&self.key, 0)
        }
    }

    fn secret(text: &str) -> SecretBytes {
        SecretBytes::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a_secret_is_there_after_a_new_start_until_it_is_removed() {
        let fixture = Fixture::new();
        let cabinet = fixture.cabinet().unwrap();
        assert_eq!(cabinet.put("provider/acme", &secret("one"), 1).unwrap(), 1);
        assert_eq!(cabinet.put("provider/acme", &secret("two"), 2).unwrap(), 2);
        drop(cabinet);
        let cabinet = fixture.cabinet().unwrap();
        assert!(cabinet.open("provider/acme").is_ok_and(|secret| secret.expose() == b"two"));
        cabinet.remove("provider/acme", 3).unwrap();
        assert!(matches!(cabinet.open("provider/acme"), Err(CabinetError::Missing { .. })));
        assert!(matches!(cabinet.remove("provider/acme", 3), Err(CabinetError::Missing { .. })));
    }

    #[test]
    fn the_log_tells_everything_once_and_in_order() {
        let fixture = Fixture::new();
        let cabinet = fixture.cabinet().unwrap();
        cabinet.put("provider/acme", &secret("one"), 1).unwrap();
        for now_ms in [2, 3, LEASE_NOTE_MS + 2] {
            cabinet.note_lease("provider-router", "provider/acme", "done", now_ms).unwrap();
        }
        cabinet.remove("provider/acme", 4).unwrap();
        let told = |count, before| -> Vec<(u64, String, u64)> {
            cabinet.entries(count, before).unwrap().into_iter().map(|entry| (entry.sequence, entry.action, entry.at_ms)).collect()
        };
        let all =
            [(1, "put".to_owned(), 1), (2, "lease".to_owned(), 2), (3, "lease".to_owned(), LEASE_NOTE_MS + 2), (4, "remove".to_owned(), 4)];
        assert_eq!(told(10, 0), all);
        assert_eq!(told(2, 4), all[1..3]);
        assert_eq!(told(0, 0), all);
    }

    #[test]
    fn a_log_that_was_tampered_with_is_not_opened() {
        let fixture = Fixture::new();
        let cabinet = fixture.cabinet().unwrap();
        cabinet.put("provider/acme", &secret("one"), 1).unwrap();
        cabinet.put("provider/acme", &secret("two"), 2).unwrap();
        let mut batch = Batch::new();
        batch.delete(AUDIT, 2u64.to_be_bytes());
        cabinet.0.store.commit_blocking(batch).unwrap();
        drop(cabinet);
        assert!(matches!(fixture.cabinet(), Err(CabinetError::Broken(Broken { sequence: 2 }))));
    }

    fn put_back(older: Vec<u8>) -> Batch {
        let mut batch = Batch::new();
        batch.put(SECRETS, "provider/acme", older);
        batch
    }

    #[test]
    fn an_older_a_missing_and_a_returned_secret_are_found() {
        let tampered = |tamper: fn(&Cabinet, Vec<u8>) -> Batch| {
            let fixture = Fixture::new();
            let cabinet = fixture.cabinet().unwrap();
            cabinet.put("provider/acme", &secret("one"), 1).unwrap();
            let older = cabinet.sealed("provider/acme").unwrap().unwrap().encode_to_vec();
            let batch = tamper(&cabinet, older);
            cabinet.0.store.commit_blocking(batch).unwrap();
            drop(cabinet);
            matches!(fixture.cabinet(), Err(CabinetError::Astray { name }) if name == "provider/acme")
        };
        assert!(tampered(|cabinet, older| {
            cabinet.put("provider/acme", &secret("two"), 2).unwrap();
            put_back(older)
        }));
        assert!(tampered(|cabinet, older| {
            cabinet.remove("provider/acme", 2).unwrap();
            put_back(older)
        }));
        assert!(tampered(|_, _| {
            let mut batch = Batch::new();
            batch.delete(SECRETS, "provider/acme");
            batch
        }));
    }

    #[test]
    fn a_store_without_its_header_is_not_taken_for_a_new_one() {
        let fixture = Fixture::new();
        let cabinet = fixture.cabinet().unwrap();
        cabinet.put("provider/acme", &secret("one"), 1).unwrap();
        let mut batch = Batch::new();
        batch.delete(HEADERS, HEADER);
        cabinet.0.store.commit_blocking(batch).unwrap();
        drop(cabinet);
        assert!(matches!(fixture.cabinet(), Err(CabinetError::NoHeader)));
        assert_eq!(Closed::open(fixture.folder.path()).unwrap().key_id(), None, "nothing may be written");
    }

    #[test]
    fn two_secrets_that_change_places_do_not_open() {
        let fixture = Fixture::new();
        let cabinet = fixture.cabinet().unwrap();
        cabinet.put("provider/a", &secret("one"), 1).unwrap();
        cabinet.put("provider/b", &secret("two"), 1).unwrap();
        let [a, b] = ["provider/a", "provider/b"].map(|name| cabinet.sealed(name).unwrap().unwrap().encode_to_vec());
        let mut batch = Batch::new();
        batch.put(SECRETS, "provider/a", b);
        batch.put(SECRETS, "provider/b", a);
        cabinet.0.store.commit_blocking(batch).unwrap();
        assert!(matches!(cabinet.open("provider/a"), Err(CabinetError::Envelope(EnvelopeError::Open))));
    }
}
