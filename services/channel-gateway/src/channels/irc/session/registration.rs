//! Getting in: capabilities (IRCv3 `CAP LS 302`), SASL (sasl-3.2), a nick that is free, and the welcome.
//!
//! Where an account is configured, we come in with it or not at all: whoever is answered as somebody else is worse than silence.

use std::collections::BTreeMap;

use argentum_service::sealing::SecretBytes;
use data_encoding::BASE64;
use irc_proto::{CapSubCommand, Command, Message};

use super::{Closing, Event, Login, Output, Phase, Session, Settings};

/// What we ask for where it is offered.
const WANTED: [&str; 7] = ["account-notify", "account-tag", "chghost", "echo-message", "extended-join", "message-tags", "server-time"];
const SASL: &str = "sasl";
/// Bytes of one `AUTHENTICATE`; a shorter one ends the answer.
const CHUNK_BYTES: usize = 400;
/// Nicks that are tried.
const NICKS_MAX: u32 = 20;

/// How far we got.
pub(super) struct Registration {
    pub(super) began_ms: u64,
    /// Name and value of what the server offers.
    offered: BTreeMap<String, String>,
    /// `CAP REQ` without an answer.
    unanswered: u8,
    is_logged_in: bool,
    is_logging_in: bool,
    has_ended: bool,
    nicks: u32,
}

// === impl Registration ===

impl Registration {
    pub(super) fn begin(settings: &Settings, now_ms: u64, out: &mut Vec<Output>) -> Self {
        if let Some(password) = &settings.server_password {
            out.push(Output::SecretLine(joined(&[b"PASS :", password.expose().trim_ascii_end()])));
        }
        out.push(Output::Line("CAP LS 302".to_owned()));
        out.push(Output::Line(format!("NICK {}", settings.nick)));
        out.push(Output::Line(format!("USER {} 0 * :{}", settings.username, settings.realname)));
        Self {
            began_ms: now_ms,
            offered: BTreeMap::new(),
            unanswered: 0,
            is_logged_in: false,
            is_logging_in: false,
            has_ended: false,
            nicks: 0,
        }
    }

    /// Notes what is offered, and asks for what we want of it.
    fn offer(&mut self, list: &str, is_last: bool, login: Option<&Login>, out: &mut Vec<Output>) {
        for capability in list.split_ascii_whitespace() {
            let (name, value) = capability.split_once('=').unwrap_or((capability, ""));
            self.offered.insert(name.to_owned(), value.to_owned());
        }
        if !is_last {
            return;
        }
        let wanted: Vec<&str> = WANTED.into_iter().filter(|name| self.offered.contains_key(*name)).collect();
        if !wanted.is_empty() {
            self.request(&wanted.join(" "), out);
        }
        if let Some(login) = login {
            let mechanism = login.mechanism();
            let is_offered = |mechanisms: &String| mechanisms.is_empty() || mechanisms.split(',').any(|offered| offered == mechanism);
            if !self.offered.get(SASL).is_some_and(is_offered) {
                return out.push(Output::Close(Closing::NoSasl { mechanism }));
            }
            self.request(SASL, out);
        }
        self.end(login, out);
    }

    fn request(&mut self, names: &str, out: &mut Vec<Output>) {
        self.unanswered += 1;
        out.push(Output::Line(format!("CAP REQ :{names}")));
    }

    /// Ends the negotiation once nothing is owed any more.
    fn end(&mut self, login: Option<&Login>, out: &mut Vec<Output>) {
        let is_done = self.unanswered == 0 && (login.is_none() || self.is_logged_in);
        if is_done && !self.has_ended {
            self.has_ended = true;
            out.push(Output::Line("CAP END".to_owned()));
        }
    }
}

// === impl Login ===

impl Login {
    fn mechanism(&self) -> &'static str {
        match self {
            Self::Plain { .. } => "PLAIN",
            Self::External => "EXTERNAL",
        }
    }

    /// The answer to the server's empty challenge (RFC 4616; EXTERNAL, RFC 4422: whoever the certificate says).
    fn answer(&self, out: &mut Vec<Output>) {
        let answer = match self {
            Self::Plain { account, password } => joined(&[b"\0", account.as_bytes(), b"\0", password.expose().trim_ascii_end()]),
            Self::External => SecretBytes::new(Vec::new()),
        };
        let encoded = SecretBytes::new(BASE64.encode(answer.expose()).into_bytes());
        for chunk in encoded.expose().chunks(CHUNK_BYTES) {
            out.push(Output::SecretLine(joined(&[b"AUTHENTICATE ", chunk])));
        }
        if encoded.expose().len().is_multiple_of(CHUNK_BYTES) {
            out.push(Output::Line("AUTHENTICATE +".to_owned()));
        }
    }
}

// === impl Session ===

impl Session {
    /// What capabilities and SASL bring.
    pub(super) fn register(&mut self, message: &Message, out: &mut Vec<Output>) {
        let login = self.settings.login.as_ref();
        match &message.command {
            Command::CAP(_, sub, first, second) => {
                let list = second.as_deref().or(first.as_deref()).unwrap_or_default();
                let is_last = second.is_none() || first.as_deref() != Some("*");
                match sub {
                    CapSubCommand::LS => {
                        if let Phase::Registering(registration) = &mut self.phase {
                            registration.offer(list, is_last, login, out);
                        }
                    }
                    CapSubCommand::ACK => {
                        let names = list.split_ascii_whitespace().map(|name| name.trim_start_matches(['-', '~', '=']).to_owned());
                        self.capabilities.extend(names);
                        self.acknowledged(list.split_ascii_whitespace().any(|name| name == SASL), out);
                    }
                    CapSubCommand::NAK => self.denied(list, out),
                    CapSubCommand::DEL => self.capabilities.retain(|name| !list.split_ascii_whitespace().any(|lost| lost == name)),
                    _ => {}
                }
            }
            Command::AUTHENTICATE(challenge) if challenge == "+" => {
                if let (Some(login), Phase::Registering(registration)) = (login, &self.phase)
                    && registration.is_logging_in
                {
                    login.answer(out);
                }
            }
            _ => {}
        }
    }

    fn acknowledged(&mut self, has_sasl: bool, out: &mut Vec<Output>) {
        let login = self.settings.login.as_ref();
        let Phase::Registering(registration) = &mut self.phase else { return };
        registration.unanswered = registration.unanswered.saturating_sub(1);
        match login {
            Some(login) if has_sasl => {
                registration.is_logging_in = true;
                out.push(Output::Line(format!("AUTHENTICATE {}", login.mechanism())));
            }
            _ => registration.end(login, out),
        }
    }

    fn denied(&mut self, list: &str, out: &mut Vec<Output>) {
        let login = self.settings.login.as_ref();
        let Phase::Registering(registration) = &mut self.phase else { return };
        registration.unanswered = registration.unanswered.saturating_sub(1);
        match login {
            Some(login) if list.split_ascii_whitespace().any(|name| name == SASL) => {
                out.push(Output::Close(Closing::NoSasl { mechanism: login.mechanism() }));
            }
            _ => registration.end(login, out),
        }
    }

    /// The account is proved, or was before.
    pub(super) fn logged_in(&mut self, out: &mut Vec<Output>) {
        let login = self.settings.login.as_ref();
        if let Phase::Registering(registration) = &mut self.phase {
            registration.is_logged_in = true;
            registration.end(login, out);
        }
    }

    /// The nick is taken, or is none for this server.
    pub(super) fn nick_refused(&mut self, text: &str, out: &mut Vec<Output>) {
        let Phase::Registering(registration) = &mut self.phase else { return };
        registration.nicks += 1;
        if NICKS_MAX < registration.nicks {
            return out.push(Output::Close(Closing::Nick { text: super::super::text::plain(text) }));
        }
        self.nick = alternative(&self.settings.nick, registration.nicks);
        out.push(Output::Line(format!("NICK {}", self.nick)));
    }

    /// We are in, under this nick.
    pub(super) fn welcomed(&mut self, nick: &str, out: &mut Vec<Output>) {
        let Phase::Registering(registration) = &self.phase else { return };
        nick.clone_into(&mut self.nick);
        if let Some(login) = self.settings.login.as_ref().filter(|_| !registration.is_logged_in) {
            out.push(Output::Close(Closing::NoSasl { mechanism: login.mechanism() }));
        }
    }

    /// The server has said all it says at the beginning.
    pub(super) fn settled(&mut self, now_ms: u64, out: &mut Vec<Output>) {
        if !matches!(self.phase, Phase::Registering(_)) {
            return;
        }
        self.phase = Phase::Ready;
        out.push(Output::Event(Event::Ready { nick: self.nick.clone() }));
        if let Some(mode) = self.limits.bot_mode {
            out.push(Output::Line(format!("MODE {} +{mode}", self.nick)));
        }
        if self.settings.channels.is_empty() {
            // In a channel, our own coming tells how others see us.
            out.push(Output::Line(format!("WHOIS {}", self.nick)));
        }
        self.join(now_ms, out);
        self.schedule_regain(now_ms);
    }
}

/// Another nick that is like the wanted one: first longer, then, for servers that cut it, with a number at its end.
fn alternative(wanted: &str, tries: u32) -> String {
    if tries <= 2 {
        return format!("{wanted}{}", "_".repeat(tries as usize));
    }
    let kept: String = wanted.chars().take(6).collect();
    format!("{kept}{tries:02}")
}

fn joined(parts: &[&[u8]]) -> SecretBytes {
    SecretBytes::new(parts.concat())
}
