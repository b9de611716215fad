//! `tls`: certificate files and the time of the handshake.

use std::path::PathBuf;
use std::time::Duration;

use super::fault::Fault;
use super::section::FaultList;
use super::units;
use super::value::{Entry, Located, Value};
use crate::tls::{Handshake, Tls};

const CERTIFICATES_ONLY: &str = "remove it: certificates are checked as usual, and users prove themselves in `authorization`";
const MODERN: &str = "remove it: TLS 1.2 and 1.3 with safe ciphers only";

/// nats-server's wait for a client that may start the handshake.
const AUTO_DELAY: Duration = Duration::from_millis(50);

#[derive(Default)]
struct Draft {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    authority: Option<PathBuf>,
    verifies: bool,
    handshake: Handshake,
    timeout: Option<Duration>,
}

/// Reads the section; paths are relative to the working directory, as in nats-server.
pub(crate) fn read(value: &Located, faults: &mut FaultList) -> Option<Tls> {
    let map = value.map(faults)?;
    let mut draft = Draft::default();
    for entry in &map.entries {
        field(entry, &mut draft, faults);
    }
    let Draft { certificate: Some(certificate), key: Some(key), authority, verifies, handshake, timeout } = draft else {
        faults.push(Fault::new(&map.position, "`tls` needs `cert_file` and `key_file`"));
        return None;
    };
    if verifies && authority.is_none() {
        faults.push(Fault::with_remedy(
            &map.position,
            "`verify` needs `ca_file`",
            "name the authority that signs the clients' certificates",
        ));
        return None;
    }
    match Tls::from_files(&certificate, &key, authority.as_deref().filter(|_| verifies)) {
        Ok(mut tls) => {
            tls.handshake = handshake;
            tls.timeout = timeout.unwrap_or(tls.timeout);
            Some(tls)
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            faults.push(Fault::new(&map.position, format!("{error}{cause}")));
            None
        }
    }
}

fn field(entry: &Entry, draft: &mut Draft, faults: &mut FaultList) {
    let value = &entry.value;
    match entry.name().as_str() {
        "cert_file" => draft.certificate = value.text(faults).map(PathBuf::from),
        "key_file" => draft.key = value.text(faults).map(PathBuf::from),
        "ca_file" => draft.authority = value.text(faults).map(PathBuf::from),
        "verify" => draft.verifies = value.boolean(faults).unwrap_or_default(),
        "timeout" => draft.timeout = value.duration(faults),
        "handshake_first" | "first" | "immediate" => draft.handshake = handshake(value, faults),
        "cipher_suites" | "curve_preferences" | "min_version" => entry.unsupported(MODERN, faults),
        "verify_and_map"
        | "verify_cert_and_check_known_urls"
        | "pinned_certs"
        | "insecure"
        | "connection_rate_limit"
        | "certs"
        | "ocsp_peer"
        | "cert_store" => {
            entry.unsupported(CERTIFICATES_ONLY, faults);
        }
        _ => entry.unknown(" in `tls`", faults),
    }
}

fn handshake(value: &Located, faults: &mut FaultList) -> Handshake {
    match &value.value {
        Value::Boolean(true) => return Handshake::First,
        Value::Boolean(false) => return Handshake::AfterInfo,
        Value::Text(text) if text.eq_ignore_ascii_case("auto") => return Handshake::FirstWithin(AUTO_DELAY),
        Value::Text(text) => {
            if let Some(delay) = units::duration(text) {
                return Handshake::FirstWithin(delay);
            }
        }
        _ => {}
    }
    faults.push(Fault::new(&value.position, "`handshake_first` is a boolean, `auto` or a duration"));
    Handshake::AfterInfo
}
