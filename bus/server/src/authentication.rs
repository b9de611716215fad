//! Who a connection is: the credentials of CONNECT against the users.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use nkeys::KeyPair;

use crate::secret::Secret;
use crate::wire::ConnectOptions;

/// What proves that a connection is a user.
pub enum Credential {
    /// The public key of a user nkey (`U…`); the connection signs the server's nonce.
    Nkey(String),
    Token(Secret),
    Password {
        user: String,
        password: Secret,
    },
    /// A password of which only the bcrypt hash (`$2a$…`) is known here.
    PasswordHash {
        user: String,
        hash: String,
    },
    /// A token of which only the bcrypt hash is known here.
    TokenHash(String),
}

/// What a credential says about an offer.
pub(crate) enum Verdict {
    Proved,
    Refused,
    /// The slow comparison with a bcrypt hash is still to be done, away from the runtime's threads.
    Hashed,
}

// === impl Credential ===

impl Credential {
    /// Compares with what a connection showed. `nonce` is what its INFO carried.
    pub(crate) fn verdict(&self, offer: &ConnectOptions, nonce: &str) -> Verdict {
        let is_proved = match self {
            Self::Nkey(public) => !offer.nkey.is_empty() && offer.nkey == *public && has_signed(public, nonce, &offer.signature),
            Self::Token(token) => !offer.token.text().is_empty() && token.equals(&offer.token),
            Self::Password { user, password } => !offer.user.is_empty() && *user == offer.user && password.equals(&offer.password),
            Self::PasswordHash { user, .. } if !offer.user.is_empty() && *user == offer.user => return Verdict::Hashed,
            Self::TokenHash(_) if !offer.token.text().is_empty() => return Verdict::Hashed,
            Self::PasswordHash { .. } | Self::TokenHash(_) => false,
        };
        if is_proved { Verdict::Proved } else { Verdict::Refused }
    }

    /// The slow part of [`Verdict::Hashed`]: tens of milliseconds of work.
    pub(crate) fn compare_hash(&self, offer: &ConnectOptions) -> bool {
        match self {
            Self::PasswordHash { hash, .. } => bcrypt::verify(offer.password.text(), hash).unwrap_or(false),
            Self::TokenHash(hash) => bcrypt::verify(offer.token.text(), hash).unwrap_or(false),
            Self::Nkey(_) | Self::Token(_) | Self::Password { .. } => false,
        }
    }
}

/// Whether the offer shows anything at all.
pub(crate) fn is_anonymous(offer: &ConnectOptions) -> bool {
    offer.nkey.is_empty() && offer.user.is_empty() && offer.password.text().is_empty() && offer.token.text().is_empty()
}

/// Clients send the signature in the URL alphabet without padding; older ones in the standard one.
fn has_signed(public: &str, nonce: &str, signature: &str) -> bool {
    let bytes = BASE64URL_NOPAD.decode(signature.as_bytes()).or_else(|_| BASE64.decode(signature.as_bytes()));
    let (Ok(bytes), Ok(key)) = (bytes, KeyPair::from_public_key(public)) else { return false };
    key.verify(nonce.as_bytes(), &bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proves(credential: &Credential, json: &str) -> bool {
        let mut offer = ConnectOptions::default();
        offer.apply(json.as_bytes()).unwrap();
        match credential.verdict(&offer, "nonce") {
            Verdict::Proved => true,
            Verdict::Refused => false,
            Verdict::Hashed => credential.compare_hash(&offer),
        }
    }

    #[test]
    fn an_nkey_proves_itself_by_signing_the_nonce() {
        let key = KeyPair::new_user();
        let credential = Credential::Nkey(key.public_key());
        let sign = |text: &str| BASE64URL_NOPAD.encode(&key.sign(text.as_bytes()).unwrap());
        let offer = |signature: String| format!(r#"{{"nkey":"{}","sig":"{signature}"}}"#, key.public_key());
        assert!(proves(&credential, &offer(sign("nonce"))));
        assert!(!proves(&credential, &offer(sign("other"))) && !proves(&credential, &offer(String::new())));
    }

    #[test]
    fn passwords_and_tokens_must_be_equal_and_not_empty() {
        let password = Credential::Password { user: "ann".into(), password: "secret".into() };
        let token = Credential::Token("".into());
        assert!(proves(&password, r#"{"user":"ann","pass":"secret"}"#));
        assert!(!proves(&password, r#"{"user":"ann","pass":"secreT"}"#) && !proves(&password, r#"{"user":"ann"}"#));
        assert!(!proves(&token, r#"{"auth_token":""}"#) && !proves(&token, "{}"));
    }

    #[test]
    fn a_hash_is_never_compared_as_plain_text() {
        let hash = bcrypt::hash("secret", 4).unwrap();
        let credential = Credential::PasswordHash { user: "ann".into(), hash: hash.clone() };
        assert!(proves(&credential, r#"{"user":"ann","pass":"secret"}"#));
        assert!(!proves(&credential, &format!(r#"{{"user":"ann","pass":"{hash}"}}"#)));
    }
}
