//! Secrets on their way: sealed to a key that the receiver made for this one purpose (HPKE, RFC 9180).
//!
//! The context binds a sealed secret to what it was sealed for: opened as anything else it does not open.

use argentum_proto::vault::v1::{Sealed, Suite};
use hpke::{Deserializable, Kem as _, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256, kem::X25519HkdfSha256};
use zeroize::Zeroizing;

type Kem = X25519HkdfSha256;
type PrivateKey = <Kem as hpke::Kem>::PrivateKey;

/// Base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305 (RFC 9180, sections 5 and 7).
pub const SUITE: Suite = Suite { mode: 0x00, kem: 0x0020, kdf: 0x0001, aead: 0x0003 };

/// A secret in the clear. It is wiped when it is dropped, and cannot be printed, copied or written by accident.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

/// One who is to receive one secret.
pub struct Recipient {
    private: PrivateKey,
    public: <Kem as hpke::Kem>::PublicKey,
}

/// Why a secret could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealingError {
    #[error("the sealing suite is not known to this version")]
    Suite,
    #[error("the key to seal to is not a key")]
    Key,
    #[error("the sealed secret does not open: it was made for something else, or is damaged")]
    Open,
}

/// What a secret that an operator puts into the vault is sealed for.
pub fn intake_context(name: &str) -> Vec<u8> {
    context(&["argentum vault intake v1", name])
}

/// What a secret that `service` leases is sealed for.
pub fn lease_context(service: &str, name: &str) -> Vec<u8> {
    context(&["argentum vault lease v1", service, name])
}

fn context(parts: &[&str]) -> Vec<u8> {
    parts.join("\0").into_bytes()
}

/// Seals `secret` to whoever holds the private half of `public_key`, for `context` alone.
pub fn seal(public_key: &[u8], context: &[u8], secret: &SecretBytes) -> Result<Sealed, SealingError> {
    let public = <Kem as hpke::Kem>::PublicKey::from_bytes(public_key).map_err(|_| SealingError::Key)?;
    let mode = OpModeS::<Kem>::Base;
    let sealed = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, Kem>(&mode, &public, context, secret.expose(), &[]);
    let (encapsulated, ciphertext) = sealed.map_err(|_| SealingError::Key)?;
    Ok(Sealed { suite: Some(SUITE), encapsulated: encapsulated.to_bytes().to_vec().into(), ciphertext: ciphertext.into() })
}

// === impl SecretBytes ===

impl SecretBytes {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The secret itself.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

// === impl Recipient ===

impl Recipient {
    pub fn new() -> Self {
        let (private, public) = Kem::gen_keypair();
        Self { private, public }
    }

    /// What to seal to.
    pub fn public(&self) -> Vec<u8> {
        self.public.to_bytes().to_vec()
    }

    /// Opens what was sealed to this recipient for `context`. A recipient opens once.
    pub fn open(self, sealed: &Sealed, context: &[u8]) -> Result<SecretBytes, SealingError> {
        if sealed.suite != Some(SUITE) {
            return Err(SealingError::Suite);
        }
        open(&self.private, sealed, context, &[])
    }
}

fn open(private: &PrivateKey, sealed: &Sealed, context: &[u8], associated: &[u8]) -> Result<SecretBytes, SealingError> {
    let encapsulated = <Kem as hpke::Kem>::EncappedKey::from_bytes(&sealed.encapsulated).map_err(|_| SealingError::Open)?;
    let mode = OpModeR::<Kem>::Base;
    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(&mode, private, &encapsulated, context, &sealed.ciphertext, associated)
        .map(SecretBytes::new)
        .map_err(|_| SealingError::Open)
}

impl Default for Recipient {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(recipient: &Recipient) -> Sealed {
        seal(&recipient.public(), &lease_context("a", "b"), &SecretBytes::new(b"open sesame".to_vec())).unwrap()
    }

    #[test]
    fn a_sealed_secret_opens_for_its_recipient_and_purpose() {
        let recipient = Recipient::new();
        let sealed = sealed(&recipient);
        assert!(recipient.open(&sealed, &lease_context("a", "b")).is_ok_and(|secret| secret.expose() == b"open sesame"));
    }

    #[test]
    fn it_opens_for_nobody_else_and_for_nothing_else() {
        let recipient = Recipient::new();
        let made = sealed(&recipient);
        assert_eq!(Recipient::new().open(&made, &lease_context("a", "b")).err(), Some(SealingError::Open));
        assert_eq!(recipient.open(&made, &lease_context("a", "c")).err(), Some(SealingError::Open));
    }

    #[test]
    fn a_flipped_bit_anywhere_is_noticed() {
        for place in 0..27 {
            let recipient = Recipient::new();
            let mut made = sealed(&recipient);
            let mut bytes = made.ciphertext.to_vec();
            bytes[place] ^= 1;
            made.ciphertext = bytes.into();
            assert_eq!(recipient.open(&made, &lease_context("a", "b")).err(), Some(SealingError::Open), "byte {place}");
        }
    }

    #[test]
    fn another_suite_is_refused_by_name() {
        let recipient = Recipient::new();
        let mut made = sealed(&recipient);
        made.suite = Some(Suite { aead: 1, ..SUITE });
        assert_eq!(recipient.open(&made, &lease_context("a", "b")).err(), Some(SealingError::Suite));
    }

    /// RFC 9180, appendix A.2.1.1, sequence number 0.
    #[test]
    fn the_vector_of_the_standard_opens() {
        let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
        let private = PrivateKey::from_bytes(&hex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")).unwrap();
        let sealed = Sealed {
            suite: Some(SUITE),
            encapsulated: hex("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a").into(),
            ciphertext: hex("1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28").into(),
        };
        let opened = open(&private, &sealed, &hex("4f6465206f6e2061204772656369616e2055726e"), b"Count-0").unwrap();
        assert_eq!(opened.expose(), b"Beauty is truth, truth beauty");
    }
}
