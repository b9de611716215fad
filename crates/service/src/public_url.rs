//! The URL under which browsers reach page and API from beyond this machine.

use std::{fmt, net::Ipv6Addr, str::FromStr};

/// `http` or `https`, a host, and a port: all that an origin is. The page lives at its root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    is_https: bool,
    /// Lower case; an IPv6 address in brackets.
    host: String,
    port: u16,
}

/// Why a text is no public URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicUrlError {
    #[error("must begin with `https://` or `http://`")]
    Scheme,
    #[error("must name a host, as browsers send it (other letters than ASCII as `xn--…`), and where needed a port")]
    Authority,
    #[error("must end with the host or its port: the page lives at the root of its host")]
    Path,
}

// === impl PublicUrl ===

impl PublicUrl {
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Whether a request's `Host` names this URL.
    pub fn is_host(&self, host: &str) -> bool {
        let named = split_authority(host);
        named.is_some_and(|(host, port)| host == self.host && port.unwrap_or(default_port(self.is_https)) == self.port)
    }

    /// Whether a request's `Origin` is a page of this URL. Browsers write it as [`fmt::Display`] does.
    pub fn is_origin(&self, origin: &str) -> bool {
        origin == self.to_string()
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(PublicUrlError::Scheme)?;
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(PublicUrlError::Scheme),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(PublicUrlError::Path);
        }
        let (host, port) = split_authority(authority).ok_or(PublicUrlError::Authority)?;
        Ok(Self { is_https, host, port: port.unwrap_or(default_port(is_https)) })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { is_https, host, port } = self;
        write!(formatter, "{}://{host}", if *is_https { "https" } else { "http" })?;
        if *port == default_port(*is_https) { Ok(()) } else { write!(formatter, ":{port}") }
    }
}

fn default_port(is_https: bool) -> u16 {
    if is_https { 443 } else { 80 }
}

/// Host in lower case and port of `host[:port]` (RFC 3986, section 3.2, without user information).
fn split_authority(authority: &str) -> Option<(String, Option<u16>)> {
    let host_length = if authority.starts_with('[') { authority.find(']')? + 1 } else { authority.find(':').unwrap_or(authority.len()) };
    let (host, rest) = authority.split_at(host_length);
    let port = match rest.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok().filter(|port| *port != 0)?),
        None if rest.is_empty() => None,
        _ => return None,
    };
    is_host(host).then(|| (host.to_ascii_lowercase(), port))
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    host.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> PublicUrl {
        text.parse().unwrap()
    }

    #[test]
    fn it_is_written_as_an_origin() {
        let origins = [
            ("https://Argentum.Example/", "https://argentum.example"),
            ("https://argentum.example:443", "https://argentum.example"),
            ("http://192.0.2.7:4747", "http://192.0.2.7:4747"),
            ("HTTP://[2001:db8::1]:80", "http://[2001:db8::1]"),
        ];
        for (text, origin) in origins {
            assert_eq!(url(text).to_string(), origin, "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        let refused = [
            ("argentum.example", PublicUrlError::Scheme),
            ("ftp://argentum.example", PublicUrlError::Scheme),
            ("https://argentum.example/chat", PublicUrlError::Path),
            ("https://argentum.example?x", PublicUrlError::Path),
            ("https://", PublicUrlError::Authority),
            ("https://user@argentum.example", PublicUrlError::Authority),
            ("https://argentum.example:0", PublicUrlError::Authority),
            ("https://argentum.example:", PublicUrlError::Authority),
            ("https://argentum.example:+1", PublicUrlError::Authority),
            ("https://a..example", PublicUrlError::Authority),
            ("https://[::1", PublicUrlError::Authority),
            ("https://bücher.example", PublicUrlError::Authority),
            ("https://*", PublicUrlError::Authority),
        ];
        for (text, error) in refused {
            assert_eq!(text.parse::<PublicUrl>(), Err(error), "{text}");
        }
    }

    #[test]
    fn only_its_own_name_and_port_are_its_host() {
        let url = url("https://argentum.example");
        assert!(url.is_host("argentum.example") && url.is_host("ARGENTUM.example:443"));
        for host in ["argentum.example:80", "argentum.example:4747", "evil.example", "x@argentum.example", "argentum.example.evil", ""] {
            assert!(!url.is_host(host), "{host}");
        }
    }

    #[test]
    fn only_its_own_pages_are_its_origin() {
        let url = url("https://argentum.example:8443");
        assert!(url.is_origin("https://argentum.example:8443"));
        for origin in ["http://argentum.example:8443", "https://argentum.example", "null", ""] {
            assert!(!url.is_origin(origin), "{origin}");
        }
    }
}
