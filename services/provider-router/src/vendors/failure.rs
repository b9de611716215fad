//! Why a call gave no answer.

use std::time::{Duration, SystemTime};

use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};

use crate::core::{FailureClass, VendorFailure};

/// Longest text of a vendor that is shown to an operator, in characters.
const DETAIL_CHARS_MAX: usize = 256;

/// So much of a key may stand anywhere by chance.
const KEY_BYTES_TOLD_MAX: usize = 3;

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

    /// A refusal: what it means, and what it says. An error with a status that says all is well came in an answer that had begun.
    pub(crate) fn refused((class, is_retryable): (FailureClass, bool), status: StatusCode, reason: &str) -> Self {
        let place = if status.is_success() { "the answer broke off with an error".to_owned() } else { status.as_u16().to_string() };
        Self::new(class, is_retryable, format!("{place}: {reason}"))
    }

    /// The vendor wants to be left alone for so long.
    pub(crate) fn after(mut self, wait: Option<Duration>) -> Self {
        self.failure.retry_after_ms = wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// The same without the key, should the vendor have repeated it.
    pub(crate) fn without(mut self, key: Option<&[u8]>) -> Self {
        let key = key.and_then(|key| std::str::from_utf8(key).ok()).filter(|key| !key.is_empty());
        if let Some(key) = key.filter(|&key| self.detail.contains(key)) {
            self.detail = self.detail.replace(key, "<key>");
        }
        // Where the text was cut, half a key may stand.
        let half = key.and_then(|key| {
            (KEY_BYTES_TOLD_MAX + 1..key.len()).rev().filter_map(|end| key.get(..end)).find(|half| self.detail.ends_with(half))
        });
        self.detail.truncate(self.detail.len() - half.map_or(0, str::len));
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

/// What a status alone says (RFC 9110, section 15; 529 is Anthropic's for overload), and whether to ask again.
pub(super) fn by_status(status: StatusCode) -> (FailureClass, bool) {
    match status.as_u16() {
        401 | 403 => (FailureClass::Unauthenticated, false),
        402 => (FailureClass::QuotaExhausted, false),
        413 => (FailureClass::PromptTooLong, false),
        429 => (FailureClass::RateLimited, true),
        408 | 409 | 425 | 500.. => (FailureClass::Overloaded, true),
        400.. => (FailureClass::InvalidRequest, false),
        // An error in an answer that began well.
        _ => (FailureClass::Overloaded, true),
    }
}

/// How long the vendor wants to be left alone. The header in milliseconds is OpenAI's and says it more exactly.
pub(super) fn wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |value: &reqwest::header::HeaderValue| value.to_str().ok().map(str::to_owned);
    let exact = headers.get("retry-after-ms").and_then(text).and_then(|value| value.trim().parse::<f64>().ok());
    let exact = exact.and_then(|milliseconds| Duration::try_from_secs_f64(milliseconds / 1_000.0).ok());
    exact.or_else(|| retry_after(&headers.get(RETRY_AFTER).and_then(text)?, now))
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. Some vendors send fractions.
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
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
    fn a_wait_in_milliseconds_goes_before_one_in_seconds() {
        let headers = |all: &[(&'static str, &'static str)]| {
            let header =
                |&(name, value)| (reqwest::header::HeaderName::from_static(name), reqwest::header::HeaderValue::from_static(value));
            all.iter().map(header).collect::<HeaderMap>()
        };
        let told = |all: &[(&'static str, &'static str)]| wait(&headers(all), SystemTime::UNIX_EPOCH);
        assert_eq!(told(&[("retry-after-ms", "17"), ("retry-after", "1")]), Some(Duration::from_millis(17)));
        assert_eq!(told(&[("retry-after-ms", "soon"), ("retry-after", "1")]), Some(Duration::from_secs(1)));
        assert_eq!(told(&[]), None);
    }

    #[test]
    fn a_key_that_is_repeated_is_taken_out() {
        let failure = CallFailure::new(FailureClass::Unauthenticated, false, "401: no such key: hunter2").without(Some(b"hunter2"));
        assert_eq!(failure.detail, "401: no such key: <key>");
        let cut =
            CallFailure::new(FailureClass::Unauthenticated, false, "x".repeat(DETAIL_CHARS_MAX - 5) + "hunter2").without(Some(b"hunter2"));
        assert_eq!(cut.detail, "x".repeat(DETAIL_CHARS_MAX - 5));
    }

    #[test]
    fn a_vendors_text_is_cut_and_made_printable() {
        let failure = CallFailure::new(FailureClass::Overloaded, true, "a\u{1b}[31mb".to_owned() + &"x".repeat(1_000));
        assert!(failure.detail.starts_with("a [31mb") && failure.detail.chars().count() == DETAIL_CHARS_MAX);
    }
}
