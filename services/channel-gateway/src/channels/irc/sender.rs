//! Sends parts and notices as lines. What may stand already is repeated with a visible label: IRC cannot be asked.

use std::{pin::Pin, sync::Arc};

use tracing::warn;

use super::{
    contacts::{ACCOUNT, CHANNEL_SIGNS, Contacts},
    link::Outlet,
    text::{LABEL, line, split},
};
use crate::{
    channel::{self, Sending},
    channels::notices::{Notice, Teller},
    outbox::{Outcome, Part, Split},
};

/// Longest nick that is named before an answer: parts leave room for it.
const NAMED_BYTES_MAX: usize = 30;
/// Wait before it is looked up again where somebody is.
const LOOKUP_PAUSE_MS: u64 = 10_000;

/// The sending half of an account. Cheap to clone.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) outlet: Outlet,
    pub(super) contacts: Arc<Contacts>,
}

// === impl Sender ===

impl Sender {
    async fn deliver(&self, part: Part) -> Outcome {
        let Some(text) = line(&part.text) else {
            // Blank lines are sent as nothing, and so they have arrived.
            return Outcome::Sent { platform_message_ids: Vec::new() };
        };
        let target = match self.contacts.target(&part.platform_conversation_id).await {
            Ok(Some(target)) => target,
            Ok(None) => return Outcome::Refused { code: "401".to_owned(), text: "nobody of that account ever wrote".to_owned() },
            Err(error) => {
                warn!(%error, "it cannot be looked up where somebody is reached");
                return Outcome::NeverLeft { retry_after_ms: Some(LOOKUP_PAUSE_MS) };
            }
        };
        let name = if part.id.first_byte == 0 { self.name(&part.platform_conversation_id, &part.reply_to) } else { String::new() };
        let label = if part.maybe_sent { LABEL } else { "" };
        self.outlet.say(target, format!("{name}{label}{text}"), false).await
    }

    /// Names whoever is answered in a channel, where others talk, too.
    fn name(&self, conversation: &str, message_id: &str) -> String {
        let is_channel = conversation.starts_with(CHANNEL_SIGNS) && !conversation.starts_with(ACCOUNT);
        let asker = self.contacts.asker(message_id).filter(|nick| is_channel && nick.len() <= NAMED_BYTES_MAX);
        asker.map(|nick| format!("{nick}: ")).unwrap_or_default()
    }

    async fn notify(&self, notice: Notice) -> Result<(), String> {
        let target = self.contacts.target(&notice.platform_conversation_id).await.map_err(|error| error.to_string())?;
        let target = target.ok_or("nobody of that account ever wrote")?;
        let text = format!("{}{}", self.name(&notice.platform_conversation_id, &notice.reply_to), super::text::plain(&notice.text));
        match self.outlet.say(target, text, true).await {
            Outcome::Sent { .. } => Ok(()),
            Outcome::Refused { code, text } => Err(format!("{code} {text}")),
            Outcome::NeverLeft { .. } => Err("not connected".to_owned()),
            Outcome::Unknown => Err("the connection broke".to_owned()),
        }
    }
}

impl channel::Sender for Sender {
    fn split(&self) -> Split {
        split
    }

    fn send(&self, part: Part) -> Sending {
        let sender = self.clone();
        Box::pin(async move { sender.deliver(part).await })
    }
}

impl Teller for Sender {
    fn tell(&self, notice: Notice) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(self.notify(notice))
    }
}
