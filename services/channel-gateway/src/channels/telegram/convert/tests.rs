//! What is understood of what people write, and what is left alone.

use argentum_proto::memory::v1::Audience;
use serde_json::json;

use super::*;

fn me() -> Me {
    Me { id: 7, username: "argentum_bot".to_owned() }
}

fn private(more: &Value) -> Value {
    message(&json!({ "id": 1, "type": "private" }), more)
}

fn group(more: &Value) -> Value {
    message(&json!({ "id": -5, "type": "supergroup", "title": "Tea" }), more)
}

fn message(chat: &Value, more: &Value) -> Value {
    let mut message =
        json!({ "message_id": 3, "date": 1_700_000_000, "chat": chat, "from": { "id": 1, "is_bot": false, "first_name": "Ada" } });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "update_id": 10, "message": message })
}

fn received(update: &Value) -> Received {
    match convert(update, &me()) {
        Converted::Received(received) => *received,
        other => panic!("not received: {other:?}"),
    }
}

fn question(update: &Value) -> String {
    match received(update).request.content {
        Some(Content::Question(question)) => question.text,
        other => panic!("no question: {other:?}"),
    }
}

fn mention(offset: usize, length: usize) -> Value {
    json!([{ "type": "mention", "offset": offset, "length": length }])
}

#[test]
fn a_private_text_is_a_question_with_the_key_of_its_message() {
    let Received { author, request, intent } = received(&private(&json!({ "text": "why?" })));
    assert_eq!((request.account_incarnation.as_str(), request.platform_message_id.as_str(), request.revision), ("7", "3", 0));
    assert_eq!((request.platform_conversation_id.as_str(), request.platform_time_ms), ("1", 1_700_000_000_000));
    assert_eq!((author.id.as_str(), author.place, intent), ("1", Place::Private("1".parse().unwrap()), Intent::Ask));
}

#[test]
fn in_a_group_only_what_is_meant_for_the_bot_is_heard() {
    assert_eq!(convert(&group(&json!({ "text": "hello all" })), &me()), Converted::Nothing);
    let mentioned = json!({ "text": "\u{1f600} @Argentum_Bot, why?", "entities": mention(3, 13) });
    assert_eq!(question(&group(&mentioned)), "\u{1f600} , why?");
    let other = json!({ "text": "@argentum_bot2 why?", "entities": mention(0, 14) });
    assert_eq!(convert(&group(&other), &me()), Converted::Nothing);
    let reply = json!({ "text": "why?", "reply_to_message": { "message_id": 2, "from": { "id": 7, "is_bot": true, "first_name": "A" } } });
    assert_eq!(question(&group(&reply)), "why?");
}

#[test]
fn a_text_that_only_looks_like_a_mention_is_none() {
    assert_eq!(convert(&group(&json!({ "text": "@argentum_bot why?" })), &me()), Converted::Nothing);
}

#[test]
fn a_topic_is_a_conversation_of_its_own_and_a_thread_of_replies_is_not() {
    let text = json!({ "text": "/status", "entities": [{ "type": "bot_command", "offset": 0, "length": 7 }], "message_thread_id": 9 });
    assert_eq!(received(&group(&text)).request.platform_conversation_id, "-5");
    let mut topic = text;
    topic["is_topic_message"] = true.into();
    let received = received(&group(&topic));
    assert_eq!(received.request.platform_conversation_id, "-5:9");
    assert_eq!(received.author.place, Place::Group { id: "-5".parse().unwrap(), title: "Tea".to_owned() });
}

#[test]
fn a_private_chat_is_direct_and_everything_else_is_a_group() {
    let audience = |kind: &str| {
        let chat = json!({ "id": 1, "type": kind });
        received(&message(&chat, &json!({ "text": "/new", "entities": [{ "type": "bot_command", "offset": 0, "length": 4 }] })))
            .request
            .audience()
    };
    assert_eq!(
        ["private", "group", "supergroup", "something new"].map(audience),
        [Audience::Direct, Audience::Group, Audience::Group, Audience::Group]
    );
    let unreadable = received(&private(&json!({ "text": { "new": "shape" } })));
    assert_eq!(unreadable.request.audience(), Audience::Direct);
}

#[test]
fn a_command_is_one_also_with_the_name_of_the_bot() {
    let command =
        |text: &str, length: usize| json!({ "text": text, "entities": [{ "type": "bot_command", "offset": 0, "length": length }] });
    for text in ["/stop", "/STOP", "/stop@argentum_bot"] {
        let request = received(&group(&command(text, text.len()))).request;
        assert!(matches!(request.content, Some(Content::Stop(_))), "{text}");
    }
    assert_eq!(convert(&group(&command("/stop@other_bot", 15)), &me()), Converted::Nothing);
    assert_eq!(received(&private(&command("/help", 5))).intent, Intent::Tell(HELP.to_owned()));
    assert_eq!(received(&private(&command("/new and more", 4))).intent, Intent::Tell(NEW_ALONE.to_owned()));
    assert_eq!(received(&group(&command("/pair", 5))).intent, Intent::Pair);
    assert_eq!(question(&private(&command("/unknown x", 8))), "/unknown x");
}

#[test]
fn what_is_to_be_remembered_or_forgotten_stands_behind_the_command() {
    let command =
        |text: &str, length: usize| json!({ "text": text, "entities": [{ "type": "bot_command", "offset": 0, "length": length }] });
    let content = |update: &Value| received(update).request.content;
    let noted = content(&private(&command("/remember  I like\ntea ", 9)));
    assert_eq!(noted, Some(Content::Remember(RememberCommand { text: "I like\ntea".to_owned() })));
    let forgotten = content(&group(&command("/forget@argentum_bot tea", 20)));
    assert_eq!(forgotten, Some(Content::Forget(ForgetCommand { what: "tea".to_owned() })));
    for (text, told) in [("/remember", remember_what("/remember")), ("/forget", FORGET_WHAT.to_owned())] {
        assert_eq!(received(&private(&command(text, text.len()))).intent, Intent::Tell(told));
        assert!(HELP.contains(text), "{text}");
    }
}

#[test]
fn an_edit_is_a_revision_of_its_message() {
    let mut update = private(&json!({ "text": "why not?", "edit_date": 1_700_000_100 }));
    let message = update.as_object_mut().unwrap().remove("message").unwrap();
    update["edited_message"] = message;
    let request = received(&update).request;
    assert_eq!((request.platform_message_id.as_str(), request.revision), ("3", 1_700_000_100));
    assert!(matches!(request.content, Some(Content::Edit(Edit { text })) if text == "why not?"));
}

#[test]
fn what_is_no_text_is_answered_in_private_and_a_caption_is_one() {
    assert_eq!(received(&private(&json!({ "photo": [] }))).intent, Intent::Tell(ONLY_TEXT.to_owned()));
    assert_eq!(convert(&group(&json!({ "photo": [] })), &me()), Converted::Nothing);
    assert_eq!(question(&private(&json!({ "photo": [], "caption": "what is this?" }))), format!("what is this?\n\n{ATTACHMENT}"));
    assert_eq!(convert(&private(&json!({ "pinned_message": {} })), &me()), Converted::Nothing, "tells what happened in the chat");
}

#[test]
fn bots_and_channels_are_not_answered() {
    let bot = json!({ "text": "hi", "from": { "id": 2, "is_bot": true, "first_name": "B" } });
    assert_eq!(convert(&private(&bot), &me()), Converted::Nothing);
    let channel = json!({ "id": -9, "type": "channel" });
    assert_eq!(convert(&message(&channel, &json!({ "text": "hi" })), &me()), Converted::Nothing);
}

#[test]
fn what_cannot_be_understood_is_kept_raw_under_its_own_key() {
    let update = private(&json!({ "text": { "new": "shape" } }));
    let request = received(&update).request;
    let Some(Content::DeadLetter(letter)) = request.content else { panic!("{request:?}") };
    assert_eq!(serde_json::from_slice::<Value>(&letter.raw).unwrap(), update);
    assert_eq!(request.platform_message_id, "3");
    assert_eq!(convert(&json!({ "update_id": 1, "message": { "text": 1 } }), &me()), Converted::Unreadable);
}

#[test]
fn entities_from_outside_break_nothing() {
    for entities in [mention(usize::MAX, 2), mention(1, 1), mention(0, usize::MAX), mention(0, 0)] {
        let update = private(&json!({ "text": "\u{1f600}", "entities": entities }));
        assert_eq!(question(&update), "\u{1f600}");
    }
    let overlapping = json!([
        { "type": "mention", "offset": 0, "length": 13 },
        { "type": "mention", "offset": 0, "length": 13 },
        { "type": "text_mention", "offset": 5, "length": 9, "user": { "id": 7 } },
    ]);
    assert_eq!(question(&private(&json!({ "text": "@argentum_bot why?", "entities": overlapping }))), "why?");
}
