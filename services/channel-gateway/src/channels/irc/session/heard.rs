//! What somebody said, with who it was.

use irc_proto::{Message, Prefix};

use super::{super::names::CaseMapping, Event, Output, Session};

/// A `PRIVMSG` of somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Heard {
    pub(in super::super) nick: String,
    /// `account:NAME`, as the network's services know them, else `nick!user@host`, which somebody else may have tomorrow.
    pub(in super::super) identity: String,
    pub(in super::super) is_weak: bool,
    pub(in super::super) place: Place,
    pub(in super::super) text: String,
    /// Says of itself that it is a program.
    pub(in super::super) is_bot: bool,
    /// What we are called now, and which spellings of that are the same.
    pub(in super::super) me: String,
    pub(in super::super) mapping: CaseMapping,
}

/// Where it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Place {
    Private,
    Channel { folded: String, name: String },
}

// === impl Session ===

impl Session {
    pub(super) fn hear(&mut self, message: &Message, target: &str, text: &str, out: &mut Vec<Output>) {
        let Some(Prefix::Nickname(nick, user, host)) = &message.prefix else { return };
        let mapping = self.limits.case_mapping;
        if mapping.is_same(nick, &self.nick) {
            self.own = Some((user.clone(), host.clone()));
            return self.outgoing.echoed(|said| mapping.is_same(said, target), tag(message, "msgid"));
        }
        let folded = mapping.fold(target);
        let place = if mapping.is_same(target, &self.nick) {
            Place::Private
        } else if let Some(name) = self.joined.get(&folded) {
            Place::Channel { folded, name: name.clone() }
        } else {
            // Also what only some of a channel may read (`@#channel`): an answer would go to all.
            return;
        };
        let (identity, is_weak) = self.identity(message, nick, user, host);
        let is_bot = message.tags.iter().flatten().any(|tag| tag.0 == "bot");
        let heard = Heard { nick: nick.clone(), identity, is_weak, place, text: text.to_owned(), is_bot, me: self.nick.clone(), mapping };
        out.push(Output::Event(Event::Heard(Box::new(heard))));
    }

    fn identity(&self, message: &Message, nick: &str, user: &str, host: &str) -> (String, bool) {
        let mapping = self.limits.case_mapping;
        let account =
            if self.capabilities.contains("account-tag") { tag(message, "account") } else { self.people.account(&mapping.fold(nick)) };
        match account.filter(|account| !account.is_empty() && *account != "*") {
            Some(account) => (format!("account:{}", mapping.fold(account)), false),
            None => (format!("{}!{user}@{}", mapping.fold(nick), host.to_ascii_lowercase()), true),
        }
    }
}

fn tag<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.tags.iter().flatten().find(|tag| tag.0 == name).and_then(|tag| tag.1.as_deref())
}
