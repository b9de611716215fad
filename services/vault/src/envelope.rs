//! One sealed secret: a data key of its own seals the value, a key derived from the vault key seals the data key.
//!
//! All sealing is AES-256-GCM-SIV (RFC 8452) with random nonces; should one ever repeat, it tells only that two equal values are equal.
//! Name, version and purpose are authenticated: a record that was moved or changed does not open.

use aes_gcm_siv::{
    Aes256GcmSiv, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use argentum_proto::vault::v1::SealedSecret;
use argentum_service::sealing::SecretBytes;
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;

/// A secret could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EnvelopeError {
    #[error("no randomness is to be had")]
    Randomness,
    #[error("a secret cannot be sealed")]
    Seal,
    #[error("a sealed secret does not open: its record is damaged or belongs elsewhere; restore the data directory from a backup")]
    Open,
}

/// When a version of a secret was made, and how it is called.
#[derive(Clone, Copy)]
pub(crate) struct Label<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: u64,
    pub(crate) created_at_ms: u64,
    pub(crate) changed_at_ms: u64,
}

/// Seals and opens.
pub(crate) struct Envelope(Aes256GcmSiv);

// === impl Envelope ===

impl Envelope {
    pub(crate) fn new(sealing_key: &[u8; KEY_BYTES]) -> Self {
        Self(Aes256GcmSiv::new(sealing_key.into()))
    }

    pub(crate) fn seal(&self, label: Label<'_>, secret: &SecretBytes) -> Result<SealedSecret, EnvelopeError> {
        let data_key = Zeroizing::new(random::<KEY_BYTES>()?);
        let (key_nonce, value_nonce) = (random::<NONCE_BYTES>()?, random::<NONCE_BYTES>()?);
        let sealed_key = encrypt(&self.0, key_nonce, data_key.as_ref(), &bound(label, "key"))?;
        let sealed_value = encrypt(&Aes256GcmSiv::new((&*data_key).into()), value_nonce, secret.expose(), &bound(label, "value"))?;
        Ok(SealedSecret {
            version: label.version,
            created_at_ms: label.created_at_ms,
            changed_at_ms: label.changed_at_ms,
            key_nonce: key_nonce.to_vec().into(),
            sealed_key: sealed_key.into(),
            value_nonce: value_nonce.to_vec().into(),
            sealed_value: sealed_value.into(),
        })
    }

    pub(crate) fn open(&self, name: &str, sealed: &SealedSecret) -> Result<SecretBytes, EnvelopeError> {
        let label = Label { name, version: sealed.version, created_at_ms: sealed.created_at_ms, changed_at_ms: sealed.changed_at_ms };
        let data_key = Zeroizing::new(decrypt(&self.0, &sealed.key_nonce, &sealed.sealed_key, &bound(label, "key"))?);
        let data_key = <&[u8; KEY_BYTES]>::try_from(data_key.as_slice()).map_err(|_| EnvelopeError::Open)?;
        let value = decrypt(&Aes256GcmSiv::new(data_key.into()), &sealed.value_nonce, &sealed.sealed_value, &bound(label, "value"))?;
        Ok(SecretBytes::new(value))
    }
}

/// What is authenticated beside the sealed bytes. The name is last, so that nothing in it can pass for another field.
fn bound(label: Label<'_>, what: &str) -> Vec<u8> {
    let Label { name, version, created_at_ms, changed_at_ms } = label;
    format!("argentum vault {what} v1\0{version}\0{created_at_ms}\0{changed_at_ms}\0{name}").into_bytes()
}

fn encrypt(cipher: &Aes256GcmSiv, nonce: [u8; NONCE_BYTES], plain: &[u8], bound: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    cipher.encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: bound }).map_err(|_| EnvelopeError::Seal)
}

fn decrypt(cipher: &Aes256GcmSiv, nonce: &[u8], sealed: &[u8], bound: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).map_err(|_| EnvelopeError::Open)?;
    cipher.decrypt(&Nonce::from(nonce), Payload { msg: sealed, aad: bound }).map_err(|_| EnvelopeError::Open)
}

fn random<const N: usize>() -> Result<[u8; N], EnvelopeError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| EnvelopeError::Randomness)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    const LABEL: Label<'_> = Label { name: "provider/acme", version: 3, created_at_ms: 1, changed_at_ms: 2 };

    fn sealed() -> (Envelope, SealedSecret) {
        let envelope = Envelope::new(&[7; KEY_BYTES]);
        let sealed = envelope.seal(LABEL, &SecretBytes::new(b"open sesame".to_vec())).unwrap();
        (envelope, sealed)
    }

    #[test]
    fn what_was_sealed_opens_and_is_not_in_the_record() {
        let (envelope, sealed) = sealed();
        assert!(envelope.open(LABEL.name, &sealed).is_ok_and(|secret| secret.expose() == b"open sesame"));
        assert!(!sealed.encode_to_vec().windows(4).any(|window| window == b"open"));
    }

    #[test]
    fn it_opens_under_no_other_name_and_by_no_other_key() {
        let (envelope, sealed) = sealed();
        assert_eq!(envelope.open("provider/other", &sealed).err(), Some(EnvelopeError::Open));
        assert_eq!(Envelope::new(&[8; KEY_BYTES]).open(LABEL.name, &sealed).err(), Some(EnvelopeError::Open));
    }

    #[test]
    fn any_flipped_bit_of_the_record_is_noticed() {
        let (envelope, sealed) = sealed();
        let bytes = sealed.encode_to_vec();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let opened = SealedSecret::decode(damaged.as_slice()).ok().filter(|record| *record != sealed);
            assert!(opened.is_none_or(|record| envelope.open(LABEL.name, &record).is_err()), "bit {bit}");
        }
    }

    #[test]
    fn equal_secrets_are_sealed_differently() {
        assert_ne!(sealed().1.sealed_value, sealed().1.sealed_value);
    }
}
