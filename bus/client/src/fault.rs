//! The errors that cross the bus.

use std::fmt;

/// What a caller can act on. Nine codes, no more: a tenth would be a case that no caller handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// What was named does not exist.
    NotFound,
    /// The request can never succeed as it is.
    InvalidArgument,
    /// Nobody knows who asks.
    Unauthenticated,
    /// Who asks is known and may not.
    Forbidden,
    /// The state of things contradicts the request; look again, then retry.
    Conflict,
    /// Too much at once; wait.
    RateLimited,
    /// No answer within the deadline. Whether the work was done is unknown.
    Timeout,
    /// Nobody serves this right now; retry.
    Unavailable,
    /// A defect or damage; the log of the service says more.
    Internal,
}

/// An error with a text that is safe to show to anybody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Fault {
    pub code: ErrorCode,
    pub text: String,
}

const NAMES: [(ErrorCode, &str); 9] = [
    (ErrorCode::NotFound, "not-found"),
    (ErrorCode::InvalidArgument, "invalid-argument"),
    (ErrorCode::Unauthenticated, "unauthenticated"),
    (ErrorCode::Forbidden, "forbidden"),
    (ErrorCode::Conflict, "conflict"),
    (ErrorCode::RateLimited, "rate-limited"),
    (ErrorCode::Timeout, "timeout"),
    (ErrorCode::Unavailable, "unavailable"),
    (ErrorCode::Internal, "internal"),
];

// === impl ErrorCode ===

impl ErrorCode {
    /// The code as it stands in the header of a reply, in `--json` and in metrics.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(code, _)| *code == self).map_or("internal", |(_, name)| name)
    }

    /// The code that `name` stands for. An unknown name comes from a newer peer and is [`ErrorCode::Internal`].
    pub fn from_name(name: &str) -> Self {
        NAMES.iter().find(|(_, known)| *known == name).map_or(ErrorCode::Internal, |(code, _)| *code)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

// === impl Fault ===

impl Fault {
    pub fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    pub fn unavailable(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::Unavailable, text)
    }

    pub fn internal(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_the_wire() {
        for (code, _) in NAMES {
            assert_eq!(ErrorCode::from_name(code.name()), code);
        }
    }

    #[test]
    fn a_code_of_a_newer_peer_is_internal() {
        assert_eq!(ErrorCode::from_name("teapot"), ErrorCode::Internal);
    }
}
