//! Who may lease what, and how a secret may be called.

use argentum_bus::Credential;

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// Whether `service` may have the secret `name`. What lies under no known prefix is lent to nobody.
pub(crate) fn may_lease(service: Credential, name: &str) -> bool {
    match service {
        Credential::ProviderRouter => name.starts_with("provider/"),
        Credential::ChannelGateway => name.starts_with("channel/"),
        Credential::Orchestrator | Credential::Vault | Credential::Memory => false,
    }
}

/// Whether a secret may be called so.
pub fn is_name(name: &str) -> bool {
    let is_plain = |sign: u8| matches!(sign, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    let is_segment = |segment: &str| !segment.is_empty() && segment.bytes().all(is_plain);
    name.len() <= NAME_BYTES_MAX && name.split('/').all(is_segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_gets_only_what_is_of_its_kind() {
        for (service, name, may) in [
            (Credential::ProviderRouter, "provider/acme", true),
            (Credential::ProviderRouter, "channel/home", false),
            (Credential::ChannelGateway, "channel/home", true),
            (Credential::ChannelGateway, "provider/acme", false),
            (Credential::ProviderRouter, "providers", false),
            (Credential::Orchestrator, "provider/acme", false),
        ] {
            assert_eq!(may_lease(service, name), may, "{service} {name}");
        }
    }

    #[test]
    fn a_name_is_made_of_plain_segments() {
        assert!(is_name("provider/acme-2.eu_west"));
        for name in ["", "/", "a/", "/a", "a//b", "A", "a b", "a\0b", "ä", &"a".repeat(129)] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
