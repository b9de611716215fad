//! Text that must not leak: passwords and tokens.

use subtle::ConstantTimeEq;

/// A password or token. It cannot be printed, copied or serialised, and comparing it takes the same time wherever the difference is.
pub struct Secret(String);

// === impl Secret ===

impl Secret {
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Compares in constant time for texts of one length; the length itself is no secret.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
