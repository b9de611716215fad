//! What a caller of the page's API is told when something does not work: `{"error": {"code", "text"}}` and the fitting status.

use argentum_bus::{ErrorCode, Fault};
use argentum_proto::channel::v1::{Rejected, RejectionReason};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// An answer that is an error.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    text: String,
    /// Seconds after which the same request may work.
    retry_after_s: Option<u64>,
}

// === impl ApiError ===

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, text: impl Into<String>) -> Self {
        Self { status, code, text: text.into(), retry_after_s: None }
    }

    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-argument", text)
    }

    pub(crate) fn logged_out() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "log in with the link that `argentum login` prints")
    }

    /// Nothing was accepted; the same request is safe to repeat.
    pub(crate) fn retry(text: impl Into<String>, after_ms: u64) -> Self {
        Self { retry_after_s: Some(after_ms.div_ceil(1000).max(1)), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", text) }
    }
}

impl From<Fault> for ApiError {
    fn from(Fault { code, text }: Fault) -> Self {
        let status = match code {
            ErrorCode::NotFound => StatusCode::NOT_FOUND,
            ErrorCode::InvalidArgument => StatusCode::BAD_REQUEST,
            ErrorCode::Unauthenticated => StatusCode::UNAUTHORIZED,
            ErrorCode::Forbidden => StatusCode::FORBIDDEN,
            ErrorCode::Conflict => StatusCode::CONFLICT,
            ErrorCode::RateLimited | ErrorCode::Timeout | ErrorCode::Unavailable => {
                return Self { code: code.name(), ..Self::retry(text, 1_000) };
            }
            ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, code.name(), text)
    }
}

impl From<Rejected> for ApiError {
    fn from(rejected: Rejected) -> Self {
        let (status, code, retry_after_s) = match rejected.reason() {
            RejectionReason::QueueFull => (StatusCode::TOO_MANY_REQUESTS, "queue-full", Some(5)),
            RejectionReason::Flood => (StatusCode::TOO_MANY_REQUESTS, "flood", Some(2)),
            RejectionReason::TooOld => (StatusCode::UNPROCESSABLE_ENTITY, "too-old", None),
            RejectionReason::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", None),
            RejectionReason::Invalid | RejectionReason::Unspecified => (StatusCode::UNPROCESSABLE_ENTITY, "invalid-argument", None),
        };
        Self { status, code, text: rejected.text, retry_after_s }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({ "error": { "code": self.code, "text": self.text } }))).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
