//! Sends parts and notices. Telegram knows no key of ours and shows a bot nothing that it wrote: what may stand already is repeated with
//! a visible label.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tracing::warn;

use super::{
    api::{Api, CallError},
    types::SentMessage,
    units::{LABEL, split},
};
use crate::{
    channel::{self, Sending},
    channels::notices::{Notice, Teller},
    outbox::{Outcome, Part, Split},
};

/// How long the answer to a send is waited for.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);
/// Messages to one chat follow each other at this distance: about one a second in private, twenty a minute in groups
/// (<https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this>).
const PRIVATE_PAUSE: Duration = Duration::from_secs(1);
const GROUP_PAUSE: Duration = Duration::from_secs(3);
/// Chats whose pace is known.
const PACES_MAX: usize = 1_000;
/// Wait before a send is tried again with a token that Telegram does not know: that is the account's fault, not the message's.
const TOKEN_PAUSE: Duration = Duration::from_secs(60);
/// Wait where Telegram asks for one and does not say how long.
const LIMITED_PAUSE: Duration = Duration::from_secs(5);

/// The sending half of an account.
pub(super) struct Sender {
    api: Arc<Api>,
    /// When the next message to a chat may go.
    paces: Mutex<HashMap<i64, Instant>>,
}

/// Where a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) chat: i64,
    pub(super) topic: Option<i64>,
}

// === impl Target ===

impl Target {
    /// The chat's id, and the topic's behind a colon.
    pub(super) fn parse(conversation: &str) -> Option<Self> {
        match conversation.split_once(':') {
            None => Some(Self { chat: conversation.parse().ok()?, topic: None }),
            Some((chat, topic)) => Some(Self { chat: chat.parse().ok()?, topic: Some(topic.parse().ok()?) }),
        }
    }

    /// Groups and channels have negative ids.
    fn is_group(self) -> bool {
        self.chat < 0
    }

    /// The parameters that name it.
    pub(super) fn parameters(self) -> Value {
        match self.topic {
            Some(topic) => json!({ "chat_id": self.chat, "message_thread_id": topic }),
            None => json!({ "chat_id": self.chat }),
        }
    }
}

// === impl Sender ===

impl Sender {
    pub(super) fn new(api: Arc<Api>) -> Self {
        Self { api, paces: Mutex::default() }
    }

    async fn deliver(&self, part: Part) -> Outcome {
        // Telegram takes no message in which nothing is to be seen.
        if part.text.trim().is_empty() {
            return Outcome::Sent { platform_message_ids: Vec::new() };
        }
        let text = if part.maybe_sent { format!("{LABEL}{}", part.text) } else { part.text };
        let reply_to = if part.id.first_byte == 0 { part.reply_to.as_str() } else { "" };
        let Some(target) = Target::parse(&part.platform_conversation_id) else {
            return Outcome::Refused { code: "400".to_owned(), text: "no such chat".to_owned() };
        };
        outcome(self.post(target, &text, reply_to).await)
    }

    /// Sends one message, when the chat's pace allows it.
    async fn post(&self, target: Target, text: &str, reply_to: &str) -> Result<SentMessage, CallError> {
        tokio::time::sleep_until(self.turn(target, Instant::now()).into()).await;
        let mut parameters = target.parameters();
        parameters["text"] = text.into();
        // In private it is clear what is answered.
        if let Some(message) = reply_to.parse::<i64>().ok().filter(|_| target.is_group()) {
            parameters["reply_parameters"] = json!({ "message_id": message, "allow_sending_without_reply": true });
        }
        let sent = self.api.call("sendMessage", &parameters, ANSWER_DEADLINE).await;
        match &sent {
            Err(CallError::Refused { code: 400, migrated_to: Some(chat), .. }) => {
                // A group that became a supergroup: nothing was sent to its old id.
                parameters["chat_id"] = (*chat).into();
                self.api.call("sendMessage", &parameters, ANSWER_DEADLINE).await
            }
            _ => sent,
        }
    }

    /// When it is a message's turn in its chat; it has that turn then.
    fn turn(&self, target: Target, now: Instant) -> Instant {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        if PACES_MAX <= paces.len() {
            paces.retain(|_, next| now < *next);
        }
        let turn = paces.get(&target.chat).map_or(now, |next| (*next).max(now));
        paces.insert(target.chat, turn + if target.is_group() { GROUP_PAUSE } else { PRIVATE_PAUSE });
        turn
    }
}

fn outcome(sent: Result<SentMessage, CallError>) -> Outcome {
    let waiting = |wait: Duration| Outcome::NeverLeft { retry_after_ms: Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)) };
    match sent {
        Ok(message) => Outcome::Sent { platform_message_ids: vec![message.message_id.to_string()] },
        Err(error) if error.is_token_fault() => {
            warn!(%error, "Telegram does not know the token; put the right one into the vault");
            waiting(TOKEN_PAUSE)
        }
        Err(CallError::NeverLeft(reason)) => {
            warn!(reason, "Telegram is not reached");
            Outcome::NeverLeft { retry_after_ms: None }
        }
        Err(CallError::NoAnswer(reason)) => {
            warn!(reason, "it is not known whether Telegram has a message");
            Outcome::Unknown
        }
        Err(CallError::Refused { code: 429, retry_after, .. }) => waiting(retry_after.unwrap_or(LIMITED_PAUSE)),
        Err(CallError::Refused { code, reason, .. }) => Outcome::Refused { code: code.to_string(), text: reason },
    }
}

/// The sender as the outbox and the notices use it.
#[derive(Clone)]
pub(super) struct SharedSender(pub(super) Arc<Sender>);

impl channel::Sender for SharedSender {
    fn split(&self) -> Split {
        split
    }

    fn send(&self, part: Part) -> Sending {
        let sender = Arc::clone(&self.0);
        Box::pin(async move { sender.deliver(part).await })
    }
}

impl Teller for SharedSender {
    fn tell(&self, notice: Notice) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(async move {
            let target = Target::parse(&notice.platform_conversation_id).ok_or("no such chat")?;
            // Notices are short: one message.
            let text = &notice.text[..split(&notice.text, false)];
            self.0.post(target, text, &notice.reply_to).await.map(drop).map_err(|error| error.to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: u16) -> Result<SentMessage, CallError> {
        Err(CallError::Refused { code, reason: "why".to_owned(), retry_after: Some(Duration::from_secs(3)), migrated_to: None })
    }

    #[test]
    fn a_failed_send_waits_is_refused_or_is_unknown() {
        assert_eq!(outcome(refused(429)), Outcome::NeverLeft { retry_after_ms: Some(3_000) });
        assert_eq!(outcome(refused(401)), Outcome::NeverLeft { retry_after_ms: Some(60_000) });
        assert_eq!(outcome(refused(403)), Outcome::Refused { code: "403".to_owned(), text: "why".to_owned() });
        assert_eq!(outcome(Err(CallError::NoAnswer(String::new()))), Outcome::Unknown);
        assert_eq!(outcome(Err(CallError::NeverLeft(String::new()))), Outcome::NeverLeft { retry_after_ms: None });
    }

    #[test]
    fn a_conversation_names_its_chat_and_topic() {
        assert_eq!(Target::parse("-5:9"), Some(Target { chat: -5, topic: Some(9) }));
        assert_eq!([Target::parse("x"), Target::parse("5:"), Target::parse("")], [None; 3]);
    }
}
