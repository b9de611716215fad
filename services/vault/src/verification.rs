//! Whether a sealed store is as it was left: the log is whole, and every secret is the one that it tells of.
//!
//! Each record of a secret authenticates itself; only the log knows whether it is the newest one, and which are missing.

use std::collections::BTreeMap;

use argentum_proto::vault::v1::{AuditRecord, SealedSecret};
use argentum_store::{DiskStore, Records};
use prost::Message;

use crate::{
    audit::{Action, Broken, Chain, Head},
    cabinet::{AUDIT, CabinetError, PAGE_RECORDS, SECRETS},
};

/// Secrets as the log tells of them.
#[derive(Default)]
struct Told(BTreeMap<String, Version>);

/// A version of a secret, and when it was put in.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Version {
    number: u64,
    changed_at_ms: u64,
}

/// Reads the whole store; `wanted` is where its log should end.
pub(crate) fn verify(store: &DiskStore, chain: &Chain, wanted: &Head) -> Result<(), CabinetError> {
    let (mut head, mut told, mut after) = (Head::default(), Told::default(), None::<Vec<u8>>);
    loop {
        let page = store.scan(AUDIT, &[], after.as_deref(), PAGE_RECORDS)?;
        for (key, value) in page.records {
            let record = AuditRecord::decode(value.as_slice()).map_err(|_| Broken { sequence: head.sequence + 1 })?;
            head = chain.verify(&head, &record)?;
            told.note(record);
            after = Some(key);
        }
        if !page.is_partial {
            break;
        }
    }
    if head != *wanted {
        return Err(Broken { sequence: head.sequence.min(wanted.sequence) + 1 }.into());
    }
    compare(store, told)
}

fn compare(store: &DiskStore, Told(mut told): Told) -> Result<(), CabinetError> {
    let mut after = None::<Vec<u8>>;
    loop {
        let page = store.scan(SECRETS, &[], after.as_deref(), PAGE_RECORDS)?;
        for (key, value) in page.records {
            let name = String::from_utf8_lossy(&key).into_owned();
            let SealedSecret { version, changed_at_ms, .. } = SealedSecret::decode(value.as_slice())?;
            if told.remove(&name) != Some(Version { number: version, changed_at_ms }) {
                return Err(CabinetError::Astray { name });
            }
            after = Some(key);
        }
        if !page.is_partial {
            break;
        }
    }
    told.pop_first().map_or(Ok(()), |(name, _)| Err(CabinetError::Astray { name }))
}

// === impl Told ===

impl Told {
    fn note(&mut self, AuditRecord { action, name, at_ms, .. }: AuditRecord) {
        if action == Action::Put.name() {
            let number = self.0.get(&name).map_or(0, |before| before.number) + 1;
            self.0.insert(name, Version { number, changed_at_ms: at_ms });
        } else if action == Action::Remove.name() {
            self.0.remove(&name);
        }
    }
}
