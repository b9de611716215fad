//! Providers of models.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use argentum_service::config::{NOT_AN_ADDRESS, VAULT, is_plain_url, secret_name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::routing::OFFLINE;

/// Secrets that this service may lease begin so.
const SECRETS: &str = "provider/";
const NAME_BYTES_MAX: usize = 32;

/// The protocol that a provider speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// OpenAI's chat completions, which many servers speak.
    #[default]
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
}

/// Who offers models.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Provider {
    /// The protocol that it speaks: `openai` (chat completions, also of compatible servers) or `anthropic` (messages). Default: `openai`.
    pub kind: Kind,
    /// Where it is, up to and without `/chat/completions` or `/v1/messages`. Default: the vendor's own address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Its key, as the name of a secret: `vault:provider/…`. A key itself is refused here. Default: none is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Models that are offered, by the provider's own names. Default: none, then the provider is asked for them.
    pub models: Vec<String>,
    /// PEM file with certificate authorities that are trusted for this provider beside the built-in ones. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra_ca_file: Option<PathBuf>,
    /// HTTP proxy on the way there, as a URL; this machine itself is never asked for through it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// How long the first bytes of an answer are waited for. Default: 60s. Then the next one of the fall-backs is asked.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub first_byte_timeout: Duration,
    /// How long an answer may pause. Default: 60s. Then it counts as broken off.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub idle_timeout: Duration,
}

// === impl Kind ===

impl Kind {
    fn base_url(self) -> &'static str {
        match self {
            Kind::OpenAi => "https://api.openai.com/v1",
            Kind::Anthropic => "https://api.anthropic.com",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Kind::OpenAi => "openai",
            Kind::Anthropic => "anthropic",
        })
    }
}

// === impl Provider ===

impl Default for Provider {
    fn default() -> Self {
        Self {
            kind: Kind::default(),
            base_url: None,
            key: None,
            models: Vec::new(),
            extra_ca_file: None,
            proxy: None,
            first_byte_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(60),
        }
    }
}

impl Provider {
    /// Where it is, without a slash at the end.
    pub fn base_url(&self) -> &str {
        self.base_url.as_deref().unwrap_or_else(|| self.kind.base_url()).trim_end_matches('/')
    }

    /// The name of its key in the vault.
    pub(crate) fn secret(&self) -> Option<&str> {
        secret_name(self.key.as_deref()?, SECRETS)
    }

    fn rules(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        if self.base_url.as_deref().is_some_and(|url| !is_plain_url(url)) {
            faults.push(("base_url", NOT_AN_ADDRESS.to_owned()));
        }
        if self.proxy.as_deref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            faults.push(("proxy", "must be an address that begins with http:// or https://".to_owned()));
        }
        // The value is not repeated: it may be a key.
        if self.key.is_some() && self.secret().is_none() {
            faults.push(("key", format!("must be `{VAULT}{SECRETS}…`; put the key itself into the vault with `argentum secret put`")));
        }
        for (name, timeout) in [("first_byte_timeout", self.first_byte_timeout), ("idle_timeout", self.idle_timeout)] {
            if timeout < Duration::from_millis(1) {
                faults.push((name, "must be at least 1ms".to_owned()));
            }
        }
        if self.models.iter().any(|model| model.trim().is_empty()) {
            faults.push(("models", "must not hold an empty name".to_owned()));
        }
        faults
    }
}

/// What is wrong with a set of providers, by key.
pub(super) fn rules(providers: &BTreeMap<String, Provider>) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    for (name, provider) in providers {
        let is_plain = |sign: u8| matches!(sign, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if name.is_empty() || NAME_BYTES_MAX < name.len() || !name.bytes().all(is_plain) || name == OFFLINE {
            let text = format!("a provider's name has 1 to {NAME_BYTES_MAX} of a-z, 0-9 and `-`, and is not `{OFFLINE}`");
            faults.push((format!("providers.{name}"), text));
        }
        faults.extend(provider.rules().into_iter().map(|(key, text)| (format!("providers.{name}.{key}"), text)));
    }
    faults
}

/// What is wrong with a list of addresses of model servers.
pub(super) fn server_rules(servers: &[String]) -> Vec<(String, String)> {
    let broken = servers.iter().filter(|server| !is_plain_url(server));
    broken.map(|server| ("local_servers".to_owned(), format!("`{server}` must begin with http:// or https://"))).collect()
}

/// What is wrong with a choice of models.
pub(super) fn model_rules(default_model: &str, fallbacks: &[String], providers: &BTreeMap<String, Provider>) -> Vec<(String, String)> {
    let fault = |model: &str| match model.split_once('/') {
        None => Some(format!("`{model}` must be `<provider>/<model>`")),
        Some((provider, name)) if provider.is_empty() || name.is_empty() => Some(format!("`{model}` must be `<provider>/<model>`")),
        _ => None,
    };
    let mut faults: Vec<(String, String)> = Vec::new();
    if !default_model.is_empty() {
        faults.extend(fault(default_model).map(|text| ("default_model".to_owned(), text)));
    }
    for (place, model) in fallbacks.iter().enumerate() {
        faults.extend(fault(model).map(|text| ("fallbacks".to_owned(), text)));
        if fallbacks[..place].contains(model) {
            faults.push(("fallbacks".to_owned(), format!("`{model}` stands there twice; each is asked once")));
        }
        let provider = model.split('/').next().unwrap_or_default();
        if !providers.contains_key(provider) {
            faults.push(("fallbacks".to_owned(), format!("there is no provider `{provider}`")));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(provider: Provider) -> Vec<String> {
        rules(&BTreeMap::from([("acme".to_owned(), provider)])).into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn a_key_in_the_configuration_is_refused_and_not_repeated() {
        let provider = Provider { key: Some("sk-secret".to_owned()), ..Provider::default() };
        let told = rules(&BTreeMap::from([("acme".to_owned(), provider)]));
        assert_eq!(told[0].0, "providers.acme.key");
        assert!(!told[0].1.contains("sk-secret") && told[0].1.contains("argentum secret put"), "{}", told[0].1);
    }

    #[test]
    fn an_address_is_checked() {
        for url in ["example.org/v1", "ftp://example.org", "https://", "https://user:pass@example.org", "https://x/v1?key=1", "http:///v1"]
        {
            let provider = Provider { base_url: Some(url.to_owned()), ..Provider::default() };
            assert_eq!(faults(provider), ["providers.acme.base_url"], "{url}");
        }
        assert!(faults(Provider { base_url: Some("http://127.0.0.1:8080/v1".to_owned()), ..Provider::default() }).is_empty());
    }

    #[test]
    fn a_chain_of_models_holds_each_once_and_only_what_is_configured() {
        let providers = BTreeMap::from([("acme".to_owned(), Provider::default())]);
        let told = |models: &[&str]| model_rules("", &models.iter().map(|&model| model.to_owned()).collect::<Vec<_>>(), &providers).len();
        assert_eq!(told(&["acme/a", "acme/b"]), 0);
        assert_eq!(told(&["acme/a", "acme/a"]), 1);
        assert_eq!(told(&["other/a"]), 1);
    }
}
