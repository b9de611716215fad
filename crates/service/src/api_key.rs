//! Keys of the API below `/v1`: made where they are shown, known elsewhere only by their hash.
//!
//! A key is random enough that its plain SHA-256 tells nothing of it, so no slow hash is needed.

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

/// What every key begins with, so that people and scanners know one when they see it.
pub const PREFIX: &str = "ark-";
/// Bytes of randomness: 32 characters.
const RANDOM_BYTES: usize = 24;
/// Fewest characters behind the prefix of what can be a key at all.
const RANDOM_CHARS_MIN: usize = 22;

/// A key in the clear. Secret, hence no `Debug`, `Display`, `Clone`; wiped when it is dropped.
pub struct ApiKey(zeroize::Zeroizing<String>);

// === impl ApiKey ===

impl ApiKey {
    /// Makes one.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = zeroize::Zeroizing::new([0; RANDOM_BYTES]);
        getrandom::fill(bytes.as_mut())?;
        let mut text = zeroize::Zeroizing::new(String::from(PREFIX));
        BASE64URL_NOPAD.encode_append(bytes.as_ref(), &mut text);
        Ok(Self(text))
    }

    /// The key itself, to be shown once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

/// The hash of what somebody shows as a key; `None` where it cannot be one.
pub fn sha256_of(shown: &str) -> Option<[u8; 32]> {
    let random = shown.strip_prefix(PREFIX)?;
    let is_possible =
        RANDOM_CHARS_MIN <= random.len() && random.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    is_possible.then(|| Sha256::digest(shown.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_shown_has_the_hash_that_was_kept() {
        let key = ApiKey::generate().unwrap();
        assert_eq!(sha256_of(key.expose()), Some(key.sha256()));
        assert_eq!(key.expose().len(), PREFIX.len() + 32);
    }

    #[test]
    fn no_key_is_like_another() {
        assert_ne!(ApiKey::generate().unwrap().sha256(), ApiKey::generate().unwrap().sha256());
    }

    #[test]
    fn what_cannot_be_a_key_has_no_hash() {
        for shown in ["", "ark-", "ark-short", "sk-0123456789012345678901", "ark-01234567890123456789 1", "ark-ööööööööööö"] {
            assert_eq!(sha256_of(shown), None, "{shown}");
        }
    }
}
