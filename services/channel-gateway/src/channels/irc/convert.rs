//! What somebody said, as what the router is asked. Pure.
//!
//! In a channel only what is addressed to us is ours: `nick: text`, `nick, text`, `@nick text`, or what begins with the trigger.

use argentum_proto::channel::v1::{
    AcceptMessageRequest, ForgetCommand, NewCommand, Question, RememberCommand, Sender, StatusCommand, StopCommand,
    accept_message_request::Content,
};

use super::{
    config::Config,
    session::{Heard, Place},
    text::plain,
};
use crate::channels::{
    accepting::{Intent, Received},
    commands::{FORGET_WHAT, remember_what},
    pairing::{self, Author},
};

/// The request for what was heard, under this id, spooled at this time; `None` where it is not for us.
pub(super) fn convert(heard: &Heard, config: &Config, message_id: String, now_ms: u64) -> Option<Received> {
    // Programs that answer each other never end.
    if heard.is_bot || heard.text.starts_with('\u{1}') {
        return None;
    }
    let text = plain(&heard.text);
    let (conversation, title, place) = match &heard.place {
        Place::Private => (heard.identity.clone(), heard.nick.clone(), pairing::Place::Private(heard.identity.parse().ok()?)),
        Place::Channel { folded, name } => {
            let group = pairing::Place::Group { id: folded.parse().ok()?, title: name.clone() };
            (folded.clone(), name.clone(), group)
        }
    };
    let said = match &heard.place {
        Place::Private => text.trim(),
        Place::Channel { .. } => addressed(&text, heard, config)?.trim(),
    };
    let (content, intent) = understand(said, &place, config)?;
    let request = AcceptMessageRequest {
        platform_conversation_id: conversation,
        platform_message_id: message_id,
        sender: Some(Sender { platform_id: heard.identity.clone(), display_name: heard.nick.clone() }),
        platform_time_ms: now_ms,
        conversation_title: title,
        audience: place.audience().into(),
        content,
        ..AcceptMessageRequest::default()
    };
    let author = Author { id: heard.identity.parse().ok()?, name: heard.nick.clone(), is_weak: heard.is_weak, place };
    Some(Received { author, request, intent })
}

fn understand(said: &str, place: &pairing::Place, config: &Config) -> Option<(Option<Content>, Intent)> {
    if said.is_empty() {
        return None;
    }
    // Programs of people keep `/` for themselves at the beginning of a line only: behind our name it gets through.
    let command = said.strip_prefix(config.command_prefix.as_str()).or_else(|| said.strip_prefix('/')).unwrap_or_default();
    let (name, rest) = command.split_once(char::is_whitespace).map_or((command, ""), |(name, rest)| (name, rest.trim()));
    let tell = |text: &str| (None, Intent::Tell(text.to_owned()));
    Some(match (name.to_ascii_lowercase().as_str(), rest) {
        ("help", "") => tell(&help(config)),
        ("pair", "") => (None, Intent::Pair),
        ("new", "") => (Some(Content::New(NewCommand {})), Intent::Ask),
        ("stop", "") => (Some(Content::Stop(StopCommand {})), Intent::Ask),
        ("status", "") => (Some(Content::Status(StatusCommand {})), Intent::Ask),
        ("remember", "") => tell(&remember_what(&config.commands().at(place, "remember"))),
        ("remember", text) => (Some(Content::Remember(RememberCommand { text: text.to_owned() })), Intent::Ask),
        ("forget", "") => tell(FORGET_WHAT),
        ("forget", what) => (Some(Content::Forget(ForgetCommand { what: what.to_owned() })), Intent::Ask),
        _ => (Some(Content::Question(Question { text: said.to_owned(), ..Question::default() })), Intent::Ask),
    })
}

fn help(config: &Config) -> String {
    let (nick, prefix) = (&config.nick, &config.command_prefix);
    let trigger = config.trigger.as_ref().map(|trigger| format!(" or `{trigger} question`")).unwrap_or_default();
    format!(
        "Write to me in private, or `{nick}: question`{trigger} in a channel. {prefix}new begins anew, {prefix}stop ends an answer, \
         {prefix}status tells what goes on, {prefix}remember TEXT keeps it in my memory, {prefix}forget TEXT forgets what says so, of \
         what you said or I answered you; in a channel behind `{nick}:`."
    )
}

/// What follows our name or the trigger.
fn addressed<'a>(text: &'a str, heard: &Heard, config: &Config) -> Option<&'a str> {
    let text = text.trim_start();
    let by_name = [&heard.me, &config.nick].into_iter().find_map(|name| behind_name(text, name, heard));
    let by_trigger = || {
        let trigger = config.trigger.as_deref()?;
        let rest = text.get(trigger.len()..).filter(|_| text.is_char_boundary(trigger.len()))?;
        let is_it = text[..trigger.len()].eq_ignore_ascii_case(trigger);
        // A trigger such as `?` needs no blank behind it, a word does.
        let is_ended = !trigger.ends_with(char::is_alphanumeric) || rest.is_empty() || rest.starts_with(char::is_whitespace);
        (is_it && is_ended).then_some(rest)
    };
    by_name.or_else(by_trigger)
}

fn behind_name<'a>(text: &'a str, name: &str, heard: &Heard) -> Option<&'a str> {
    let (text, is_marked) = text.strip_prefix('@').map_or((text, false), |text| (text, true));
    let end = text.char_indices().nth(name.chars().count()).map_or(text.len(), |(end, _)| end);
    let (begin, rest) = text.split_at(end);
    if !heard.mapping.is_same(begin, name) {
        return None;
    }
    rest.strip_prefix([':', ',']).or_else(|| is_marked.then_some(rest).filter(|rest| rest.starts_with(char::is_whitespace)))
}

#[cfg(test)]
mod tests {
    use argentum_proto::memory::v1::Audience;

    use super::*;
    use crate::channels::irc::names::CaseMapping;

    fn heard(text: &str, place: Place) -> Heard {
        Heard {
            nick: "Ada".to_owned(),
            identity: "account:ada".to_owned(),
            is_weak: false,
            place,
            text: text.to_owned(),
            is_bot: false,
            me: "argentum_".to_owned(),
            mapping: CaseMapping::Rfc1459,
        }
    }

    fn config() -> Config {
        Config { trigger: Some("?ask".to_owned()), ..Config::default() }
    }

    fn converted(heard: &Heard) -> Option<Received> {
        convert(heard, &config(), "01".to_owned(), 5)
    }

    fn question(text: &str, place: Place) -> Option<String> {
        match converted(&heard(text, place))?.request.content {
            Some(Content::Question(question)) => Some(question.text),
            other => panic!("no question: {other:?}"),
        }
    }

    fn tea() -> Place {
        Place::Channel { folded: "#tea".to_owned(), name: "#Tea".to_owned() }
    }

    #[test]
    fn in_a_channel_only_what_is_addressed_to_us_is_ours() {
        for text in ["argentum: why?", "ARGENTUM, why?", "argentum_:why?", "@argentum why?", "?ask why?"] {
            assert_eq!(question(text, tea()), Some("why?".to_owned()), "{text}");
        }
        for text in ["why?", "argentum why?", "argentum2: why?", "is argentum: here?", "?asks why?", "argentum:", "\u{e4}", ""] {
            assert_eq!(question(text, tea()), None, "{text}");
        }
    }

    #[test]
    fn in_private_everything_is_ours() {
        assert_eq!(question(" \u{2}why\u{2}? ", Place::Private), Some("why?".to_owned()));
        assert_eq!(question("!newton?", Place::Private), Some("!newton?".to_owned()));
    }

    #[test]
    fn a_conversation_is_a_channel_or_a_person() {
        let conversation = |place| converted(&heard("argentum: hi", place)).unwrap().request.platform_conversation_id;
        assert_eq!((conversation(tea()), conversation(Place::Private)), ("#tea".to_owned(), "account:ada".to_owned()));
    }

    #[test]
    fn a_query_is_direct_and_a_channel_is_a_group() {
        let audience = |place| converted(&heard("argentum: hi", place)).unwrap().request.audience();
        assert_eq!([audience(Place::Private), audience(tea())], [Audience::Direct, Audience::Group]);
    }

    #[test]
    fn commands_have_a_prefix() {
        let content = |text: &str| converted(&heard(text, Place::Private)).unwrap();
        assert!(matches!(content("!new").request.content, Some(Content::New(_))));
        assert!(matches!(content("!STOP").request.content, Some(Content::Stop(_))));
        assert!(matches!(content("!status").request.content, Some(Content::Status(_))));
        assert!(matches!(content("!help").intent, Intent::Tell(_)));
        assert_eq!([content("!pair").intent, content("/pair").intent], [Intent::Pair, Intent::Pair]);
    }

    #[test]
    fn what_is_to_be_remembered_or_forgotten_stands_behind_the_command() {
        let content = |text: &str| converted(&heard(text, tea())).unwrap();
        let noted = content("argentum: !Remember  I like tea").request.content;
        assert_eq!(noted, Some(Content::Remember(RememberCommand { text: "I like tea".to_owned() })));
        let forgotten = content("argentum: /forget tea").request.content;
        assert_eq!(forgotten, Some(Content::Forget(ForgetCommand { what: "tea".to_owned() })));
        assert_eq!(
            content("argentum: !remember").intent,
            Intent::Tell("Write behind it what I should remember, such as: argentum: !remember I like tea".to_owned())
        );
        assert_eq!(content("argentum: !forget").intent, Intent::Tell(FORGET_WHAT.to_owned()));
        assert_eq!(question("argentum: !new ideas?", tea()), Some("!new ideas?".to_owned()));
        for name in ["!remember", "!forget"] {
            assert!(matches!(content("argentum: !help").intent, Intent::Tell(help) if help.contains(name)), "{name}");
        }
    }

    #[test]
    fn programs_and_their_questions_are_not_answered() {
        assert_eq!(converted(&Heard { is_bot: true, ..heard("hi", Place::Private) }), None);
        assert_eq!(converted(&heard("\u{1}VERSION\u{1}", Place::Private)), None);
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_is_said_breaks_us(text in "(argentum|@|[?]ask)?[:, ]?\\PC{0,12}") {
            converted(&heard(&text, tea()));
            converted(&heard(&text, Place::Private));
        }
    }
}
