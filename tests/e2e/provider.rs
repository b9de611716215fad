//! A real model answers: provider, key, model, chat; and what goes wrong is said.

use argentum_testkit::vendor::{Answer, FakeVendor};
use serde_json::Value;

use crate::{
    bundle::Bundle,
    page::{Page, ulid},
};

const KEY: &str = "sk-canary-5e3d0f9a7c2b";

/// A bundle that knows `vendor` as provider `acme` and lets its model answer.
pub(crate) fn with_vendor(vendor: &FakeVendor) -> Bundle {
    let bundle = Bundle::start();
    introduce(&bundle, vendor);
    bundle
}

/// Makes `vendor` known as provider `acme`, and lets its model answer.
pub(crate) fn introduce(bundle: &Bundle, vendor: &FakeVendor) {
    let added = bundle.verb_with(&["provider", "add", "acme", "--base-url", &vendor.base_url(), "--json"], KEY);
    assert!(added.status.success(), "{added:?}");
    let used = bundle.verb(&["model", "use", "acme/small"]);
    assert!(used.status.success(), "{used:?}");
}

#[test]
fn a_provider_is_added_its_models_listed_and_one_chosen() {
    let vendor = FakeVendor::start();
    let bundle = Bundle::start();
    let added = bundle.verb_with(&["provider", "add", "acme", "--base-url", &vendor.base_url(), "--json"], KEY);
    let told: Value = serde_json::from_slice(&added.stdout).unwrap();
    assert_eq!((&told["added"], told["models"].as_array().map(Vec::is_empty)), (&"acme".into(), Some(false)), "{added:?}");
    let listed: Value = serde_json::from_slice(&bundle.verb(&["model", "list", "--json"]).stdout).unwrap();
    assert!(listed["models"].as_array().unwrap().iter().any(|model| model["name"] == "acme/small"), "{listed}");
    assert!(bundle.verb(&["model", "use", "acme/small"]).status.success());
    let page = Page::log_in(&bundle);
    let conversation = ulid();
    vendor.script([Answer::text(["Good ", "day."])]);
    page.send(&conversation, &ulid(), "hello");
    assert_eq!(page.finished(&conversation, 1)[0]["answer"], "Good day.");
    assert_eq!(vendor.requests().last().unwrap().header("authorization").unwrap(), format!("Bearer {KEY}"));
}

#[test]
fn the_model_is_told_the_earlier_turns_of_the_conversation() {
    let vendor = FakeVendor::start();
    let bundle = with_vendor(&vendor);
    let page = Page::log_in(&bundle);
    let conversation = ulid();
    vendor.script([Answer::text(["It is noted."]), Answer::text(["Blue."])]);
    page.send(&conversation, &ulid(), "my colour is blue");
    page.finished(&conversation, 1);
    page.send(&conversation, &ulid(), "which colour is mine?");
    page.finished(&conversation, 2);
    let body: Value = serde_json::from_str(&vendor.requests().last().unwrap().body).unwrap();
    let texts: Vec<&str> = body["messages"].as_array().unwrap().iter().filter_map(|message| message["content"].as_str()).collect();
    assert_eq!(texts[1..], ["my colour is blue", "It is noted.", "which colour is mine?"], "{body}");
}

#[test]
fn a_failure_is_said_in_the_conversation_and_the_next_question_is_answered() {
    let vendor = FakeVendor::start();
    let bundle = with_vendor(&vendor);
    let page = Page::log_in(&bundle);
    let conversation = ulid();
    vendor.script([Answer::status(401)]);
    page.send(&conversation, &ulid(), "hello");
    let turns = page.finished(&conversation, 1);
    assert_eq!(turns[0]["outcome"], "failed");
    assert!(turns[0]["answer"].as_str().unwrap().contains("does not accept the key"), "{turns:?}");
    page.send(&conversation, &ulid(), "again");
    assert_eq!(page.finished(&conversation, 2)[1]["outcome"], "answered");
}

#[test]
fn an_error_before_the_first_word_is_tried_again() {
    let vendor = FakeVendor::start();
    let bundle = with_vendor(&vendor);
    let page = Page::log_in(&bundle);
    let conversation = ulid();
    vendor.script([Answer::error_event(), Answer::text(["Now."])]);
    page.send(&conversation, &ulid(), "hello");
    assert_eq!(page.finished(&conversation, 1)[0]["answer"], "Now.");
}

#[test]
fn stop_closes_the_connection_to_the_vendor_within_a_second() {
    let vendor = FakeVendor::start();
    let bundle = with_vendor(&vendor);
    let page = Page::log_in(&bundle);
    let conversation = ulid();
    vendor.script([Answer::half_then_silence(["One ", "two "])]);
    page.send(&conversation, &ulid(), "count");
    crate::bundle::until("some text", || {
        page.conversation(&conversation).filter(|now| now["running"]["text"].as_str().is_some_and(|text| text.contains("two")))
    });
    let asked = std::time::Instant::now();
    page.stop(&conversation);
    crate::bundle::until("the connection's end", || (vendor.open_connections() == 0).then_some(()));
    assert!(asked.elapsed() < std::time::Duration::from_secs(1), "{:?}", asked.elapsed());
    assert_eq!(page.finished(&conversation, 1)[0]["answer"], "One two ");
}

#[test]
fn a_router_that_dies_in_mid_answer_asks_again_and_answers_once() {
    let vendor = FakeVendor::start();
    let bundle = with_vendor(&vendor);
    let page = Page::log_in(&bundle);
    let conversation = ulid();
    vendor.script([Answer::half_then_silence(["Half "]), Answer::text(["Whole."])]);
    page.send(&conversation, &ulid(), "hello");
    crate::bundle::until("some text", || {
        page.conversation(&conversation).filter(|now| now["running"]["text"].as_str().is_some_and(|text| text.contains("Half")))
    });
    let router = crate::bundle::pid_of(&bundle.service("provider-router"));
    crate::bundle::signal(router, rustix::process::Signal::KILL);
    let turns = page.finished(&conversation, 1);
    assert_eq!((turns.len(), &turns[0]["answer"]), (1, &"Whole.".into()));
}

#[test]
fn a_key_that_is_gone_from_the_vault_is_named() {
    let vendor = FakeVendor::start();
    let bundle = with_vendor(&vendor);
    let refused = bundle.verb(&["secret", "remove", "provider/acme"]);
    assert_eq!(refused.status.code(), Some(64), "the configuration still names it: {refused:?}");
    assert!(bundle.verb(&["secret", "remove", "provider/acme", "--force"]).status.success());
    assert!(bundle.verb(&["restart", "provider-router"]).status.success());
    bundle.until_state("ready");
    let tested = bundle.verb(&["provider", "test", "acme"]);
    assert_eq!(tested.status.code(), Some(69));
    assert!(String::from_utf8_lossy(&tested.stderr).contains("provider/acme"), "{tested:?}");
}

#[test]
fn a_provider_that_does_not_answer_is_added_and_that_is_said() {
    let bundle = Bundle::start();
    let added = bundle.verb(&["provider", "add", "gone", "--base-url", "http://127.0.0.1:9/v1", "--no-key", "--json"]);
    let told: Value = serde_json::from_slice(&added.stdout).unwrap();
    assert!(added.status.success() && told["fault"].as_str().unwrap().contains("gone"), "{added:?}");
    assert!(bundle.verb(&["provider", "remove", "gone"]).status.success());
    let listed: Value = serde_json::from_slice(&bundle.verb(&["provider", "list", "--json"]).stdout).unwrap();
    assert_eq!(listed["providers"], serde_json::json!({}));
}

#[test]
fn a_provider_whose_key_is_gone_already_is_removed() {
    let vendor = FakeVendor::start();
    let bundle = with_vendor(&vendor);
    assert!(bundle.verb(&["secret", "remove", "provider/acme", "--force"]).status.success());
    let removed = bundle.verb(&["provider", "remove", "acme"]);
    assert!(removed.status.success(), "{removed:?}");
}

#[test]
fn a_key_that_another_provider_shows_too_stays() {
    let vendor = FakeVendor::start();
    let bundle = with_vendor(&vendor);
    let config = bundle.data_dir().join("argentum.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let twin = format!("\n[provider_router.providers.twin]\nbase_url = \"{}\"\nkey = \"vault:provider/acme\"\n", vendor.base_url());
    std::fs::write(&config, text + &twin).unwrap();
    assert!(bundle.verb(&["provider", "remove", "acme"]).status.success());
    let tested = bundle.verb(&["provider", "test", "twin"]);
    assert!(tested.status.success(), "{tested:?}");
}

#[test]
fn a_provider_that_others_fall_back_on_is_removed_there_too() {
    let bundle = Bundle::start();
    for name in ["first", "second"] {
        let address = ["provider", "add", name, "--base-url", "http://127.0.0.1:9/v1", "--no-key", "--model", "m"];
        assert!(bundle.verb(&address).status.success());
    }
    let config = bundle.data_dir().join("argentum.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let falls_back =
        text.replacen("[provider_router.", "[provider_router]\nfallbacks = [\"first/m\", \"second/m\"]\n\n[provider_router.", 1);
    std::fs::write(&config, falls_back).unwrap();
    let removed = bundle.verb(&["provider", "remove", "first", "--json"]);
    let told: Value = serde_json::from_slice(&removed.stdout).unwrap_or_else(|_| panic!("{removed:?}"));
    assert_eq!(told["fallbacks_removed"], serde_json::json!(["first/m"]));
    assert!(std::fs::read_to_string(&config).unwrap().contains("fallbacks = [\"second/m\"]"));
}
