//! From Telegram's updates to what the router is asked. Pure.

use argentum_proto::{
    channel::v1::{
        AcceptMessageRequest, DeadLetter, Edit, ForgetCommand, NewCommand, Question, RememberCommand, Sender, StatusCommand, StopCommand,
        accept_message_request::Content,
    },
    ids::ConversationId,
};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    types::{Entity, Me, Message, Update, User},
    units::range,
};
use crate::channels::{
    accepting::{Intent, Received},
    commands::{FORGET_WHAT, remember_what},
    pairing::{Author, Place},
};

const HELP: &str = "Write to me, and I answer. In a group, mention me or reply to what I wrote.\n\
    /new begins a new conversation\n/stop ends the answer that is being written\n/status tells what I am doing\n\
    /remember TEXT keeps it in my memory\n/forget TEXT forgets what says so, of what you said or I answered you\n/help shows this";
const NEW_ALONE: &str = "Send /new alone, and your question after it.";
const ONLY_TEXT: &str = "I only understand text yet.";
const COMMANDS: [&str; 8] = ["help", "start", "new", "stop", "status", "remember", "forget", "pair"];
/// What a model is told of what it cannot see.
const ATTACHMENT: &str = "(Something is attached to this message, which cannot be shown to you.)";
/// Fields of a message that bring something from its sender that is no text. All others tell what happened in the chat.
const MEDIA: &[&str] = &[
    "animation",
    "audio",
    "checklist",
    "contact",
    "dice",
    "document",
    "game",
    "location",
    "paid_media",
    "photo",
    "poll",
    "sticker",
    "story",
    "venue",
    "video",
    "video_note",
    "voice",
];

/// What an update is to us.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Converted {
    Received(Box<Received>),
    /// Nothing that anybody wants of us.
    Nothing,
    /// It tells neither who wrote nor where.
    Unreadable,
}

/// A command, as it was meant for us.
struct Command<'a> {
    name: &'a str,
    /// What follows it.
    rest: &'a str,
}

/// What `update` is to the bot `me`.
pub(super) fn convert(update: &Value, me: &Me) -> Converted {
    let Ok(parsed) = Update::deserialize(update) else { return dead_letter(update, me) };
    let (message, is_edit) = match (&parsed.message, &parsed.edited_message) {
        (Some(message), _) => (message, false),
        (None, Some(message)) => (message, true),
        (None, None) => return Converted::Nothing,
    };
    let Some(from) = message.from.as_ref().filter(|from| !from.is_bot && message.chat.kind != "channel") else {
        return Converted::Nothing;
    };
    let Some((content, intent)) = meaning(message, is_edit, me) else { return Converted::Nothing };
    received(message, from, is_edit, me, (content, intent)).map_or(Converted::Nothing, |received| Converted::Received(Box::new(received)))
}

/// What a message wants of us; `None` = nothing.
fn meaning(message: &Message, is_edit: bool, me: &Me) -> Option<(Option<Content>, Intent)> {
    let is_private = message.chat.kind == "private";
    let tell = |text: &str| Some((None, Intent::Tell(text.to_owned())));
    let has_media = MEDIA.iter().any(|field| message.rest.contains_key(*field));
    let (text, entities) = match (&message.text, &message.caption) {
        (Some(text), _) => (text.as_str(), &message.entities),
        (None, Some(caption)) => (caption.as_str(), &message.caption_entities),
        (None, None) if has_media && is_private && !is_edit => return tell(ONLY_TEXT),
        (None, None) => return None,
    };
    let command = command(text, entities, me);
    if command.as_ref().is_some_and(Result::is_err) {
        return None;
    }
    let (question, is_mentioned) = without_mention(text, entities, me);
    let command = command.and_then(Result::ok);
    let is_addressed = is_private || is_mentioned || command.is_some() || is_reply_to(message, me);
    if !is_addressed {
        return None;
    }
    if let Some(command) = command.filter(|_| !is_edit) {
        return Some(commanded(&command));
    }
    if question.is_empty() {
        return if is_edit { None } else { tell(HELP) };
    }
    let text = if has_media { format!("{question}\n\n{ATTACHMENT}") } else { question };
    let content = if is_edit { Content::Edit(Edit { text }) } else { Content::Question(Question { text, ..Question::default() }) };
    Some((Some(content), Intent::Ask))
}

fn commanded(command: &Command<'_>) -> (Option<Content>, Intent) {
    let tell = |text: &str| (None, Intent::Tell(text.to_owned()));
    match (command.name, command.rest) {
        ("stop", _) => (Some(Content::Stop(StopCommand {})), Intent::Ask),
        ("status", _) => (Some(Content::Status(StatusCommand {})), Intent::Ask),
        ("new", "") => (Some(Content::New(NewCommand {})), Intent::Ask),
        ("new", _) => tell(NEW_ALONE),
        ("remember", "") => tell(&remember_what("/remember")),
        ("remember", text) => (Some(Content::Remember(RememberCommand { text: text.to_owned() })), Intent::Ask),
        ("forget", "") => tell(FORGET_WHAT),
        ("forget", what) => (Some(Content::Forget(ForgetCommand { what: what.to_owned() })), Intent::Ask),
        ("pair", _) => (None, Intent::Pair),
        _ => tell(HELP),
    }
}

/// The command at the beginning of a text, if it is one of ours. `Err` = it is meant for another bot.
fn command<'a>(text: &'a str, entities: &[Entity], me: &Me) -> Option<Result<Command<'a>, ()>> {
    let entity = entities.iter().find(|entity| entity.kind == "bot_command" && entity.offset == 0)?;
    let range = range(text, 0, entity.length)?;
    let (name, bot) = text[1..range.end].split_once('@').map_or((&text[1..range.end], None), |(name, bot)| (name, Some(bot)));
    if bot.is_some_and(|bot| !bot.eq_ignore_ascii_case(&me.username)) {
        return Some(Err(()));
    }
    let known = COMMANDS.into_iter().find(|known| name.eq_ignore_ascii_case(known))?;
    Some(Ok(Command { name: known, rest: text[range.end..].trim() }))
}

/// The text without the mentions of the bot, and whether there was one.
fn without_mention(text: &str, entities: &[Entity], me: &Me) -> (String, bool) {
    let is_ours = |entity: &Entity| match entity.kind.as_str() {
        "mention" => range(text, entity.offset, entity.length)
            .is_some_and(|range| text[range].trim_start_matches('@').eq_ignore_ascii_case(&me.username)),
        "text_mention" => entity.user.as_ref().is_some_and(|user| user.id == me.id),
        _ => false,
    };
    let mut ranges: Vec<_> =
        entities.iter().filter(|entity| is_ours(entity)).filter_map(|entity| range(text, entity.offset, entity.length)).collect();
    ranges.sort_by_key(|range| range.start);
    let (mut rest, mut place) = (String::new(), 0);
    for range in ranges.iter().filter(|range| !range.is_empty()) {
        // Pieces that overlap are cut once.
        rest.push_str(&text[place.min(range.start)..range.start]);
        place = place.max(range.end);
    }
    rest.push_str(&text[place..]);
    (rest.trim().to_owned(), !ranges.is_empty())
}

fn is_reply_to(message: &Message, me: &Me) -> bool {
    let original = message.reply_to_message.as_ref().filter(|original| original.forum_topic_created.is_none());
    original.and_then(|original| original.from.as_ref()).is_some_and(|from| from.id == me.id)
}

fn received(message: &Message, from: &User, is_edit: bool, me: &Me, meaning: (Option<Content>, Intent)) -> Option<Received> {
    let chat = message.chat.id.to_string();
    let topic = message.message_thread_id.filter(|_| message.is_topic_message);
    let conversation = topic.map_or_else(|| chat.clone(), |topic| format!("{chat}:{topic}"));
    let title = message.chat.title.clone().unwrap_or_default();
    let id: ConversationId = conversation.parse().ok()?;
    let place = match message.chat.kind.as_str() {
        "private" => Place::Private(id),
        _ => Place::Group { id: chat.parse().ok()?, title: title.clone() },
    };
    let (revision, seconds) = if is_edit { (message.edit_date?, message.edit_date?) } else { (0, message.date) };
    let (content, intent) = meaning;
    let request = AcceptMessageRequest {
        account_incarnation: me.id.to_string(),
        platform_conversation_id: conversation,
        platform_message_id: message.message_id.to_string(),
        revision,
        sender: Some(Sender { platform_id: from.id.to_string(), display_name: from.display_name() }),
        platform_time_ms: seconds.saturating_mul(1_000),
        conversation_title: title,
        content,
        audience: place.audience().into(),
    };
    let author = Author { id: from.id.to_string().parse().ok()?, name: from.display_name(), is_weak: false, place };
    Some(Received { author, request, intent })
}

/// An update that is not what the documentation says: kept as it is, for the operator. Whoever wrote it must be let in all the same.
fn dead_letter(update: &Value, me: &Me) -> Converted {
    let message = ["message", "edited_message"].iter().find_map(|field| update.get(field)).unwrap_or(&Value::Null);
    let id_of = |field: &str| message[field]["id"].as_i64().map(|id| id.to_string());
    let (Some(sender), Some(chat)) = (id_of("from"), id_of("chat")) else { return Converted::Unreadable };
    let (Ok(author), Ok(conversation)) = (sender.parse(), chat.parse::<ConversationId>()) else { return Converted::Unreadable };
    let raw = update.to_string().into_bytes();
    let place = if sender == chat { Place::Private(conversation) } else { Place::Group { id: conversation, title: String::new() } };
    let digest: String = Sha256::digest(&raw)[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let seconds = message["date"].as_u64().unwrap_or(1);
    let content = Content::DeadLetter(DeadLetter { raw: raw.into(), reason: "not an update that this version understands".to_owned() });
    let request = AcceptMessageRequest {
        account_incarnation: me.id.to_string(),
        platform_conversation_id: chat,
        platform_message_id: message["message_id"].as_i64().map_or(digest, |id| id.to_string()),
        revision: message["edit_date"].as_u64().unwrap_or_default(),
        sender: Some(Sender { platform_id: sender, display_name: String::new() }),
        platform_time_ms: seconds.saturating_mul(1_000),
        conversation_title: String::new(),
        content: Some(content),
        audience: place.audience().into(),
    };
    let author = Author { id: author, name: String::new(), is_weak: false, place };
    Converted::Received(Box::new(Received { author, request, intent: Intent::Ask }))
}

#[cfg(test)]
mod tests;
