//! Values of the configuration that mean the same everywhere.

/// How a value that lies in the vault is named.
pub const VAULT: &str = "vault:";

/// What an address must be that is neither of these.
pub const NOT_AN_ADDRESS: &str = "must be an address that begins with http:// or https://, without user, query or fragment";

/// The name of the secret that `value` stands for, if it begins with `prefix`: what a service may lease.
pub fn secret_name<'v>(value: &'v str, prefix: &str) -> Option<&'v str> {
    value.strip_prefix(VAULT).filter(|name| name.starts_with(prefix) && prefix.len() < name.len())
}

/// Whether `url` is the address of a server and nothing else: what follows the host is a path.
pub fn is_plain_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['@', '?', '#', ' ']) && !rest.starts_with(['/', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_behind_its_prefix() {
        assert_eq!(secret_name("vault:channel/home", "channel/"), Some("channel/home"));
        for value in ["vault:provider/acme", "vault:channel/", "vault:", "channel/home", ""] {
            assert_eq!(secret_name(value, "channel/"), None, "{value}");
        }
    }

    #[test]
    fn a_plain_address_is_scheme_host_and_path() {
        assert!(is_plain_url("http://127.0.0.1:8080/v1") && is_plain_url("https://example.org"));
        for url in ["example.org/v1", "ftp://example.org", "https://", "https://user:pass@example.org", "https://x/v1?key=1", "http:///v1"]
        {
            assert!(!is_plain_url(url), "{url}");
        }
    }
}
