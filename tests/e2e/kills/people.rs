//! Those who write, where they write, and what they see.

use std::{
    collections::BTreeMap,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use argentum_testkit::{
    irc::{FakeIrc, Manners},
    telegram::{BOT_NAME, FakeTelegram},
    vendor::{FakeVendor, echo_of},
};
use serde_json::Value;

use super::{LOADS, Seeded, town::Town};
use crate::{
    bundle::until,
    page::ulid,
    tally::{Call, Channel, Fate, Kind, Place, Seen, Sent, Shown, Tally},
};

/// In which all conversations are written to their end, with everybody at their own pace.
const SPAN_MS: u64 = 20_000;
/// Pause of the vendor before each piece of an answer.
const THOUGHT: Duration = Duration::from_millis(30);
/// By then whoever heard a line on IRC has it on disk, on a machine that is not late.
const KEPT_WITHIN: Duration = Duration::from_secs(1);
/// What has to be waited for until it is there: processors and disk, a few times.
const WAITS: u32 = 4;
/// More than a message may have.
const TOO_LARGE_BYTES: usize = 300 * 1024;
/// A group on Telegram. A bot may write twenty messages a minute there, and so little is asked.
const GROUP: i64 = -5;
const GROUP_MESSAGES: usize = 6;
/// Labels of a repeat.
const TELEGRAM_LABEL: &str = "(repeated, as this may stand above already)\n";
const IRC_LABEL: &str = "(repeated) ";
/// What a notice about an absence says.
const AWAY: &str = "What was said here meanwhile did not reach me.";

/// Everybody outside of the bundle.
pub(super) struct People {
    pub(super) telegram: FakeTelegram,
    pub(super) vendor: FakeVendor,
    irc: FakeIrc,
    /// Conversations at the page.
    pages: Vec<String>,
}

/// What was written so far.
#[derive(Default)]
pub(super) struct Letters {
    sent: Mutex<Vec<Letter>>,
    /// When the answer to a text was seen first at the page, which does not tell.
    seen: Mutex<BTreeMap<String, Instant>>,
}

struct Letter {
    place: Place,
    text: String,
    at: Instant,
    /// As it went over the wire of IRC.
    line: String,
    is_rejected: bool,
}

// === impl Letters ===

impl Letters {
    pub(super) fn count(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    /// When an answer was seen first.
    fn see(&self, text: &str) -> Instant {
        *self.seen.lock().unwrap().entry(text.to_owned()).or_insert_with(Instant::now)
    }
}

// === impl People ===

impl People {
    pub(super) fn gather() -> Self {
        let vendor = FakeVendor::start();
        vendor.echo(THOUGHT);
        let pages = (0..conversations(Channel::Web)).map(|_| ulid()).collect();
        Self { telegram: FakeTelegram::start(), vendor, irc: FakeIrc::start(Manners::default()), pages }
    }

    /// The configuration of a bundle that listens to all of them; the bot of Telegram, which needs a secret, is added later.
    pub(super) fn config(&self) -> String {
        let rooms = quoted(self.rooms());
        let allow = quoted(self.rooms().into_iter().chain(self.nicks().into_iter().map(|nick| format!("{nick}!u@h"))));
        format!(
            "[provider_router]\nflood_burst = 1000\n[channel_gateway.channels.irc-test]\nkind = \"irc\"\nserver = \"127.0.0.1\"\n\
             port = {}\ntls = false\nchannels = [{rooms}]\nallow = [{allow}]\nflood_burst = 50\nflood_refill = \"10ms\"\n",
            self.irc.port()
        )
    }

    /// Waits until the bundle is where they are.
    pub(super) fn until_met(&self) {
        until("us in the channels", || self.rooms().iter().all(|room| self.irc.is_joined(room)).then_some(()));
        until("a poll", || (self.telegram.waiting_polls() != 0).then_some(()));
    }

    pub(super) fn chats(&self) -> Vec<i64> {
        let people = (1_001..).take(conversations(Channel::Telegram) - 1);
        people.chain([GROUP]).collect()
    }

    /// Half of the conversations on IRC are in channels.
    fn rooms(&self) -> Vec<String> {
        (0..conversations(Channel::Irc) / 2).map(|number| format!("#tea{number}")).collect()
    }

    fn nicks(&self) -> Vec<String> {
        (conversations(Channel::Irc) / 2..conversations(Channel::Irc)).map(|number| format!("ada{number}")).collect()
    }

    /// All conversations, and how many messages each gets.
    pub(super) fn places(&self) -> Vec<(Place, usize)> {
        let names = |channel| match channel {
            Channel::Web => self.pages.clone(),
            Channel::Telegram => self.chats().iter().map(ToString::to_string).collect(),
            Channel::Irc => [self.rooms(), self.nicks()].concat(),
        };
        let mut places = Vec::new();
        for load in LOADS {
            let names: Vec<String> = names(load.channel);
            let is_slow = |name: &str| load.channel == Channel::Telegram && name.starts_with('-');
            let slow = names.iter().filter(|name| is_slow(name)).count();
            let each = (load.messages - slow * GROUP_MESSAGES) / (names.len() - slow);
            places.extend(names.into_iter().map(|name| {
                let count = if is_slow(&name) { GROUP_MESSAGES } else { each };
                (Place { channel: load.channel, name }, count)
            }));
        }
        places
    }

    /// Writes one conversation to its end.
    pub(super) fn write(&self, town: &Town, letters: &Letters, place: &Place, count: usize, seeded: &mut Seeded) {
        let pause_ms = SPAN_MS / u64::try_from(count).unwrap();
        for number in 0..count {
            thread::sleep(Duration::from_millis(pause_ms / 2 + seeded.below(pause_ms)));
            let text = format!("message {number} of {}", place.name);
            let at = Instant::now();
            // Each conversation at the page ends with a message that is too large.
            let is_rejected = place.channel == Channel::Web && number + 1 == count;
            let line = if is_rejected { Self::say_too_much(town, place, &text) } else { self.say(town, place, &text) };
            letters.sent.lock().unwrap().push(Letter { place: place.clone(), text, at, line, is_rejected });
            if place.channel == Channel::Web {
                // Seen early, so that a call after it is known as one.
                read_page(town, letters, &place.name);
            }
        }
    }

    /// Says one thing; at the page, until it is accepted.
    fn say(&self, town: &Town, place: &Place, text: &str) -> String {
        let mut line = String::new();
        match place.channel {
            Channel::Web => assert_eq!(answered_at_page(town, place, text), 202),
            Channel::Telegram => {
                let chat: i64 = place.name.parse().unwrap();
                let mention = if chat < 0 { format!("@{BOT_NAME} ") } else { String::new() };
                self.telegram.user(chat.abs(), "Ada").say(chat, &format!("{mention}{text}"));
            }
            Channel::Irc => {
                line = match place.name.strip_prefix('#') {
                    Some(_) => format!(":ada!u@h PRIVMSG {} :argentum: {text}", place.name),
                    None => format!(":{}!u@h PRIVMSG argentum :{text}", place.name),
                };
                self.irc.send(&line);
            }
        }
        line
    }

    fn say_too_much(town: &Town, place: &Place, text: &str) -> String {
        assert_eq!(answered_at_page(town, place, &format!("{text}{}", " and".repeat(TOO_LARGE_BYTES / 4))), 413);
        String::new()
    }

    /// All that can be seen now.
    pub(super) fn seen(&self, town: &Town, letters: &Letters) -> Seen {
        let mut shown: BTreeMap<Place, Vec<Shown>> = BTreeMap::new();
        for name in &self.pages {
            let place = Place { channel: Channel::Web, name: name.clone() };
            let turns = until("a conversation", || read_page(town, letters, name));
            shown.insert(place, turns.into_iter().map(|(at, of, kind)| Shown { of, at: town.time_of(at), kind }).collect());
        }
        for chat in self.chats() {
            let place = Place { channel: Channel::Telegram, name: chat.to_string() };
            let posted = self.telegram.posted(chat);
            shown.insert(place, posted.iter().map(|posted| read(&posted.text, TELEGRAM_LABEL, town.time_of(posted.at))).collect());
        }
        for (at, said) in self.irc.said_when().iter().filter(|(_, said)| !(said.is_notice && said.text.ends_with(AWAY))) {
            let place = Place { channel: Channel::Irc, name: said.target.clone() };
            // In a channel its asker is named first, as long as we remember who that was.
            let text = said.text.strip_prefix("ada: ").filter(|_| said.target.starts_with('#')).unwrap_or(&said.text);
            shown.entry(place).or_default().push(read(text, IRC_LABEL, town.time_of(*at)));
        }
        let call = |request: argentum_testkit::vendor::Request| Call { of: request.question(), at: town.time_of(request.at) };
        let calls = self.vendor.requests().into_iter().map(call).collect();
        let sent = letters.sent.lock().unwrap().iter().map(|letter| self.sent(town, letter)).collect();
        Seen { sent, shown, calls, kills: town.kills() }
    }

    fn sent(&self, town: &Town, letter: &Letter) -> Sent {
        let is_heard = || {
            let kept = self.irc.kept_for(&letter.line)?;
            Some(KEPT_WITHIN + WAITS * town.pulse.delay(letter.at, letter.at + kept) <= kept)
        };
        let fate = match letter.place.channel {
            _ if letter.is_rejected => Fate::Rejected,
            Channel::Irc if is_heard() != Some(true) => Fate::Unheard,
            _ => Fate::Ours,
        };
        Sent { place: letter.place.clone(), text: letter.text.clone(), at: town.time_of(letter.at), fate }
    }

    /// What there is to know of the conversations that are not as they should be.
    pub(super) fn faults(&self, town: &Town, letters: &Letters) -> String {
        let seen = self.seen(town, letters);
        let mut text = format!("kills: {:?}\n", seen.kills);
        for (place, _) in self.places() {
            let only = |kept: &Place| *kept == place;
            let sent: Vec<Sent> = seen.sent.iter().filter(|sent| only(&sent.place)).cloned().collect();
            let shown: BTreeMap<Place, Vec<Shown>> = seen.shown.clone().into_iter().filter(|(kept, _)| only(kept)).collect();
            let calls = seen.calls.iter().filter(|call| sent.iter().any(|sent| sent.text == call.of)).cloned().collect();
            let alone = Seen { sent, shown, calls, kills: seen.kills.clone() };
            if !Tally::of(&alone, place.channel).is_clean() {
                text.push_str(&format!("sent: {:#?}\nshown: {:#?}\ncalls: {:#?}\n", alone.sent, alone.shown, alone.calls));
            }
        }
        text
    }
}

fn conversations(channel: Channel) -> usize {
    LOADS.iter().filter(|load| load.channel == channel).map(|load| load.conversations).sum()
}

fn quoted(names: impl IntoIterator<Item = String>) -> String {
    names.into_iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

/// Writes at the page until the answer is final, and returns its status.
fn answered_at_page(town: &Town, place: &Place, text: &str) -> u16 {
    let key = ulid();
    let answer = || town.page().try_send(&place.name, &key, text).map(|response| response.status);
    until("acceptance", || answer().filter(|status| *status == 202 || (400..500).contains(status)))
}

/// What stands in a chat, told by its text.
fn read(text: &str, label: &str, at: Duration) -> Shown {
    let (text, kind) = text.strip_prefix(label).map_or((text, Kind::Answer), |rest| (rest, Kind::Labelled));
    match text.strip_prefix(&echo_of("")) {
        Some(question) => Shown { of: Some(question.to_owned()), at, kind },
        None => Shown { of: None, at, kind: Kind::Report },
    }
}

/// The turns that a page shows as ended: when that was seen first, of which message, and what they are.
fn read_page(town: &Town, letters: &Letters, conversation: &str) -> Option<Vec<(Instant, Option<String>, Kind)>> {
    let now = town.page().conversation(conversation)?;
    let turn = |turn: &Value| {
        let question = turn["question"].as_str().unwrap().to_owned();
        let answer = turn["answer"].as_str().unwrap();
        let at = letters.see(&question);
        match turn["outcome"] == "answered" {
            true if answer == echo_of(&question) => (at, Some(question), Kind::Answer),
            // It is not this message that was answered.
            true => (at, Some(answer.to_owned()), Kind::Answer),
            false => (at, Some(question), Kind::Report),
        }
    };
    Some(now["turns"].as_array()?.iter().map(turn).collect())
}
