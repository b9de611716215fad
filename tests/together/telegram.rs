//! Telegram against a strict fake of it: who is heard, what stands in the chat, how often, with which label.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use argentum_proto::channel::v1::Outcome;
use argentum_testkit::{
    Sandbox, run,
    telegram::{FakeTelegram, Mishap, Posted},
    until,
    vendor::{Answer, FakeVendor},
};
use tempfile::TempDir;

use crate::home::Home;

const ADA: i64 = 1;
const BOB: i64 = 2;
const GROUP: i64 = -5;
/// How a part begins that may stand already.
const LABEL: &str = "(repeated";

/// Ada, who is let in, asks once while Telegram misbehaves so; returns what stands in her chat once the turn is over.
fn posted_under(mishaps: &'static [Mishap]) -> Vec<Posted> {
    let mut posted = Vec::new();
    run(async {
        let (sandbox, folder, telegram) = (Sandbox::start().await, TempDir::new().unwrap(), FakeTelegram::start());
        telegram.script(mishaps.iter().copied());
        let home = Home::start(&sandbox, &folder, &telegram, &[ADA]).await;
        telegram.user(ADA, "Ada").say(ADA, "why?");
        home.over(ADA, 1).await;
        posted = telegram.posted(ADA);
    });
    posted
}

/// Waits until the bot said so much in a chat.
async fn said(telegram: &FakeTelegram, chat: i64, count: usize) -> Vec<Posted> {
    until("messages of the bot", async || Some(telegram.posted(chat)).filter(|posted| count <= posted.len())).await
}

/// Waits until the bot has confirmed all that was written.
async fn confirmed(telegram: &FakeTelegram) {
    until("confirmation", async || (telegram.unconfirmed() == 0).then_some(())).await;
}

#[test]
fn a_stranger_is_told_a_code_once_and_is_answered_once_it_is_approved() {
    run(async {
        let (sandbox, folder, telegram) = (Sandbox::start().await, TempDir::new().unwrap(), FakeTelegram::start());
        let home = Home::start(&sandbox, &folder, &telegram, &[]).await;
        let ada = telegram.user(ADA, "Ada");
        ada.say(ADA, "hello");
        ada.say(ADA, "is anybody there?");
        let invitation = said(&telegram, ADA, 1).await.remove(0).text;
        confirmed(&telegram).await;
        assert_eq!(telegram.posted(ADA).len(), 1, "one reply to a stranger");
        assert!(home.conversation(ADA).await.turns.is_empty());
        let code = invitation.split("approve ").nth(1).unwrap().split('`').next().unwrap();
        assert_eq!(home.approve(&sandbox, code).await, (ADA.to_string(), "Ada".to_owned()));
        said(&telegram, ADA, 2).await;
        ada.say(ADA, "why?");
        let answer = home.over(ADA, 1).await;
        assert_eq!(telegram.posted(ADA)[2].text, answer);
    });
}

#[test]
fn in_a_group_the_bot_answers_only_what_is_meant_for_it() {
    run(async {
        let (sandbox, folder, telegram) = (Sandbox::start().await, TempDir::new().unwrap(), FakeTelegram::start());
        let home = Home::start(&sandbox, &folder, &telegram, &[ADA]).await;
        let (ada, bob) = (telegram.user(ADA, "Ada"), telegram.user(BOB, "Bob"));
        bob.say(GROUP, "@argentum_bot hello?");
        ada.say(GROUP, "/pair");
        said(&telegram, GROUP, 1).await;
        ada.say(GROUP, "nice weather");
        let question = bob.say(GROUP, "\u{1f600} @argentum_bot why?");
        home.over(GROUP, 1).await;
        let posted = telegram.posted(GROUP);
        assert_eq!((posted.len(), posted[1].reply_to), (2, Some(question)));
        assert_eq!(home.conversation(GROUP).await.turns[0].question, "\u{1f600}  why?");
        bob.reply(GROUP, posted[1].id, "and why that?");
        home.over(GROUP, 2).await;
    });
}

#[test]
fn an_answer_that_telegram_stored_without_saying_so_is_repeated_once_with_a_label() {
    let posted = posted_under(&[Mishap::LoseAnswer]);
    assert_eq!(posted.len(), 2);
    assert!(!posted[0].text.starts_with(LABEL) && posted[1].text.starts_with(LABEL));
    assert!(posted[1].text.ends_with(&posted[0].text));
}

#[test]
fn an_answer_that_got_lost_on_the_way_stands_once_with_a_label() {
    let posted = posted_under(&[Mishap::LoseMessage]);
    assert!(posted.len() == 1 && posted[0].text.starts_with(LABEL), "{posted:?}");
}

#[test]
fn an_answer_that_telegram_fails_on_is_repeated_with_a_label() {
    let posted = posted_under(&[Mishap::Status(500)]);
    assert!(posted.len() == 1 && posted[0].text.starts_with(LABEL), "{posted:?}");
}

#[test]
fn an_answer_for_which_telegram_asks_to_wait_stands_once_without_a_label() {
    let posted = posted_under(&[Mishap::Limit(1)]);
    assert!(posted.len() == 1 && !posted[0].text.starts_with(LABEL), "{posted:?}");
}

#[test]
fn a_person_who_blocks_the_bot_does_not_hold_up_the_conversation() {
    run(async {
        let (sandbox, folder, telegram) = (Sandbox::start().await, TempDir::new().unwrap(), FakeTelegram::start());
        let home = Home::start(&sandbox, &folder, &telegram, &[ADA]).await;
        let ada = telegram.user(ADA, "Ada");
        ada.block(true);
        ada.say(ADA, "why?");
        home.over(ADA, 1).await;
        ada.block(false);
        ada.say(ADA, "and why that?");
        let answer = home.over(ADA, 2).await;
        assert_eq!(telegram.posted(ADA).iter().map(|posted| posted.text.clone()).collect::<Vec<_>>(), [answer]);
    });
}

#[test]
fn after_another_poller_the_bot_comes_back() {
    run(async {
        let (sandbox, folder, telegram) = (Sandbox::start().await, TempDir::new().unwrap(), FakeTelegram::start());
        let home = Home::start(&sandbox, &folder, &telegram, &[ADA]).await;
        until("a poll", async || (telegram.waiting_polls() == 1).then_some(())).await;
        telegram.poll_elsewhere();
        until("a conflict", async || (telegram.conflicts() == 1).then_some(())).await;
        telegram.user(ADA, "Ada").say(ADA, "why?");
        home.over(ADA, 1).await;
        assert_eq!((telegram.posted(ADA).len(), telegram.conflicts()), (1, 1), "it does not push back");
    });
}

#[test]
fn a_receiver_that_dies_before_it_confirms_makes_no_second_turn() {
    run(async {
        let (sandbox, folder, telegram) = (Sandbox::start().await, TempDir::new().unwrap(), FakeTelegram::start());
        let home = Home::start(&sandbox, &folder, &telegram, &[ADA]).await;
        telegram.lose_confirmations(true);
        let ada = telegram.user(ADA, "Ada");
        ada.say(ADA, "why?");
        home.over(ADA, 1).await;
        assert_eq!(telegram.unconfirmed(), 1);
        let home = home.succeed(&sandbox, &telegram, &[ADA]).await;
        telegram.lose_confirmations(false);
        confirmed(&telegram).await;
        ada.say(ADA, "and why that?");
        home.over(ADA, 2).await;
        let questions: Vec<_> = home.conversation(ADA).await.turns.into_iter().map(|turn| turn.question).collect();
        assert_eq!(questions, ["why?", "and why that?"]);
        assert_eq!(telegram.posted(ADA).len(), 2);
    });
}

#[test]
fn an_update_that_cannot_be_read_is_passed_over_and_holds_up_nobody() {
    run(async {
        let (sandbox, folder, telegram) = (Sandbox::start().await, TempDir::new().unwrap(), FakeTelegram::start());
        let home = Home::start(&sandbox, &folder, &telegram, &[ADA]).await;
        let ada = telegram.user(ADA, "Ada");
        ada.say_half(ADA, "hello");
        ada.say(ADA, "why?");
        home.over(ADA, 1).await;
        confirmed(&telegram).await;
        ada.say_half(ADA, "hello");
        confirmed(&telegram).await;
        let questions: Vec<_> = home.conversation(ADA).await.turns.into_iter().map(|turn| turn.question).collect();
        assert_eq!(questions, ["why?"]);
    });
}

#[test]
fn nothing_is_confirmed_while_the_router_is_away() {
    run(async {
        let (sandbox, folder, telegram) = (Sandbox::start().await, TempDir::new().unwrap(), FakeTelegram::start());
        let mut home = Home::without_router(&sandbox, &folder, &telegram, &[ADA]).await;
        telegram.user(ADA, "Ada").say(ADA, "why?");
        // It has polled again after it got the message, and did not confirm it.
        until("polls", async || (3 <= telegram.asked("getUpdates")).then_some(())).await;
        assert_eq!(telegram.unconfirmed(), 1);
        home.start_router(&sandbox, &folder, Default::default()).await;
        home.over(ADA, 1).await;
        confirmed(&telegram).await;
        assert_eq!(telegram.posted(ADA).len(), 1);
    });
}

#[test]
fn a_long_answer_stands_in_parts_while_typing_is_shown() {
    run(async {
        let (sandbox, folder, telegram) = (Sandbox::start().await, TempDir::new().unwrap(), FakeTelegram::start());
        let vendor = FakeVendor::start();
        let (head, tail) = ("\u{1f600}".repeat(1_500), "x".repeat(2_000));
        vendor.script([Answer::text([head.as_str(), "\n\n", tail.as_str()]).paced(Duration::from_millis(500))]);
        let mut home = Home::without_router(&sandbox, &folder, &telegram, &[ADA]).await;
        home.start_router(&sandbox, &folder, Home::asking(&vendor)).await;
        telegram.user(ADA, "Ada").say(ADA, "why?");
        home.over(ADA, 1).await;
        assert_eq!(telegram.posted(ADA).iter().map(|posted| posted.text.clone()).collect::<Vec<_>>(), [head, tail]);
        assert_ne!(telegram.typing(ADA), 0);
    });
}

#[test]
fn a_failure_of_the_model_is_said_in_the_chat() {
    run(async {
        let (sandbox, folder, telegram) = (Sandbox::start().await, TempDir::new().unwrap(), FakeTelegram::start());
        let vendor = FakeVendor::start();
        vendor.script([Answer::status(401)]);
        let mut home = Home::without_router(&sandbox, &folder, &telegram, &[ADA]).await;
        home.start_router(&sandbox, &folder, Home::asking(&vendor)).await;
        telegram.user(ADA, "Ada").say(ADA, "why?");
        let report = home.over(ADA, 1).await;
        assert_eq!(home.conversation(ADA).await.turns[0].outcome(), Outcome::Failed);
        assert_eq!(telegram.posted(ADA)[0].text, report);
    });
}

#[test]
fn the_gateways_own_commands_are_answered_without_a_turn() {
    run(async {
        let (sandbox, folder, telegram) = (Sandbox::start().await, TempDir::new().unwrap(), FakeTelegram::start());
        let home = Home::start(&sandbox, &folder, &telegram, &[ADA]).await;
        let ada = telegram.user(ADA, "Ada");
        for (count, text) in [(1, "/help"), (2, "/status@argentum_bot"), (3, "/stop")] {
            ada.say(ADA, text);
            said(&telegram, ADA, count).await;
        }
        ada.show(ADA);
        said(&telegram, ADA, 4).await;
        confirmed(&telegram).await;
        assert!(home.conversation(ADA).await.turns.is_empty());
        assert!(telegram.posted(ADA)[0].text.contains("/new"));
    });
}

#[test]
fn a_token_that_is_put_right_later_is_used() {
    run(async {
        let (sandbox, folder, telegram) = (Sandbox::start().await, TempDir::new().unwrap(), FakeTelegram::start());
        let home = Home::with_token(&sandbox, &folder, &telegram, "7:wrong").await;
        telegram.user(ADA, "Ada").say(ADA, "why?");
        home.set_token(argentum_testkit::telegram::TOKEN);
        home.over(ADA, 1).await;
        assert_eq!(telegram.posted(ADA).len(), 1);
    });
}
