//! What a caller of the page's API is told when something does not work: `{"error": {"code", "text"}}` and the fitting status.

use argentum_bus::{ErrorCode, Fault};
use argentum_proto::channel::v1::{Rejected, RejectionReason};
use axum::{
    Json,
    body::to_bytes,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

/// Below this path every error has the shape.
const ROOT: &str = "/api/";
/// Longest text of an error that somebody else wrote.
const TEXT_BYTES_MAX: usize = 1024;

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

/// Gives an error the shape that was not made here: of what takes a request apart, or finds nobody who takes it.
pub(super) async fn shaped(request: Request, next: Next) -> Response {
    let is_ours = request.uri().path().starts_with(ROOT);
    let response = next.run(request).await;
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !is_ours || !is_error || is_json {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let told = to_bytes(body, TEXT_BYTES_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&told);
    let reason = status.canonical_reason().unwrap_or("it did not work").to_lowercase();
    let (mut shaped, body) =
        ApiError::new(status, code_of(status), if text.is_empty() { &reason } else { text.trim() }).into_response().into_parts();
    // What else was said, such as the methods that are allowed, stands.
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.extend(std::mem::take(&mut shaped.headers));
    Response::from_parts(head, body)
}

fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "not-found",
        StatusCode::METHOD_NOT_ALLOWED => "method-not-allowed",
        StatusCode::PAYLOAD_TOO_LARGE => "too-large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported-media-type",
        status if status.is_client_error() => "invalid-argument",
        _ => "internal",
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
