//! What a client of `/v1` is told when something does not work, in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`.

use argentum_bus::{ErrorCode, Fault};
use argentum_proto::provider::v1::{CompletionFailed, CompletionFailureClass as Class};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiFault {
    status: StatusCode,
    kind: &'static str,
    code: Option<String>,
    /// The key of the request that is wrong.
    parameter: Option<&'static str>,
    message: String,
    /// Seconds after which the same request may work.
    retry_after_s: Option<u64>,
}

const INVALID: &str = "invalid_request_error";
const RATE_LIMIT: &str = "rate_limit_error";
const SERVER: &str = "server_error";
/// Trouble between the router and a vendor, of which the client has no share.
const UPSTREAM: &str = "upstream_error";

// === impl ApiFault ===

impl ApiFault {
    fn new(status: StatusCode, kind: &'static str, code: &str, message: impl Into<String>) -> Self {
        let code = (!code.is_empty()).then(|| code.to_owned());
        Self { status, kind, code, parameter: None, message: message.into(), retry_after_s: None }
    }

    pub(super) fn invalid(parameter: &'static str, message: impl Into<String>) -> Self {
        Self { parameter: Some(parameter), ..Self::new(StatusCode::BAD_REQUEST, INVALID, "", message) }
    }

    pub(super) fn unreadable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID, "", message)
    }

    pub(super) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, INVALID, "invalid_api_key", message)
    }

    pub(super) fn no_model(model: &str) -> Self {
        let model: String = model.chars().take(128).collect();
        let message = format!("there is no model `{model}`; `GET /v1/models` tells them");
        Self { parameter: Some("model"), ..Self::new(StatusCode::NOT_FOUND, INVALID, "model_not_found", message) }
    }

    pub(super) fn no_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, INVALID, "unknown_url", "there is no such path; see `/v1/models` and `/v1/chat/completions`")
    }

    pub(super) fn no_method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, INVALID, "method_not_allowed", "the path does not take this method")
    }

    pub(super) fn too_large(bytes_max: usize) -> Self {
        let message = format!("the body is larger than {bytes_max} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, INVALID, "request_too_large", message)
    }

    pub(super) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, INVALID, "request_timeout", "the body did not arrive in time")
    }

    pub(super) fn misdirected(message: impl Into<String>) -> Self {
        Self::new(StatusCode::MISDIRECTED_REQUEST, INVALID, "misdirected", message)
    }

    pub(super) fn broken_off() -> Self {
        Self::new(StatusCode::BAD_GATEWAY, SERVER, "interrupted", "the answer broke off")
    }

    /// As it stands in a body, or in a stream that had begun.
    pub(super) fn body(&self) -> Value {
        json!({ "error": { "message": self.message, "type": self.kind, "param": self.parameter, "code": self.code } })
    }
}

impl From<Fault> for ApiFault {
    fn from(Fault { code, text }: Fault) -> Self {
        let name = code.name().replace('-', "_");
        let (status, kind, retry_after_s) = match code {
            ErrorCode::NotFound => (StatusCode::NOT_FOUND, INVALID, None),
            ErrorCode::InvalidArgument => (StatusCode::BAD_REQUEST, INVALID, None),
            ErrorCode::RateLimited => (StatusCode::TOO_MANY_REQUESTS, RATE_LIMIT, Some(1)),
            ErrorCode::Timeout => (StatusCode::GATEWAY_TIMEOUT, SERVER, None),
            ErrorCode::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, SERVER, Some(1)),
            // None of these is about the client, whom its key let in.
            ErrorCode::Unauthenticated | ErrorCode::Forbidden | ErrorCode::Conflict | ErrorCode::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, SERVER, None)
            }
        };
        Self { retry_after_s, ..Self::new(status, kind, &name, text) }
    }
}

impl From<CompletionFailed> for ApiFault {
    fn from(failed: CompletionFailed) -> Self {
        let (status, kind, code) = match failed.class() {
            Class::ModelNotFound => (StatusCode::NOT_FOUND, INVALID, "model_not_found"),
            Class::InvalidRequest => (StatusCode::BAD_REQUEST, INVALID, ""),
            Class::PromptTooLong => (StatusCode::BAD_REQUEST, INVALID, "context_length_exceeded"),
            Class::Declined => (StatusCode::BAD_REQUEST, INVALID, "content_filter"),
            Class::RateLimited => (StatusCode::TOO_MANY_REQUESTS, RATE_LIMIT, "rate_limit_exceeded"),
            Class::QuotaExhausted => (StatusCode::TOO_MANY_REQUESTS, "insufficient_quota", "insufficient_quota"),
            Class::Unauthenticated => (StatusCode::BAD_GATEWAY, UPSTREAM, "upstream_unauthenticated"),
            Class::Unreachable => (StatusCode::BAD_GATEWAY, UPSTREAM, "upstream_unreachable"),
            Class::Interrupted => (StatusCode::BAD_GATEWAY, UPSTREAM, "upstream_interrupted"),
            Class::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, UPSTREAM, "upstream_overloaded"),
            Class::Deadline => (StatusCode::GATEWAY_TIMEOUT, UPSTREAM, "timeout"),
            Class::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, SERVER, "unavailable"),
            Class::Unspecified => (StatusCode::INTERNAL_SERVER_ERROR, SERVER, ""),
        };
        let code = if failed.code.is_empty() { code } else { &failed.code };
        let parameter = (failed.class() == Class::ModelNotFound).then_some("model");
        let wait_s = failed.retry_after_ms.div_ceil(1000).max(1);
        let may_work_later = matches!(failed.class(), Class::RateLimited | Class::Overloaded | Class::Unavailable);
        let retry_after_s = (may_work_later || failed.retry_after_ms > 0).then_some(wait_s);
        Self { parameter, retry_after_s, ..Self::new(status, kind, code, failed.text) }
    }
}

impl IntoResponse for ApiFault {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(class: Class, retry_after_ms: u64) -> ApiFault {
        CompletionFailed { class: class.into(), text: "why".into(), retry_after_ms, ..CompletionFailed::default() }.into()
    }

    #[test]
    fn an_error_has_exactly_the_four_keys() {
        let wanted = json!({ "error": {
            "message": "why", "type": "invalid_request_error", "param": "model", "code": "model_not_found",
        } });
        assert_eq!(failed(Class::ModelNotFound, 0).body(), wanted);
        assert_eq!(ApiFault::unreadable("x").body()["error"]["code"], Value::Null);
    }

    #[test]
    fn who_should_wait_is_told_how_long_in_whole_seconds() {
        let wait =
            |fault: ApiFault| fault.into_response().headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(wait(failed(Class::RateLimited, 1_200)).as_deref(), Some("2"));
        assert_eq!(wait(failed(Class::Overloaded, 0)).as_deref(), Some("1"));
        assert_eq!(wait(failed(Class::InvalidRequest, 0)), None);
    }

    #[test]
    fn a_wrong_key_at_the_vendor_is_not_the_clients_fault() {
        assert_eq!(failed(Class::Unauthenticated, 0).into_response().status(), StatusCode::BAD_GATEWAY);
    }
}
