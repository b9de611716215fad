//! The channel-gateway's part of `argentum.toml`.

use std::collections::BTreeMap;

use argentum_proto::ids::Gateway;
use argentum_service::config::{self, Section};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::channels::{
    irc::{Config as Irc, Sasl},
    telegram::Config as Telegram,
};

/// Secrets that this service may lease begin so.
pub(crate) const SECRETS: &str = "channel/";

/// Platforms in and out.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Accounts at platforms, by name: 1 to 64 of a-z, 0-9, `-` and `_`, and not `web`, which is the page. A conversation belongs to its
    /// account: under another name all begin anew. Default: none.
    pub channels: BTreeMap<String, Channel>,
}

/// An account at a platform.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Channel {
    /// An account on an IRC network.
    Irc(Box<Irc>),
    /// A bot of Telegram.
    Telegram(Telegram),
}

// === impl Config ===

impl Config {
    /// The accounts that the gateway runs; the page is always one of them.
    pub fn accounts(&self) -> Vec<Gateway> {
        std::iter::once(crate::web()).chain(self.channels.keys().filter_map(|name| name.parse().ok())).collect()
    }
}

impl Section for Config {
    fn rules(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        for (name, channel) in &self.channels {
            if name == crate::web().as_str() || name.parse::<Gateway>().is_err() {
                let text = "an account's name has 1 to 64 of a-z, 0-9, `-` and `_`, and is not `web`".to_owned();
                faults.push((format!("channels.{name}"), text));
            }
            faults.extend(channel.rules().into_iter().map(|(key, text)| (format!("channels.{name}.{key}"), text)));
        }
        faults
    }
}

// === impl Channel ===

impl Channel {
    fn rules(&self) -> Vec<(&'static str, String)> {
        match self {
            Channel::Irc(config) => config.rules(),
            Channel::Telegram(config) => config.rules(),
        }
    }
}

/// The name of the secret that `value` stands for, if it is one that this service may have.
pub(crate) fn secret_name(value: &str) -> Option<&str> {
    config::secret_name(value, SECRETS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        config::parse::<Config>(text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_account_is_named_and_has_its_token_in_the_vault() {
        let config = config::parse::<Config>("[channels.home]\nkind = 'telegram'\ntoken = 'vault:channel/home'\nallow = ['1']\n").unwrap();
        assert_eq!(config.accounts().iter().map(ToString::to_string).collect::<Vec<_>>(), ["web", "home"]);
        let again = config::parse::<Config>(&toml::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
    }

    #[test]
    fn a_token_in_the_configuration_is_refused_and_not_repeated() {
        let faults = told("[channels.home]\nkind = 'telegram'\ntoken = '123:sekret'\n").join("\n");
        assert!(faults.contains("`channels.home.token`") && faults.contains("argentum secret put"), "{faults}");
        assert!(!faults.contains("sekret"), "{faults}");
    }

    #[test]
    fn an_unknown_kind_is_one_fault() {
        for rest in ["", "token = 'vault:channel/home'\n"] {
            let faults = told(&format!("[channels.home]\nkind = 'slack'\n{rest}[channels.tea]\nkind = 'irc'\nserver = ''\n"));
            assert!(faults.len() == 2 && faults[0].contains("`channels.home.kind`") && faults[0].contains("telegram"), "{faults:?}");
        }
    }

    #[test]
    fn the_name_of_the_page_is_taken() {
        assert!(told("[channels.web]\nkind = 'telegram'\ntoken = 'vault:channel/web'\n")[0].contains("`channels.web`"));
    }

    #[test]
    fn an_unknown_key_of_a_channel_is_told_with_its_account() {
        let faults = told("[channels.home]\nkind = 'telegram'\ntoken = 'vault:channel/home'\ntokn = 1\n");
        assert!(faults[0].contains("channels.home") && faults[0].contains("tokn"), "{faults:?}");
    }
}
