//! Who may use the API: whoever shows a key that works.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{super::Shared, error::ApiFault};

/// Refuses who shows no key that works (401).
pub(super) async fn bearer(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    match token(request.headers()) {
        None => ApiFault::unauthorized("show a key as `Authorization: Bearer ark-…`; `argentum key create` makes one").into_response(),
        Some(shown) if shared.key_ring.admits(shown) => next.run(request).await,
        Some(_) => ApiFault::unauthorized("this key is unknown, has expired or was revoked").into_response(),
    }
}

/// What a request shows as its key (RFC 6750, section 2.1; the scheme's case does not matter).
pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    let shown = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = shown.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> Option<String> {
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
        token(&headers).map(str::to_owned)
    }

    #[test]
    fn a_key_is_shown_as_bearer_in_any_case() {
        assert_eq!(of("Bearer ark-x").as_deref(), Some("ark-x"));
        assert_eq!(of("bearer  ark-x ").as_deref(), Some("ark-x"));
        assert_eq!((of("Basic ark-x"), of("ark-x"), token(&HeaderMap::new())), (None, None, None));
    }
}
