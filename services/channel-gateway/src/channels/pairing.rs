//! Who may write to an account, as a plain value: nobody, until an operator says so.
//!
//! A stranger who writes in private is told a code, once a day, and nothing else is ever answered; the operator approves the code.
//! A group is let in as a whole by a paired person in it, or by the operator.

use std::collections::{BTreeMap, BTreeSet};

use argentum_proto::{
    ids::{ConversationId, SenderId},
    memory::v1::Audience,
};
use serde::{Deserialize, Serialize};

const MINUTE_MS: u64 = 60_000;
pub(super) const HOUR_MS: u64 = 60 * MINUTE_MS;
/// A stranger is answered once in this time.
const SILENCE_MS: u64 = 24 * HOUR_MS;
/// Strangers of one account who are answered within an hour.
pub(super) const REPLIES_PER_HOUR: usize = 10;
/// How long a code is good for.
pub(crate) const CODE_MS: u64 = HOUR_MS;
/// Codes of one account that wait for an operator.
const PENDING_MAX: usize = 100;
/// Letters of a code: none that is read as another one.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const CODE_LETTERS: usize = 8;
/// Longest name that is kept of whoever writes.
const NAME_CHARS_MAX: usize = 100;

/// Who wrote, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Author {
    pub(crate) id: SenderId,
    pub(crate) name: String,
    /// The id is not the platform's own number or account, and somebody else may get it.
    pub(crate) is_weak: bool,
    pub(crate) place: Place,
}

/// Where something was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// With nobody else, in this conversation.
    Private(ConversationId),
    Group {
        id: ConversationId,
        title: String,
    },
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on.
    Admitted,
    /// Nobody hears of it.
    Ignored,
    /// Its sender is told this code.
    Invited { code: String },
    /// A stranger hears nothing: others were told codes.
    Crowded,
    /// A paired person is told how to let the group in.
    GroupUnknown,
    /// A paired person whose id is weak is told that only the operator lets the group in.
    GroupUnvouched,
    /// The group was let in by this very message.
    GroupPaired,
}

/// One who is let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Guest {
    pub(crate) name: String,
    pub(crate) is_weak: bool,
    /// Unix milliseconds.
    pub(crate) since_ms: u64,
}

/// One who waits for the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stranger {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Where they wrote.
    pub(crate) conversation: String,
    pub(crate) is_weak: bool,
    /// Unix milliseconds.
    pub(crate) asked_ms: u64,
}

/// Everybody that an account knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pairing {
    people: BTreeMap<String, Guest>,
    groups: BTreeMap<String, Guest>,
    /// By code.
    pending: BTreeMap<String, Stranger>,
    /// When whom was answered last.
    replied_ms: BTreeMap<String, u64>,
}

// === impl Place ===

impl Place {
    /// Who hears what is said there.
    pub(crate) fn audience(&self) -> Audience {
        match self {
            Self::Private(_) => Audience::Direct,
            Self::Group { .. } => Audience::Group,
        }
    }
}

// === impl Pairing ===

impl Pairing {
    /// What becomes of a message of `author`. `allowed` are let in by the configuration; `pairs` says that the message asks to let its
    /// group in; `entropy` is random.
    pub(crate) fn judge(&mut self, author: &Author, allowed: &BTreeSet<String>, pairs: bool, entropy: u64, now_ms: u64) -> Verdict {
        let is_known = self.admits(author.id.as_str(), allowed);
        match &author.place {
            Place::Private(_) if is_known => Verdict::Admitted,
            Place::Private(conversation) => self.invite(author, conversation, entropy, now_ms),
            Place::Group { id, .. } if self.admits(id.as_str(), allowed) => Verdict::Admitted,
            Place::Group { .. } if !is_known => Verdict::Ignored,
            // Whoever may be somebody else tomorrow opens no door for others.
            Place::Group { id, title } if pairs && !author.is_weak => {
                self.groups.insert(id.to_string(), Guest { name: shortened(title), is_weak: false, since_ms: now_ms });
                Verdict::GroupPaired
            }
            Place::Group { id, .. } => self.advise(id, author.is_weak, pairs, now_ms),
        }
    }

    /// Tells a paired person once in a while how the group is let in; whoever asks for it waits for an answer and is told apart.
    fn advise(&mut self, group: &ConversationId, is_weak: bool, pairs: bool, now_ms: u64) -> Verdict {
        let (advice, silence_ms, verdict) = match (is_weak, pairs) {
            (false, _) => ("unknown", SILENCE_MS, Verdict::GroupUnknown),
            (true, false) => ("unvouched", SILENCE_MS, Verdict::GroupUnvouched),
            (true, true) => ("refused", HOUR_MS, Verdict::GroupUnvouched),
        };
        // No platform has a blank in its ids.
        let name = format!("{group} {advice}");
        if self.replied_ms.get(&name).is_some_and(|at_ms| is_within(*at_ms, silence_ms, now_ms)) {
            return Verdict::Ignored;
        }
        self.replied_ms.insert(name, now_ms);
        verdict
    }

    /// Whether a person or group is let in.
    pub(crate) fn admits(&self, id: &str, allowed: &BTreeSet<String>) -> bool {
        allowed.contains(id) || self.people.contains_key(id) || self.groups.contains_key(id)
    }

    /// Lets in who was told `code`; returns it.
    pub(crate) fn approve(&mut self, code: &str, now_ms: u64) -> Option<Stranger> {
        self.forget_expired(now_ms);
        let stranger = self.pending.remove(&code.trim().to_ascii_uppercase())?;
        let guest = Guest { name: stranger.name.clone(), is_weak: stranger.is_weak, since_ms: now_ms };
        self.people.insert(stranger.id.clone(), guest);
        Some(stranger)
    }

    /// Lets a group in that no paired person can speak for.
    pub(crate) fn approve_group(&mut self, id: &ConversationId, now_ms: u64) {
        self.groups.insert(id.to_string(), Guest { name: String::new(), is_weak: false, since_ms: now_ms });
    }

    /// Lets somebody, or a group, in no longer, or takes a code back; returns whether there was one.
    pub(crate) fn revoke(&mut self, id: &str) -> bool {
        let was_known = self.people.remove(id).is_some() | self.groups.remove(id).is_some();
        let before = self.pending.len();
        self.pending.retain(|code, stranger| code != id && stranger.id != id);
        was_known || self.pending.len() < before
    }

    /// Whether anybody was let in one by one.
    pub(crate) fn has_guests(&self) -> bool {
        !self.people.is_empty() || !self.groups.is_empty()
    }

    pub(crate) fn people(&self) -> impl Iterator<Item = (&String, &Guest)> {
        self.people.iter()
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = (&String, &Guest)> {
        self.groups.iter()
    }

    /// Codes that are still good, and who was told them.
    pub(crate) fn pending(&self, now_ms: u64) -> impl Iterator<Item = (&String, &Stranger)> {
        self.pending.iter().filter(move |(_, stranger)| is_within(stranger.asked_ms, CODE_MS, now_ms))
    }

    fn invite(&mut self, author: &Author, conversation: &ConversationId, entropy: u64, now_ms: u64) -> Verdict {
        self.forget_expired(now_ms);
        if self.replied_ms.contains_key(author.id.as_str()) {
            return Verdict::Ignored;
        }
        let lately = self.replied_ms.values().filter(|at_ms| is_within(**at_ms, HOUR_MS, now_ms)).count();
        if REPLIES_PER_HOUR <= lately || PENDING_MAX <= self.pending.len() {
            return Verdict::Crowded;
        }
        let (code, id) = (code(entropy), author.id.to_string());
        if self.pending.contains_key(&code) {
            return Verdict::Ignored;
        }
        self.replied_ms.insert(id.clone(), now_ms);
        let (name, conversation) = (shortened(&author.name), conversation.to_string());
        let stranger = Stranger { id, name, conversation, is_weak: author.is_weak, asked_ms: now_ms };
        self.pending.insert(code.clone(), stranger);
        Verdict::Invited { code }
    }

    fn forget_expired(&mut self, now_ms: u64) {
        self.pending.retain(|_, stranger| is_within(stranger.asked_ms, CODE_MS, now_ms));
        self.replied_ms.retain(|_, at_ms| is_within(*at_ms, SILENCE_MS, now_ms));
    }
}

/// Whether less than `length_ms` went by since. A clock before that moment means that it is over.
pub(super) fn is_within(since_ms: u64, length_ms: u64, now_ms: u64) -> bool {
    since_ms <= now_ms && now_ms - since_ms < length_ms
}

fn code(entropy: u64) -> String {
    (0..CODE_LETTERS).map(|place| char::from(ALPHABET[usize::try_from(entropy >> (5 * place) & 31).expect("five bits")])).collect()
}

/// A name as an operator may see it: short, and nothing that moves a cursor.
fn shortened(name: &str) -> String {
    name.chars().filter(|sign| !sign.is_control()).take(NAME_CHARS_MAX).collect()
}

#[cfg(test)]
#[path = "pairing/tests.rs"]
mod tests;
