//! Why a call gave no answer.

use std::time::{Duration, SystemTime};

use crate::core::{FailureClass, VendorFailure};

/// Longest text of a vendor that is shown to an operator, in characters.
const DETAIL_CHARS_MAX: usize = 256;

/// A failure, with what an operator should know of it. Never holds a key or what was said.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct CallFailure {
    pub(crate) failure: Box<VendorFailure>,
    pub(crate) detail: String,
}

// === impl CallFailure ===

impl CallFailure {
    pub(crate) fn new(class: FailureClass, is_retryable: bool, detail: impl AsRef<str>) -> Self {
        let failure = VendorFailure { class, is_retryable, retry_after_ms: None, settlement: None };
        let printable = detail.as_ref().chars().map(|sign| if sign.is_control() { ' ' } else { sign });
        Self { failure: Box::new(failure), detail: printable.take(DETAIL_CHARS_MAX).collect() }
    }

    /// The vendor wants to be left alone for so long.
    pub(crate) fn after(mut self, wait: Option<Duration>) -> Self {
        self.failure.retry_after_ms = wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        self
    }

    pub(crate) fn class(&self) -> FailureClass {
        self.failure.class
    }

    pub(crate) fn is_retryable(&self) -> bool {
        self.failure.is_retryable
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.failure.retry_after_ms.map(Duration::from_millis)
    }
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. Some vendors send fractions.
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    Some(httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("0.5", now), Some(Duration::from_millis(500)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now), Some(Duration::from_secs(10)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:27 GMT", now), Some(Duration::ZERO), "over already");
        for odd in ["", "soon", "-1", "NaN", "1e400"] {
            assert_eq!(retry_after(odd, now), None, "{odd}");
        }
    }

    #[test]
    fn a_vendors_text_is_cut_and_made_printable() {
        let failure = CallFailure::new(FailureClass::Overloaded, true, "a\u{1b}[31mb".to_owned() + &"x".repeat(1_000));
        assert!(failure.detail.starts_with("a [31mb") && failure.detail.chars().count() == DETAIL_CHARS_MAX);
    }
}
