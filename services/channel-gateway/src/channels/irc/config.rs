//! An account on an IRC network, as it is configured.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use argentum_service::config::VAULT;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contacts::CHANNEL_SIGNS;
use crate::{
    channels::Commands,
    config::{SECRETS, secret_name},
};

/// Longest nick, user and real name that are sent.
const NICK_BYTES_MAX: usize = 30;
const USER_BYTES_MAX: usize = 10;
const REALNAME_BYTES_MAX: usize = 100;
/// Longest channel (RFC 1459, section 1.3).
const CHANNEL_BYTES_MAX: usize = 200;

/// An account on an IRC network. What is said there while we are away is lost to us, and we say so.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name or address of the server. Must be set.
    pub server: String,
    /// Port of the server. Default: 6697, which is the one for TLS.
    pub port: u16,
    /// Whether the connection is encrypted. Default: true. Without it everybody on the way reads and changes everything; a password is
    /// then sent to this machine only.
    pub tls: bool,
    /// PEM file with certificate authorities that are trusted for this account beside the built-in ones. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra_ca_file: Option<PathBuf>,
    /// The nick. While somebody else has it, a similar one is used. Default: `argentum`.
    pub nick: String,
    /// User name, which others see beside the nick. Default: `argentum`.
    pub username: String,
    /// What `WHOIS` tells. Default: `Argentum`.
    pub realname: String,
    /// Channels to be in, such as `#tea`. Default: none, which leaves private messages.
    pub channels: Vec<String>,
    /// How the account is proved: `plain`, by `account` and `password`, or `external`, by `certificate`. Default: not at all. Without
    /// the proof the connection is given up, not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sasl: Option<Sasl>,
    /// The account at the network's services. Must be set with `sasl = "plain"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Its password, as the name of a secret: `vault:channel/…`. A password itself is refused here. Must be set with `sasl = "plain"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Certificate and private key in PEM, as the name of a secret: `vault:channel/…`. Must be set with `sasl = "external"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Password of the server itself, as the name of a secret: `vault:channel/…`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_password: Option<String>,
    /// Lines that are sent at once; more wait. Default: 4.
    pub flood_burst: u32,
    /// Time after which one more line may be sent. Servers cut whoever writes faster than they like. Default: 2s.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub flood_refill: Duration,
    /// What a message in a channel begins with to be meant for us, beside our nick and a colon. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// What a command begins with: `!help`, `!new`, `!stop`, `!status`, `!remember`, `!forget`, `!pair`. IRC programs keep `/`
    /// for themselves. Default: `!`.
    pub command_prefix: String,
    /// Who may write from the start: `account:NAME`, `nick!user@host`, or a channel. Default: none; others are paired with
    /// `argentum pair`.
    pub allow: Vec<String>,
}

/// How an account is proved (SASL).
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sasl {
    /// By account and password.
    Plain,
    /// By the certificate of the connection.
    External,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            server: String::new(),
            port: 6_697,
            tls: true,
            extra_ca_file: None,
            nick: "argentum".to_owned(),
            username: "argentum".to_owned(),
            realname: "Argentum".to_owned(),
            channels: Vec::new(),
            sasl: None,
            account: None,
            password: None,
            certificate: None,
            server_password: None,
            flood_burst: 4,
            flood_refill: Duration::from_secs(2),
            trigger: None,
            command_prefix: "!".to_owned(),
            allow: Vec::new(),
        }
    }
}

impl Config {
    /// How commands are written: IRC programs keep `/` for themselves, and in a channel we hear what is addressed to us.
    pub(super) fn commands(&self) -> Commands {
        let prefix = &self.command_prefix;
        Commands::new(prefix, format!("{}: {prefix}", self.nick))
    }

    /// Whether nobody else is on the way to the server.
    pub(super) fn is_local(&self) -> bool {
        self.server == "localhost" || self.server.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// What the types alone do not hold, as key and text.
    pub(crate) fn rules(&self) -> Vec<(&'static str, String)> {
        let mut faults = self.secret_faults();
        let mut claim = |holds: bool, key: &'static str, text: &str| {
            if !holds {
                faults.push((key, text.to_owned()));
            }
        };
        claim(is_word(&self.server), "server", "must name the server");
        claim(self.port != 0, "port", "must not be 0");
        claim(is_nick(&self.nick), "nick", "must be a nick of at most 30 bytes: letters, digits and -[]\\`^{}|_, no digit or - first");
        let is_user = is_word(&self.username) && self.username.len() <= USER_BYTES_MAX && !self.username.contains(['!', '@']);
        claim(is_user, "username", "must have 1 to 10 bytes and no blank, `!` or `@`");
        let is_realname =
            !self.realname.is_empty() && self.realname.len() <= REALNAME_BYTES_MAX && !self.realname.contains(char::is_control);
        claim(is_realname, "realname", "must have 1 to 100 bytes on one line");
        claim(self.channels.iter().all(|channel| is_channel(channel)), "channels", "must be names such as `#tea`, without blank or comma");
        claim(0 < self.flood_burst, "flood_burst", "must not be 0");
        claim(self.trigger.as_deref().is_none_or(is_word), "trigger", "must be one word");
        claim(is_word(&self.command_prefix), "command_prefix", "must have a sign at least and no blank");
        let has_account = self.account.as_deref().is_some_and(|account| !account.is_empty() && !account.contains(char::is_control));
        claim(self.sasl != Some(Sasl::Plain) || has_account, "account", "must be set with `sasl = \"plain\"`");
        claim(self.sasl != Some(Sasl::Plain) || self.password.is_some(), "password", "must be set with `sasl = \"plain\"`");
        claim(self.sasl != Some(Sasl::External) || self.certificate.is_some(), "certificate", "must be set with `sasl = \"external\"`");
        claim(self.certificate.is_none() || self.tls, "certificate", "needs `tls`");
        let is_exposed = !self.tls && !self.is_local() && (self.password.is_some() || self.server_password.is_some());
        claim(!is_exposed, "tls", "must be true where a password is sent to another machine");
        faults
    }

    /// A value that is no name of a secret may be the secret itself: it is not repeated.
    fn secret_faults(&self) -> Vec<(&'static str, String)> {
        let values = [("password", &self.password), ("certificate", &self.certificate), ("server_password", &self.server_password)];
        let unnamed = values.into_iter().filter(|(_, value)| value.as_deref().is_some_and(|value| secret_name(value).is_none()));
        unnamed
            .map(|(key, _)| {
                let text = format!("must name a secret, `{VAULT}{SECRETS}…`; `argentum secret put {SECRETS}NAME` puts one into the vault");
                (key, text)
            })
            .collect()
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(|sign: char| sign.is_whitespace() || sign.is_control())
}

/// RFC 2812, section 2.3.1, but longer.
fn is_nick(nick: &str) -> bool {
    let is_special = |sign: char| "[]\\`_^{|}".contains(sign);
    let is_first = nick.starts_with(|sign: char| sign.is_ascii_alphabetic() || is_special(sign));
    is_first && nick.len() <= NICK_BYTES_MAX && nick.chars().all(|sign| sign.is_ascii_alphanumeric() || is_special(sign) || sign == '-')
}

fn is_channel(name: &str) -> bool {
    name.starts_with(CHANNEL_SIGNS) && is_word(name) && !name.contains(',') && (2..=CHANNEL_BYTES_MAX).contains(&name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faulty(change: impl Fn(&mut Config)) -> Vec<&'static str> {
        let mut config = Config { server: "irc.example".to_owned(), ..Config::default() };
        change(&mut config);
        config.rules().into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn a_server_is_enough() {
        assert_eq!(faulty(|_| {}), [""; 0]);
    }

    #[test]
    fn names_that_could_be_more_than_one_word_are_refused() {
        assert_eq!(faulty(|config| config.nick = "a b".to_owned()), ["nick"]);
        assert_eq!(faulty(|config| config.nick = "1a".to_owned()), ["nick"]);
        assert_eq!(faulty(|config| config.channels = vec!["#a,#b".to_owned()]), ["channels"]);
        assert_eq!(faulty(|config| config.realname = "a\r\nQUIT".to_owned()), ["realname"]);
        assert_eq!(faulty(|config| config.server = String::new()), ["server"]);
    }

    #[test]
    fn a_proof_needs_what_it_is_made_of() {
        assert_eq!(faulty(|config| config.sasl = Some(Sasl::Plain)), ["account", "password"]);
        assert_eq!(faulty(|config| config.sasl = Some(Sasl::External)), ["certificate"]);
    }

    #[test]
    fn a_password_in_the_configuration_is_refused_and_not_repeated() {
        let config = Config { server_password: Some("sekret".to_owned()), server: "s".to_owned(), ..Config::default() };
        let [(key, text)] = &config.rules()[..] else { panic!("one fault") };
        assert!(*key == "server_password" && text.contains("argentum secret put") && !text.contains("sekret"), "{text}");
    }

    #[test]
    fn a_password_is_not_sent_to_others_in_the_clear() {
        let open = |server: &str| {
            let server_password = Some("vault:channel/door".to_owned());
            let config = Config { server: server.to_owned(), tls: false, server_password, ..Config::default() };
            config.rules().len()
        };
        assert_eq!((open("127.0.0.1"), open("irc.example")), (0, 1));
    }
}
