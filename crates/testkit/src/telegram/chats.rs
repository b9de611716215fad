//! Chats, people and updates: what stands where.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Instant,
};

use serde_json::{Value, json};

use super::{BOT_ID, BOT_NAME, Mishap};

/// The clock of this Telegram: Unix seconds of its first message.
const BEGIN: i64 = 1_700_000_000;

/// A message of the bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    pub id: i64,
    pub text: String,
    /// The message that it replies to.
    pub reply_to: Option<i64>,
    pub at: Instant,
}

#[derive(Default)]
pub(super) struct State {
    last_id: i64,
    /// Chats in which somebody wrote: a bot begins none.
    pub(super) chats: BTreeMap<i64, Vec<Message>>,
    pub(super) updates: VecDeque<Value>,
    pub(super) blocked: BTreeSet<i64>,
    pub(super) script: VecDeque<Mishap>,
    pub(super) loses_confirmations: bool,
    pub(super) webhook: String,
    /// Chats in which it was shown that the bot is typing.
    pub(super) actions: Vec<i64>,
    pub(super) asked: BTreeMap<String, usize>,
    /// Counts polls: the older of two ends.
    pub(super) generation: u64,
    pub(super) conflicts: usize,
    pub(super) waiting_polls: usize,
}

pub(super) enum Message {
    OfUser(i64),
    OfBot(Posted),
}

// === impl State ===

impl State {
    pub(super) fn posted(&self, chat: i64) -> Vec<Posted> {
        let messages = self.chats.get(&chat).into_iter().flatten();
        messages.filter_map(|message| if let Message::OfBot(posted) = message { Some(posted.clone()) } else { None }).collect()
    }

    pub(super) fn say(&mut self, user: i64, name: &str, chat: i64, text: &str, original: Option<i64>) -> i64 {
        let mut message = self.message(user, name, chat);
        message["text"] = text.into();
        let entities = entities(text);
        if !entities.is_empty() {
            message["entities"] = entities.into();
        }
        if let Some(original) = original {
            assert!(self.posted(chat).iter().any(|posted| posted.id == original), "no message {original} of the bot");
            message["reply_to_message"] = json!({ "message_id": original, "date": BEGIN, "chat": message["chat"], "from": bot() });
        }
        self.update(chat, &message)
    }

    pub(super) fn say_in_topic(&mut self, user: i64, name: &str, (chat, topic): (i64, i64), text: &str) -> i64 {
        let mut message = self.message(user, name, chat);
        message["text"] = text.into();
        (message["message_thread_id"], message["is_topic_message"]) = (topic.into(), true.into());
        self.update(chat, &message)
    }

    pub(super) fn show(&mut self, user: i64, name: &str, chat: i64) -> i64 {
        let mut message = self.message(user, name, chat);
        message["photo"] = json!([{ "file_id": "f", "file_unique_id": "u", "width": 1, "height": 1 }]);
        self.update(chat, &message)
    }

    /// Stores a message of the bot as Telegram would show it, and returns it.
    pub(super) fn post(&mut self, chat: i64, text: &str, reply_to: Option<i64>) -> Value {
        let id = self.next_id();
        let posted = Posted { id, text: text.trim().to_owned(), reply_to, at: Instant::now() };
        self.chats.entry(chat).or_default().push(Message::OfBot(posted));
        json!({ "message_id": id, "date": BEGIN + id, "from": bot(), "chat": chat_of(chat, "Ada"), "text": text.trim() })
    }

    pub(super) fn has_message(&self, chat: i64, id: i64) -> bool {
        let is_it = |message: &Message| match message {
            Message::OfUser(known) => *known == id,
            Message::OfBot(posted) => posted.id == id,
        };
        self.chats.get(&chat).is_some_and(|messages| messages.iter().any(is_it))
    }

    fn message(&mut self, user: i64, name: &str, chat: i64) -> Value {
        let id = self.next_id();
        json!({
            "message_id": id, "date": BEGIN + id, "chat": chat_of(chat, name),
            "from": { "id": user, "is_bot": false, "first_name": name, "language_code": "en" },
        })
    }

    fn update(&mut self, chat: i64, message: &Value) -> i64 {
        let id = message["message_id"].as_i64().unwrap();
        self.chats.entry(chat).or_default().push(Message::OfUser(id));
        let update_id = 1_000 + self.next_id();
        self.updates.push_back(json!({ "update_id": update_id, "message": message }));
        id
    }

    fn next_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }
}

pub(super) fn bot() -> Value {
    json!({ "id": BOT_ID, "is_bot": true, "first_name": "Argentum", "username": BOT_NAME })
}

fn chat_of(chat: i64, name: &str) -> Value {
    if chat < 0 {
        json!({ "id": chat, "type": "supergroup", "title": "Tea" })
    } else {
        json!({ "id": chat, "type": "private", "first_name": name })
    }
}

/// Commands and mentions, in UTF-16 code units as Telegram counts.
fn entities(text: &str) -> Vec<Value> {
    let (mut entities, mut offset) = (Vec::new(), 0);
    for word in text.split_inclusive(char::is_whitespace) {
        let is_name = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
        let marked = |more: fn(char) -> bool| 1 + word[1..].find(|sign: char| !is_name(sign) && !more(sign)).unwrap_or(word.len() - 1);
        if word.starts_with('@') && 3 < marked(|_| false) {
            entities.push(json!({ "type": "mention", "offset": offset, "length": marked(|_| false) }));
        }
        if word.starts_with('/') && 1 < marked(|_| false) {
            entities.push(json!({ "type": "bot_command", "offset": offset, "length": marked(|sign| sign == '@') }));
        }
        offset += word.encode_utf16().count();
    }
    entities
}
