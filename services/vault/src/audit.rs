//! The audit log: a chain in which every record authenticates itself and the one before.
//!
//! Whoever changes, removes or inserts a record without the vault key breaks the chain. Whoever can put back an older copy of the whole
//! store is not found out by it.

use argentum_proto::vault::v1::{AuditEntry, AuditRecord};
use hmac::{Hmac, KeyInit, Mac};
use prost::Message;
use sha2::Sha256;
use zeroize::Zeroizing;

/// What happened, to be written down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Happening<'a> {
    /// `operator` or the name of a service.
    pub(crate) actor: &'a str,
    pub(crate) action: Action,
    /// Of the secret.
    pub(crate) name: &'a str,
    /// `done`, or why not.
    pub(crate) outcome: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    Put,
    Remove,
    Lease,
}

/// The chain's end, to which the next record is joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) sequence: u64,
    pub(crate) mac: Vec<u8>,
}

/// Writes and verifies records.
pub(crate) struct Chain(Zeroizing<[u8; 32]>);

/// The log is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit log is damaged at entry {sequence}; nothing was changed, restore the data directory from a backup")]
pub(crate) struct Broken {
    pub(crate) sequence: u64,
}

// === impl Action ===

impl Action {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Action::Put => "put",
            Action::Remove => "remove",
            Action::Lease => "lease",
        }
    }
}

// === impl Chain ===

impl Chain {
    pub(crate) fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self(key)
    }

    /// The record that follows `head`.
    pub(crate) fn next(&self, head: &Head, at_ms: u64, happening: Happening<'_>) -> AuditRecord {
        let record = AuditRecord {
            sequence: head.sequence + 1,
            at_ms,
            actor: happening.actor.to_owned(),
            action: happening.action.name().to_owned(),
            name: happening.name.to_owned(),
            outcome: happening.outcome.to_owned(),
            previous_mac: head.mac.clone().into(),
            mac: Vec::new().into(),
        };
        AuditRecord { mac: self.authenticator(&record).finalize().into_bytes().to_vec().into(), ..record }
    }

    /// Goes on from `head` over `record`, if that is what follows.
    pub(crate) fn verify(&self, head: &Head, record: &AuditRecord) -> Result<Head, Broken> {
        let broken = Broken { sequence: head.sequence + 1 };
        let bare = AuditRecord { mac: Vec::new().into(), ..record.clone() };
        let is_next = record.sequence == head.sequence + 1 && record.previous_mac == head.mac;
        let is_authentic = self.authenticator(&bare).verify_slice(&record.mac).is_ok();
        if is_next && is_authentic { Ok(Head::of(record)) } else { Err(broken) }
    }

    fn authenticator(&self, bare: &AuditRecord) -> Hmac<Sha256> {
        let mut authenticator = Hmac::<Sha256>::new_from_slice(self.0.as_ref()).expect("HMAC takes keys of any length");
        authenticator.update(&bare.encode_to_vec());
        authenticator
    }
}

// === impl Head ===

impl Head {
    pub(crate) fn of(record: &AuditRecord) -> Self {
        Self { sequence: record.sequence, mac: record.mac.to_vec() }
    }
}

/// A record as an operator is shown it.
pub(crate) fn entry(record: AuditRecord) -> AuditEntry {
    let AuditRecord { sequence, at_ms, actor, action, name, outcome, .. } = record;
    AuditEntry { sequence, at_ms, actor, action, name, outcome }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> (Chain, Vec<AuditRecord>) {
        let chain = Chain::new(Zeroizing::new([9; 32]));
        let mut head = Head::default();
        let records = (0..4).map(|at_ms| {
            let happening = Happening { actor: "operator", action: Action::Put, name: "provider/acme", outcome: "done" };
            let record = chain.next(&head, at_ms, happening);
            head = Head::of(&record);
            record
        });
        let records = records.collect();
        (chain, records)
    }

    fn verified(chain: &Chain, records: &[AuditRecord]) -> Result<Head, Broken> {
        records.iter().try_fold(Head::default(), |head, record| chain.verify(&head, record))
    }

    #[test]
    fn a_log_as_it_was_written_is_verified() {
        let (chain, records) = records();
        assert_eq!(verified(&chain, &records).unwrap(), Head::of(&records[3]));
    }

    #[test]
    fn a_changed_a_missing_and_a_moved_record_are_found() {
        let (chain, records) = records();
        let mut changed = records.clone();
        changed[1].outcome = "refused".to_owned();
        assert_eq!(verified(&chain, &changed), Err(Broken { sequence: 2 }));
        let missing = [records[0].clone(), records[2].clone()];
        assert_eq!(verified(&chain, &missing), Err(Broken { sequence: 2 }));
        let moved = [records[1].clone(), records[0].clone()];
        assert_eq!(verified(&chain, &moved), Err(Broken { sequence: 1 }));
    }

    #[test]
    fn a_log_of_another_key_is_not_verified() {
        let (_, records) = records();
        assert!(verified(&Chain::new(Zeroizing::new([1; 32])), &records).is_err());
    }
}
