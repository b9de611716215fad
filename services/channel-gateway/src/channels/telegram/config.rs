//! A bot of Telegram, as it is configured.

use std::path::PathBuf;

use argentum_service::config::{NOT_AN_ADDRESS, VAULT, is_plain_url};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{SECRETS, secret_name};

/// Where Telegram itself is.
const API_URL: &str = "https://api.telegram.org";

/// A bot of Telegram. `@BotFather` there makes one and tells its token.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The bot's token, as the name of a secret: `vault:channel/…`. A token itself is refused here. Must be set.
    pub token: String,
    /// Where the Bot API is, without `/bot…`. Default: Telegram's own address; a Bot API server of one's own is named here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
    /// Numeric ids of people and groups that may write from the start. Default: none; others are paired with `argentum pair`.
    pub allow: Vec<String>,
    /// PEM file with certificate authorities that are trusted for this account beside the built-in ones. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra_ca_file: Option<PathBuf>,
    /// HTTP proxy on the way there, as a URL; this machine itself is never asked for through it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
}

// === impl Config ===

impl Config {
    /// Where the Bot API is, without a slash at the end.
    pub(crate) fn api_url(&self) -> &str {
        self.api_url.as_deref().unwrap_or(API_URL).trim_end_matches('/')
    }

    /// The name of the secret that is the token.
    pub(crate) fn secret(&self) -> &str {
        secret_name(&self.token).unwrap_or_default()
    }

    pub(crate) fn rules(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        // The value is not repeated: it may be a token.
        if secret_name(&self.token).is_none() {
            faults.push(("token", format!("must be `{VAULT}{SECRETS}…`; put the token itself into the vault with `argentum secret put`")));
        }
        if self.api_url.as_deref().is_some_and(|url| !is_plain_url(url)) {
            faults.push(("api_url", NOT_AN_ADDRESS.to_owned()));
        }
        if self.proxy.as_deref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            faults.push(("proxy", "must be an address that begins with http:// or https://".to_owned()));
        }
        if self.extra_ca_file.as_deref().is_some_and(|path| !path.is_absolute()) {
            faults.push(("extra_ca_file", "must be an absolute path".to_owned()));
        }
        for id in self.allow.iter().filter(|id| id.parse::<i64>().is_err()) {
            faults.push(("allow", format!("`{id}` is no numeric id; names may change hands")));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Config {
        Config { token: "vault:channel/home".to_owned(), ..Config::default() }
    }

    #[test]
    fn an_address_and_ids_are_checked() {
        assert!(good().rules().is_empty());
        let bad = Config { api_url: Some("https://u:p@x".to_owned()), allow: vec!["@ada".to_owned()], ..good() };
        assert_eq!(bad.rules().into_iter().map(|(key, _)| key).collect::<Vec<_>>(), ["api_url", "allow"]);
    }

    #[test]
    fn a_secret_of_another_service_is_refused() {
        for token in ["vault:provider/acme", "vault:channel/", "vault:", ""] {
            assert_eq!(Config { token: token.to_owned(), ..Config::default() }.rules()[0].0, "token", "{token}");
        }
    }
}
