//! Who is let in: the right host, the right origin, a session.
//!
//! A page of somebody else's can make a browser send requests to loopback, also under a name of its own that resolves there (DNS
//! rebinding). So the `Host` must be one of ours (a loopback name with our port, or that of the public URL), and what changes something
//! or opens a WebSocket must come from our own page.

use argentum_service::PublicUrl;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Shared, error::ApiError};

/// Name of the session's cookie.
pub(crate) const COOKIE: &str = "argentum_session";

/// Refuses what was not meant for this server (421) or does not come from its page (403).
pub(crate) async fn address(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if let Some(text) = foreign_host(headers, &shared) {
        return ApiError::new(StatusCode::MISDIRECTED_REQUEST, "misdirected", text).into_response();
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD) && !headers.contains_key(header::UPGRADE);
    if !is_safe && !comes_from(headers, host, shared.public_url.as_ref()) {
        return ApiError::new(StatusCode::FORBIDDEN, "forbidden", "the request does not come from this server's page").into_response();
    }
    next.run(request).await
}

/// Why a request was not meant for this server, if so.
pub(super) fn foreign_host(headers: &HeaderMap, shared: &Shared) -> Option<String> {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else {
        return Some("the request names no host".to_owned());
    };
    let is_ours = is_loopback_host(host, shared.port) || shared.public_url.as_ref().is_some_and(|url| url.is_host(host));
    (!is_ours).then(|| format!("this server does not answer for `{host}`"))
}

/// Refuses who has no session (401).
pub(crate) async fn session(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    if cookie(request.headers()).is_some_and(|session| shared.door.admits(session)) {
        next.run(request).await
    } else {
        ApiError::logged_out().into_response()
    }
}

/// The session that a request shows.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// A loopback name with the port that we listen on.
fn is_loopback_host(host: &str, port: u16) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let is_loopback = matches!(authority.host(), "localhost" | "127.0.0.1" | "[::1]");
    is_loopback && authority.port_u16().unwrap_or(80) == port && !host.contains('@')
}

/// Browsers name the origin of everything that changes something; what names none is no browser, and has to show a session anyway.
/// A page of the public URL is ours under every `Host`: a proxy in front may have put a loopback name there.
fn comes_from(headers: &HeaderMap, host: &str, public_url: Option<&PublicUrl>) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let origin = origin.to_str().unwrap_or_default();
    if let Some(url) = public_url
        && (url.is_host(host) || url.is_origin(origin))
    {
        return url.is_origin(origin);
    }
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")).is_some_and(|rest| rest == host)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_loopback_names_with_our_port_are_ours() {
        for host in ["localhost:4747", "127.0.0.1:4747", "[::1]:4747"] {
            assert!(is_loopback_host(host, 4747), "{host}");
        }
        for host in
            ["evil.example:4747", "localhost", "localhost:80", "127.0.0.1.evil.example:4747", "x@localhost:4747", "", "localhost:4747/"]
        {
            assert!(!is_loopback_host(host, 4747), "{host}");
        }
    }

    #[test]
    fn another_origin_is_not_ours() {
        let from = |origin: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            comes_from(&headers, "localhost:4747", None)
        };
        assert!(from("http://localhost:4747") && comes_from(&HeaderMap::new(), "localhost:4747", None));
        assert!(!from("http://evil.example") && !from("null") && !from("http://localhost:4748") && !from("http://127.0.0.1:4747"));
    }

    #[test]
    fn under_the_public_host_only_its_own_pages_are_ours() {
        let url: PublicUrl = "https://argentum.example".parse().unwrap();
        let from = |origin: &'static str, host| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            comes_from(&headers, host, Some(&url))
        };
        assert!(from("https://argentum.example", "argentum.example") && from("https://argentum.example", "127.0.0.1:4747"));
        assert!(from("http://localhost:4747", "localhost:4747"));
        assert!(!from("http://argentum.example", "argentum.example") && !from("https://evil.example", "argentum.example"));
        assert!(!from("http://localhost:4747", "argentum.example") && !from("null", "argentum.example"));
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; argentum_session=secret; c=d"));
        assert_eq!(cookie(&headers), Some("secret"));
    }
}
