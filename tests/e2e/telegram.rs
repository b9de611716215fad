//! Telegram with the real binary: an account added by the operator, a stranger let in, a question answered, whatever is killed.

use argentum_testkit::{
    telegram::{FakeTelegram, Posted, TOKEN},
    vendor::{Answer, FakeVendor},
};
use rustix::process::Signal;
use serde_json::Value;

use crate::{
    bundle::{Bundle, pid_of, signal, until},
    provider::with_vendor,
    secrets::files_with,
};

/// A person, and her private chat.
const ADA: i64 = 4_711;

/// A bundle with a bot on `telegram`.
pub(crate) fn with_bot(bundle: &Bundle, telegram: &FakeTelegram, more: &[&str]) {
    let api_url = telegram.api_url();
    let arguments = [&["channel", "add", "telegram", "home", "--api-url", &api_url], more].concat();
    let added = bundle.verb_with(&arguments, TOKEN);
    assert!(added.status.success(), "{added:?}");
}

/// Waits until the bot has said so much.
fn said(telegram: &FakeTelegram, count: usize) -> Vec<Posted> {
    until("messages of the bot", || Some(telegram.posted(ADA)).filter(|posted| count <= posted.len()))
}

#[test]
fn a_stranger_is_let_in_by_the_operator_and_then_answered() {
    let (telegram, vendor) = (FakeTelegram::start(), FakeVendor::start());
    let bundle = with_vendor(&vendor);
    with_bot(&bundle, &telegram, &[]);
    telegram.user(ADA, "Ada").say(ADA, "hello");
    said(&telegram, 1);
    let listed: Value = serde_json::from_slice(&bundle.verb(&["pair", "list", "--json"]).stdout).unwrap();
    let pending = &listed["pairings"][0];
    assert_eq!((&pending["state"], &pending["id"]), (&"pending".into(), &ADA.to_string().into()), "{listed}");
    let approved = bundle.verb(&["pair", "approve", pending["code"].as_str().unwrap()]);
    assert!(approved.status.success(), "{approved:?}");
    // The gateway tells her that she may write now, or not; an answer is what counts.
    vendor.script([Answer::text(["Good ", "day, Ada."])]);
    telegram.user(ADA, "Ada").say(ADA, "and now?");
    until("the answer", || telegram.posted(ADA).iter().any(|posted| posted.text == "Good day, Ada.").then_some(()));
    assert!(bundle.verb(&["pair", "revoke", &ADA.to_string()]).status.success());
    assert_eq!(files_with(&bundle.data_dir(), TOKEN), Vec::<String>::new());
    assert!(!bundle.log().contains(TOKEN));
}

#[test]
fn a_question_is_answered_once_whatever_dies_in_the_middle() {
    for service in ["channel-gateway", "provider-router", "vault"] {
        let (telegram, vendor) = (FakeTelegram::start(), FakeVendor::start());
        let bundle = with_vendor(&vendor);
        with_bot(&bundle, &telegram, &["--allow", &ADA.to_string()]);
        vendor.script([Answer::half_then_silence(["Half "]), Answer::text(["Whole."])]);
        telegram.user(ADA, "Ada").say(ADA, "why?");
        until("a question at the vendor", || (vendor.open_connections() == 1).then_some(()));
        signal(pid_of(&bundle.service(service)), Signal::KILL);
        if service != "provider-router" {
            // The turn goes on: its vendor finishes when the router asks anew, which it does only where it died itself.
            let router = pid_of(&bundle.service("provider-router"));
            signal(router, Signal::KILL);
        }
        let posted = said(&telegram, 1);
        assert_eq!(posted[0].text, "Whole.", "{service}");
        until("confirmation", || (telegram.unconfirmed() == 0).then_some(()));
        bundle.until_state("ready");
        assert_eq!(telegram.posted(ADA).len(), 1, "{service}: {:?}", telegram.posted(ADA));
    }
}

#[test]
fn a_platform_that_cannot_be_reached_takes_nothing_else_down() {
    let bundle = Bundle::start();
    let added = bundle.verb_with(&["channel", "add", "telegram", "home", "--api-url", "http://127.0.0.1:9", "--json"], "1:nothing");
    assert!(added.status.success(), "{added:?}");
    bundle.until_state("ready");
    let page = crate::page::Page::log_in(&bundle);
    let conversation = crate::page::ulid();
    page.send(&conversation, &crate::page::ulid(), "hello");
    page.finished(&conversation, 1);
    assert!(bundle.verb(&["channel", "remove", "home"]).status.success());
    let listed: Value = serde_json::from_slice(&bundle.verb(&["secret", "list", "--json"]).stdout).unwrap();
    assert_eq!(listed["secrets"], serde_json::json!([]));
}

#[test]
fn a_wrong_token_is_told_and_the_right_one_is_used_without_a_restart() {
    let (telegram, vendor) = (FakeTelegram::start(), FakeVendor::start());
    let bundle = with_vendor(&vendor);
    let api_url = telegram.api_url();
    let added = bundle.verb_with(&["channel", "add", "telegram", "home", "--api-url", &api_url, "--allow", &ADA.to_string()], "8:wrong");
    let told = String::from_utf8_lossy(&added.stdout).into_owned();
    assert!(added.status.success() && told.contains("refuses") && told.contains("argentum secret put channel/home"), "{added:?}");
    let gateway = || bundle.service("channel-gateway");
    assert_eq!(gateway()["health"], serde_json::json!(["login-refused:home"]));
    let pid = pid_of(&gateway());
    assert!(bundle.verb_with(&["secret", "put", "channel/home"], TOKEN).status.success());
    telegram.user(ADA, "Ada").say(ADA, "hello");
    said(&telegram, 1);
    assert_eq!((&gateway()["health"], pid_of(&gateway())), (&serde_json::json!([]), pid));
}

#[test]
fn who_stays_paired_with_a_removed_account_is_told_and_can_be_revoked() {
    let (telegram, bundle) = (FakeTelegram::start(), Bundle::start());
    with_bot(&bundle, &telegram, &[]);
    telegram.user(ADA, "Ada").say(ADA, "hello");
    said(&telegram, 1);
    let paired = || serde_json::from_slice::<Value>(&bundle.verb(&["pair", "list", "home", "--json"]).stdout).unwrap()["pairings"].clone();
    assert!(bundle.verb(&["pair", "approve", paired()[0]["code"].as_str().unwrap()]).status.success());
    let removed = bundle.verb(&["channel", "remove", "home"]);
    let told = String::from_utf8_lossy(&removed.stdout).into_owned();
    assert!(told.contains("one person or group stays paired") && told.contains("argentum pair revoke --account home"), "{told}");
    let group = bundle.verb(&["pair", "revoke", "-5"]);
    assert!(String::from_utf8_lossy(&group.stderr).contains("nobody with this id"), "a group's negative id is understood: {group:?}");
    let kept = until("the entry", || Some(paired()[0].clone()).filter(|entry| entry["account_gone"] == true));
    assert_eq!((&kept["state"], &kept["id"]), (&"person".into(), &ADA.to_string().into()), "{kept}");
    let revoked = bundle.verb(&["pair", "revoke", "--account", "home", &ADA.to_string()]);
    assert!(revoked.status.success(), "{revoked:?}");
    assert_eq!(paired(), serde_json::json!([]));
}

#[test]
fn a_stop_ends_an_answer_that_is_being_sent() {
    const PARTS: usize = 20;
    let (telegram, vendor) = (FakeTelegram::start(), FakeVendor::start());
    let bundle = with_vendor(&vendor);
    with_bot(&bundle, &telegram, &["--allow", &ADA.to_string()]);
    vendor.script([Answer::text(["All that there is to say about tea. ".repeat(PARTS * 4_096 / 36).as_str()]), Answer::text(["Short."])]);
    telegram.user(ADA, "Ada").say(ADA, "tell me everything");
    said(&telegram, 2);
    telegram.user(ADA, "Ada").say(ADA, "/stop");
    let is_there = |text: &str| telegram.posted(ADA).iter().any(|posted| posted.text == text);
    until("the word that it was stopped", || is_there("Stopped.").then_some(()));
    telegram.user(ADA, "Ada").say(ADA, "and in short?");
    until("the next answer", || is_there("Short.").then_some(()));
    // What was on its way when it was stopped may still have come.
    assert!(telegram.posted(ADA).len() < PARTS / 2, "{} messages", telegram.posted(ADA).len());
}
