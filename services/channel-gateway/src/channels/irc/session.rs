//! One connection to a server, as a plain value: what came, and what is to be done. No socket, no clock.
//!
//! `registration` gets in (capabilities, SASL, nick), `people` knows who is logged in as whom, `outgoing` sends and tells what became
//! of it. What stands here is the rest: channels, own prefix, proof of life.

mod heard;
mod numerics;
mod outgoing;
mod people;
mod registration;

use std::{collections::BTreeMap, sync::Arc};

use argentum_service::sealing::SecretBytes;
use irc_proto::{Command, Message, Prefix};

use super::names::{HOST_BYTES, Limits, USER_BYTES};
use crate::outbox::Outcome;

use outgoing::Outgoing;
use people::People;
use registration::Registration;

pub(super) use heard::{Heard, Place};
pub(super) use outgoing::Say;

/// Getting in may take this long.
const REGISTRATION_MS: u64 = 60_000;
/// Silence after which the server is asked whether it lives, and how long it may take to say so.
const SILENCE_MS: u64 = 120_000;
const ANSWER_MS: u64 = 60_000;
/// How often a channel that is not joined, and the own nick, are tried again.
const REJOIN_MS: u64 = 60_000;
const REGAIN_MS: u64 = 60_000;
/// Bytes of the channels in one `JOIN`.
const JOIN_BYTES_MAX: usize = 400;

/// Who we want to be.
pub(super) struct Settings {
    pub(super) nick: String,
    pub(super) username: String,
    pub(super) realname: String,
    pub(super) channels: Vec<String>,
    pub(super) login: Option<Login>,
    pub(super) server_password: Option<Arc<SecretBytes>>,
    pub(super) flood_burst: u32,
    pub(super) flood_refill_ms: u64,
}

/// How we prove an account (IRCv3 sasl-3.2).
pub(super) enum Login {
    Plain {
        account: String,
        password: Arc<SecretBytes>,
    },
    /// By the certificate of the connection.
    External,
}

/// What happened.
pub(super) enum Input<'a> {
    Connected,
    Line(&'a str),
    Say(Say),
    Tick,
    /// The connection is gone: what was on its way is unknown.
    Closed,
}

/// What is to be done.
pub(super) enum Output {
    /// Write it, with an end of line.
    Line(String),
    /// The same; it is in no log.
    SecretLine(SecretBytes),
    Event(Event),
    /// How something said ended.
    Ended {
        ticket: u64,
        outcome: Outcome,
    },
    /// End the connection.
    Close(Closing),
}

/// What others want to know.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Event {
    Ready {
        nick: String,
    },
    /// We are in a channel (its folded name).
    Joined {
        channel: String,
    },
    /// A configured channel does not take us, or no longer.
    Outside {
        channel: String,
        reason: String,
    },
    Heard(Box<Heard>),
    /// The server said why it closes.
    Trouble(String),
}

/// Why we end a connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Closing {
    #[error("the server offers no SASL {mechanism}; `sasl` asks for it")]
    NoSasl { mechanism: &'static str },
    #[error("the server refused the account: {text}")]
    Login { text: String },
    #[error("the server refused us: {text}")]
    Refused { text: String },
    #[error("no nick could be had: {text}")]
    Nick { text: String },
    #[error("the server let us wait for more than {} s", REGISTRATION_MS / 1_000)]
    Registration,
    #[error("the server is silent")]
    Silent,
}

enum Phase {
    /// Not connected yet, or no more.
    Away,
    Registering(Registration),
    Ready,
}

/// One connection.
pub(super) struct Session {
    settings: Settings,
    phase: Phase,
    limits: Limits,
    capabilities: std::collections::BTreeSet<String>,
    nick: String,
    /// User and host, as others see them.
    own: Option<(String, String)>,
    /// By folded name.
    joined: BTreeMap<String, String>,
    people: People,
    outgoing: Outgoing,
    /// When something came last, and since when a proof of life is owed.
    heard_ms: u64,
    asked_ms: Option<u64>,
    rejoin_due_ms: Option<u64>,
    regain_due_ms: Option<u64>,
}

// === impl Settings ===

impl Settings {
    /// The password of the account, where it is one that is shown.
    pub(super) fn login_secret(&self) -> Option<Arc<SecretBytes>> {
        match &self.login {
            Some(Login::Plain { password, .. }) => Some(Arc::clone(password)),
            Some(Login::External) | None => None,
        }
    }
}

// === impl Closing ===

impl Closing {
    /// Whether trying again soon is of no use: something has to be changed first.
    pub(super) fn is_lasting(&self) -> bool {
        !matches!(self, Self::Registration | Self::Silent)
    }
}

// === impl Session ===

impl Session {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            phase: Phase::Away,
            limits: Limits::default(),
            capabilities: std::collections::BTreeSet::new(),
            nick: settings.nick.clone(),
            own: None,
            joined: BTreeMap::new(),
            people: People::default(),
            outgoing: Outgoing::new(settings.flood_burst, settings.flood_refill_ms),
            heard_ms: 0,
            asked_ms: None,
            rejoin_due_ms: None,
            regain_due_ms: None,
            settings,
        }
    }

    /// Takes one thing that happened, at `now_ms` of a clock that never goes back.
    pub(super) fn handle(&mut self, input: Input<'_>, now_ms: u64) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::Connected => self.begin(now_ms, &mut out),
            Input::Line(line) => self.line(line, now_ms, &mut out),
            Input::Say(say) => out.extend(self.outgoing.push(say)),
            Input::Tick => self.tick(now_ms, &mut out),
            Input::Closed => {
                self.phase = Phase::Away;
                out.extend(self.outgoing.close());
            }
        }
        self.pump(now_ms, &mut out);
        out
    }

    /// When [`Input::Tick`] is wanted next.
    pub(super) fn next_due_ms(&self, now_ms: u64) -> Option<u64> {
        let alive = match &self.phase {
            Phase::Away => None,
            Phase::Registering(registration) => Some(registration.began_ms + REGISTRATION_MS),
            Phase::Ready => Some(self.asked_ms.map_or(self.heard_ms + SILENCE_MS, |asked_ms| asked_ms + ANSWER_MS)),
        };
        let outgoing = matches!(self.phase, Phase::Ready).then(|| self.outgoing.due_ms(now_ms, ANSWER_MS)).flatten();
        [alive, outgoing, self.rejoin_due_ms, self.regain_due_ms].into_iter().flatten().min()
    }

    /// Whether a channel (its folded name) is joined.
    #[cfg(test)]
    fn is_in(&self, channel: &str) -> bool {
        self.joined.contains_key(channel)
    }

    fn begin(&mut self, now_ms: u64, out: &mut Vec<Output>) {
        self.heard_ms = now_ms;
        self.phase = Phase::Registering(Registration::begin(&self.settings, now_ms, out));
    }

    fn line(&mut self, line: &str, now_ms: u64, out: &mut Vec<Output>) {
        self.heard_ms = now_ms;
        self.asked_ms = None;
        // Whatever a server sends that is no message is of no use.
        let Ok(message) = line.parse::<Message>() else { return };
        match &message.command {
            Command::PING(token, _) => out.push(Output::Line(format!("PONG :{token}"))),
            Command::PONG(server, token) => {
                let is_echoing = self.capabilities.contains("echo-message");
                out.extend(self.outgoing.ponged(token.as_deref().unwrap_or(server), is_echoing));
            }
            Command::CAP(..) | Command::AUTHENTICATE(_) => self.register(&message, out),
            Command::ERROR(text) => out.push(Output::Event(Event::Trouble(super::text::plain(text)))),
            Command::PRIVMSG(target, text) => self.hear(&message, target, text, out),
            Command::Response(response, parameters) => self.numeric(*response as u16, parameters, now_ms, out),
            Command::Raw(code, parameters) => {
                if let Some(code) = code.parse().ok().filter(|_| code.len() == 3) {
                    self.numeric(code, parameters, now_ms, out);
                }
            }
            _ => self.moved(&message, now_ms, out),
        }
    }

    /// Somebody comes, goes, or is called otherwise.
    fn moved(&mut self, message: &Message, now_ms: u64, out: &mut Vec<Output>) {
        let Some(Prefix::Nickname(nick, user, host)) = &message.prefix else { return };
        let (who, mapping) = (self.limits.case_mapping.fold(nick), self.limits.case_mapping);
        let is_own = who == mapping.fold(&self.nick);
        match &message.command {
            Command::NICK(new) => {
                self.people.rename(&who, mapping.fold(new));
                if is_own {
                    new.clone_into(&mut self.nick);
                    self.schedule_regain(now_ms);
                } else if mapping.is_same(nick, &self.settings.nick) {
                    self.regain(now_ms, out);
                }
            }
            Command::JOIN(channel, ..) if is_own => {
                self.own = Some((user.clone(), host.clone()));
                self.entered(channel, out);
            }
            Command::JOIN(channel, account, _) => {
                let account = account.as_deref().filter(|_| self.capabilities.contains("extended-join"));
                self.people.came(who, &mapping.fold(channel), account);
            }
            Command::PART(channel, _) if is_own => self.left(channel, "we left", now_ms, out),
            Command::PART(channel, _) => self.people.went(&who, &mapping.fold(channel)),
            Command::KICK(channel, victim, reason) if mapping.is_same(victim, &self.nick) => {
                self.left(channel, reason.as_deref().unwrap_or("kicked"), now_ms, out);
            }
            Command::KICK(channel, victim, _) => self.people.went(&mapping.fold(victim), &mapping.fold(channel)),
            Command::QUIT(_) => {
                self.people.gone(&who);
                if mapping.is_same(nick, &self.settings.nick) && !is_own {
                    self.regain(now_ms, out);
                }
            }
            Command::ACCOUNT(account) => self.people.logged_in(&who, account),
            Command::CHGHOST(user, host) if is_own => self.own = Some((user.clone(), host.clone())),
            _ => {}
        }
    }

    fn entered(&mut self, channel: &str, out: &mut Vec<Output>) {
        let folded = self.limits.case_mapping.fold(channel);
        if self.limits.has_whox && !self.capabilities.contains("account-tag") {
            out.push(Output::Line(format!("WHO {channel} %tcna,{}", numerics::WHO_TOKEN)));
        }
        if self.joined.insert(folded.clone(), channel.to_owned()).is_none() {
            out.push(Output::Event(Event::Joined { channel: folded }));
        }
    }

    fn left(&mut self, channel: &str, reason: &str, now_ms: u64, out: &mut Vec<Output>) {
        let folded = self.limits.case_mapping.fold(channel);
        self.people.we_left(&folded);
        if self.joined.remove(&folded).is_some() {
            self.rejoin_due_ms = Some(now_ms + REJOIN_MS);
            out.push(Output::Event(Event::Outside { channel: folded, reason: super::text::plain(reason) }));
        }
    }

    /// The configured channels that we are not in.
    fn join(&mut self, now_ms: u64, out: &mut Vec<Output>) {
        let mapping = self.limits.case_mapping;
        let missing: Vec<&String> =
            self.settings.channels.iter().filter(|channel| !self.joined.contains_key(&mapping.fold(channel))).collect();
        self.rejoin_due_ms = (!missing.is_empty()).then_some(now_ms + REJOIN_MS);
        let mut names = String::new();
        for channel in missing {
            if JOIN_BYTES_MAX < names.len() + channel.len() {
                out.push(Output::Line(format!("JOIN {}", std::mem::take(&mut names))));
            }
            if !names.is_empty() {
                names.push(',');
            }
            names.push_str(channel);
        }
        if !names.is_empty() {
            out.push(Output::Line(format!("JOIN {names}")));
        }
    }

    /// Whether the nick is the configured one, as far as the server can hold it.
    fn has_its_nick(&self) -> bool {
        let is_too_long = self.limits.nick_bytes_max.is_some_and(|bytes_max| bytes_max < self.settings.nick.len());
        is_too_long || self.limits.case_mapping.is_same(&self.nick, &self.settings.nick)
    }

    fn schedule_regain(&mut self, now_ms: u64) {
        self.regain_due_ms = (!self.has_its_nick()).then_some(now_ms + REGAIN_MS);
    }

    fn regain(&mut self, now_ms: u64, out: &mut Vec<Output>) {
        if matches!(self.phase, Phase::Ready) && !self.has_its_nick() {
            out.push(Output::Line(format!("NICK {}", self.settings.nick)));
        }
        self.schedule_regain(now_ms);
    }

    fn tick(&mut self, now_ms: u64, out: &mut Vec<Output>) {
        let is_due = |due_ms: Option<u64>| due_ms.is_some_and(|due_ms| due_ms <= now_ms);
        match &self.phase {
            Phase::Away => return,
            Phase::Registering(registration) => {
                if registration.began_ms + REGISTRATION_MS <= now_ms {
                    out.push(Output::Close(Closing::Registration));
                }
                return;
            }
            Phase::Ready => {}
        }
        if is_due(self.asked_ms.map(|asked_ms| asked_ms + ANSWER_MS)) || self.outgoing.is_overdue(now_ms, ANSWER_MS) {
            return out.push(Output::Close(Closing::Silent));
        }
        if self.asked_ms.is_none() && self.heard_ms + SILENCE_MS <= now_ms {
            self.asked_ms = Some(now_ms);
            out.push(Output::Line("PING :alive".to_owned()));
        }
        if is_due(self.rejoin_due_ms) {
            self.join(now_ms, out);
        }
        if is_due(self.regain_due_ms) {
            self.regain(now_ms, out);
        }
    }

    /// Sends what may be sent now.
    fn pump(&mut self, now_ms: u64, out: &mut Vec<Output>) {
        if !matches!(self.phase, Phase::Ready) {
            return;
        }
        let (limits, joined, prefix_bytes) = (&self.limits, &self.joined, self.prefix_bytes());
        let is_open = |target: &str| !limits.is_channel(target) || joined.contains_key(&limits.case_mapping.fold(target));
        self.outgoing.pump(now_ms, limits.line_bytes_max - prefix_bytes, is_open, out);
    }

    /// Bytes of `:nick!user@host ` before what we send, when others get it, and of the line's end.
    fn prefix_bytes(&self) -> usize {
        let (user, host) = self.own.as_ref().map_or((USER_BYTES, HOST_BYTES), |(user, host)| (user.len(), host.len()));
        // The nick may change while a line is on its way.
        let nick = self.nick.len().max(if self.own.is_some() { self.settings.nick.len() } else { self.limits.nick_bytes() });
        ":!@ \r\n".len() + nick + user + host
    }
}

#[cfg(test)]
mod tests;
