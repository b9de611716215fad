//! What we read of Telegram's objects (<https://core.telegram.org/bots/api#available-types>). Fields that we do not read may come and
//! go; one that we do read and cannot makes the update a dead letter.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The bot itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Me {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) username: String,
}

/// Whether a webhook takes the messages.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct WebhookInfo {
    #[serde(default)]
    pub(super) url: String,
}

/// A message that was sent.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct SentMessage {
    pub(super) message_id: i64,
}

/// The part of an update that says what to confirm.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct UpdateId {
    pub(super) update_id: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Update {
    pub(super) message: Option<Message>,
    pub(super) edited_message: Option<Message>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Message {
    pub(super) message_id: i64,
    /// Of a topic where `is_topic_message`, else of a thread of replies, which is no conversation of its own.
    pub(super) message_thread_id: Option<i64>,
    #[serde(default)]
    pub(super) is_topic_message: bool,
    /// Missing where a channel speaks.
    pub(super) from: Option<User>,
    /// Unix seconds.
    pub(super) date: u64,
    pub(super) edit_date: Option<u64>,
    pub(super) chat: Chat,
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) entities: Vec<Entity>,
    pub(super) caption: Option<String>,
    #[serde(default)]
    pub(super) caption_entities: Vec<Entity>,
    pub(super) reply_to_message: Option<Original>,
    /// Whatever else it has, by which what is no text is recognised.
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

/// The message that is replied to.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Original {
    pub(super) from: Option<User>,
    /// A topic's first message counts as replied to by all others in it.
    pub(super) forum_topic_created: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct User {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) is_bot: bool,
    #[serde(default)]
    pub(super) first_name: String,
    pub(super) last_name: Option<String>,
    pub(super) username: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Chat {
    pub(super) id: i64,
    /// `private`, `group`, `supergroup`, `channel`.
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) title: Option<String>,
}

/// A marked piece of a text, in UTF-16 code units.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Entity {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) offset: usize,
    pub(super) length: usize,
    pub(super) user: Option<User>,
}

// === impl User ===

impl User {
    /// As people see them.
    pub(super) fn display_name(&self) -> String {
        let mut name = self.first_name.clone();
        if let Some(last_name) = &self.last_name {
            name = format!("{name} {last_name}");
        }
        match &self.username {
            Some(username) => format!("{name} (@{username})"),
            None => name,
        }
    }
}
