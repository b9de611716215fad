//! The names of things that more than one service speaks of: typed, checked where they come in, never a bare string.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};
use thiserror::Error;
use ulid::Ulid;

use crate::channel::v1::AcceptMessageRequest;

/// Longest gateway name and incarnation in bytes: both travel as or beside subject tokens.
const TOKEN_BYTES_MAX: usize = 64;

/// Longest id that a platform may give, in bytes. Message-IDs of e-mail are the longest known (998 by RFC 5322, section 2.1.1).
const PLATFORM_ID_BYTES_MAX: usize = 1024;

/// Why a text is not an id.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{text}` is no {kind}")]
pub struct InvalidId {
    /// What it should have been.
    pub kind: &'static str,
    /// The beginning of what came.
    pub text: String,
}

impl InvalidId {
    fn new(kind: &'static str, text: &str) -> Self {
        Self { kind, text: text.chars().take(80).collect() }
    }
}

/// One configured account of a platform (`telegram-home`, `irc-libera`, `web`); a subject token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gateway(String);

/// One life of a gateway's memory of outbounds: new at process start and whenever that memory is rebuilt.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(String);

/// A conversation's id at its platform; unique within a gateway.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId(String);

/// A conversation as a subject token: the first 32 hex digits of the SHA-256 of its platform id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationToken(String);

/// A message's id at its platform.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(String);

/// A person or bot at a platform.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SenderId(String);

/// One accepted message and everything that follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TurnId(Ulid);

/// One completion of `/v1`, which is no turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CompletionId(Ulid);

/// One answer that is a stream of frames: the random token of the inbox subject that it travels on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(String);

/// One text on its way to a platform. A turn has at most one, which bears its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutboundId(TurnId);

/// One part of an outbound, as the platform gets it. Nonces, transaction ids, Message-IDs derive from this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartId {
    /// The text that it is part of.
    pub outbound: OutboundId,
    /// Where it begins in the text.
    pub first_byte: u64,
}

/// What makes a message the same message, whoever brings it how often.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey {
    /// The account that brought it, as the server enforced it.
    pub gateway: Gateway,
    /// The platform's own account id and whatever restarts its numbering; may be empty.
    pub account_incarnation: String,
    /// Where it was said.
    pub conversation: ConversationId,
    /// The platform's id of it.
    pub message: MessageId,
    /// 0 for a new message, growing with every edit.
    pub revision: u64,
}

/// A message key in 16 bytes, for tables that hold many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyDigest([u8; 16]);

// === impl of the text ids ===

macro_rules! text_id {
    ($name:ident, $kind:literal, $is_valid:expr) => {
        impl $name {
            /// Checks the text.
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                let is_valid: fn(&str) -> bool = $is_valid;
                if is_valid(&text) { Ok(Self(text)) } else { Err(InvalidId::new($kind, &text)) }
            }

            /// The text that was parsed.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }
    };
}

text_id!(Gateway, "gateway name (1 to 64 of a-z, 0-9, `-`, `_`)", |text| is_token(text, |byte| {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
}));
text_id!(Incarnation, "incarnation (1 to 64 letters and digits)", |text| is_token(text, |byte| byte.is_ascii_alphanumeric()));
text_id!(ConversationId, "conversation id (1 to 1024 bytes)", is_platform_id);
text_id!(ConversationToken, "conversation token (32 hex digits)", |text| {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
});
text_id!(MessageId, "message id (1 to 1024 bytes)", is_platform_id);
text_id!(StreamId, "stream (16 to 64 letters, digits, `-`, `_`)", |text| {
    16 <= text.len() && is_token(text, |byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
});
text_id!(SenderId, "sender id (1 to 1024 bytes)", is_platform_id);

fn is_token(text: &str, is_allowed: fn(u8) -> bool) -> bool {
    (1..=TOKEN_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_allowed)
}

fn is_platform_id(text: &str) -> bool {
    (1..=PLATFORM_ID_BYTES_MAX).contains(&text.len())
}

// === impl ConversationId ===

impl ConversationId {
    /// Its subject token.
    pub fn token(&self) -> ConversationToken {
        let digest = Sha256::digest(self.0.as_bytes());
        ConversationToken(digest[..16].iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

// === impl TurnId, OutboundId, PartId ===

impl TurnId {
    /// From a ULID that the caller made.
    pub const fn new(ulid: Ulid) -> Self {
        Self(ulid)
    }

    /// The ULID's 128 bits; evenly spread in the low half.
    pub const fn bits(self) -> u128 {
        self.0.0
    }
}

impl fmt::Display for TurnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TurnId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Ulid::from_string(text).map(Self).map_err(|_| InvalidId::new("turn id (a ULID)", text))
    }
}

impl OutboundId {
    /// The turn whose outcome it tells.
    pub const fn turn(self) -> TurnId {
        self.0
    }
}

impl From<TurnId> for OutboundId {
    fn from(turn: TurnId) -> Self {
        Self(turn)
    }
}

impl fmt::Display for OutboundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for OutboundId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse().map(Self).map_err(|_| InvalidId::new("outbound id (a ULID)", text))
    }
}

impl fmt::Display for PartId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.outbound, self.first_byte)
    }
}

// === impl CompletionId ===

impl CompletionId {
    /// From a ULID that the caller made.
    pub const fn new(ulid: Ulid) -> Self {
        Self(ulid)
    }
}

impl fmt::Display for CompletionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CompletionId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Ulid::from_string(text).map(Self).map_err(|_| InvalidId::new("completion id (a ULID)", text))
    }
}

// === impl MessageKey, KeyDigest ===

impl MessageKey {
    /// The key of a message that `gateway` brings.
    pub fn of(gateway: &Gateway, message: &AcceptMessageRequest) -> Result<Self, InvalidId> {
        Ok(Self {
            gateway: gateway.clone(),
            account_incarnation: message.account_incarnation.clone(),
            conversation: message.platform_conversation_id.parse()?,
            message: message.platform_message_id.parse()?,
            revision: message.revision,
        })
    }

    /// The key's digest: every field preceded by its length, so that no two keys run together.
    pub fn digest(&self) -> KeyDigest {
        let mut hash = Sha256::new();
        for field in [self.gateway.as_str(), &self.account_incarnation, self.conversation.as_str(), self.message.as_str()] {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        }
        hash.update(self.revision.to_be_bytes());
        let mut digest = [0; 16];
        digest.copy_from_slice(&hash.finalize()[..16]);
        KeyDigest(digest)
    }
}

impl KeyDigest {
    /// From bytes that [`KeyDigest::as_bytes`] gave.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(conversation: &str, message: &str) -> MessageKey {
        MessageKey {
            gateway: Gateway::parse("web").unwrap(),
            account_incarnation: String::new(),
            conversation: ConversationId::parse(conversation).unwrap(),
            message: MessageId::parse(message).unwrap(),
            revision: 0,
        }
    }

    #[test]
    fn a_conversation_token_is_the_beginning_of_the_hash() {
        // FIPS 180-2, appendix B.1: SHA-256 of "abc" is ba7816bf 8f01cfea 414140de 5dae2223 …
        let token = ConversationId::parse("abc").unwrap().token();
        assert_eq!(token.as_str(), "ba7816bf8f01cfea414140de5dae2223");
    }

    #[test]
    fn fields_of_a_key_do_not_run_together() {
        assert_ne!(key("ab", "c").digest(), key("a", "bc").digest());
    }

    #[test]
    fn a_gateway_name_cannot_widen_a_subject() {
        let refused = ["", "a.b", "*", ">", "a b", "Web", &"x".repeat(65)].map(|text| Gateway::parse(text).is_err());
        assert_eq!(refused, [true; 7]);
    }

    #[test]
    fn a_turn_id_survives_its_text() {
        let turn = TurnId::new(Ulid(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef));
        assert_eq!(turn.to_string().parse(), Ok(turn));
    }

    #[test]
    fn a_part_is_named_by_its_outbound_and_first_byte() {
        let outbound = OutboundId::from(TurnId::new(Ulid(1)));
        assert_eq!(PartId { outbound, first_byte: 4096 }.to_string(), "00000000000000000000000001.4096");
    }
}
