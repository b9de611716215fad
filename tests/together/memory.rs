//! Telegram with memory: who hears again what was said where, what is noted and forgotten, and what is said where memory is away.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::PathBuf;

use argentum_bus::{Bus, Caller, Credential};
use argentum_memory::Config;
use argentum_proto::{channel::v1::Outcome, memory::v1::SearchRecordsRequest};
use argentum_service::unix_ms;
use argentum_testkit::{Life, Sandbox, run, telegram::FakeTelegram, until};
use tempfile::TempDir;

use crate::home::Home;

const ADA: i64 = 1;
const BOB: i64 = 2;
const GROUP: i64 = -5;
const BOAT: &str = "the boat is called Heidelberg";
/// How the built-in provider says that nothing was recalled.
const NOTHING: &str = "Memory recalls nothing";

/// Gateway, router and memory, with an operator.
struct House {
    sandbox: Sandbox,
    folder: TempDir,
    telegram: FakeTelegram,
    operator: Bus,
    home: Home,
}

// === impl House ===

impl House {
    /// Ada and Bob are let in.
    async fn without_memory() -> Self {
        let (sandbox, folder, telegram) = (Sandbox::start().await, TempDir::new().unwrap(), FakeTelegram::start());
        let operator = sandbox.connect(Credential::Orchestrator).await;
        let home = Home::start(&sandbox, &folder, &telegram, &[ADA, BOB]).await;
        Self { sandbox, folder, telegram, operator, home }
    }

    async fn memory(&self) -> Life {
        let data_dir: PathBuf = self.folder.path().to_owned();
        Life::begin(&self.sandbox, Credential::Memory, data_dir, |bus, process| argentum_memory::start(Config::default(), bus, process))
            .await
    }

    /// Says it and returns the answer, the `turns`th of its conversation.
    async fn answer(&self, person: i64, text: &str, turns: usize) -> String {
        self.telegram.user(person, "Somebody").say(person, text);
        self.home.over(person, turns).await
    }

    /// The answer to what Ada says in a private conversation of its own.
    async fn answer_elsewhere(&self, topic: i64, text: &str) -> String {
        self.telegram.user(ADA, "Ada").say_in_topic(ADA, topic, text);
        self.home.over(format!("{ADA}:{topic}"), 1).await
    }

    async fn answer_in_group(&self, person: i64, text: &str, turns: usize) -> String {
        self.telegram.user(person, "Somebody").say(GROUP, &format!("@argentum_bot {text}"));
        self.home.over(GROUP, turns).await
    }

    /// Waits until memory has so many records of it.
    async fn remembered(&self, query: &str, count: usize) {
        let known = async || {
            let right = self.sandbox.operator.sign("memory-search", Credential::Memory, unix_ms()).unwrap();
            let request = SearchRecordsRequest { right: Some(right), query: query.to_owned(), records_max: 0 };
            let found = self.operator.request(&Caller(Credential::Orchestrator), &request).await.unwrap().records;
            (count <= found.iter().filter(|record| record.text.contains(query)).count()).then_some(())
        };
        until("memory", known).await;
    }
}

#[test]
fn what_was_said_in_private_is_recalled_to_the_same_person_in_private_only() {
    run(async {
        let house = House::without_memory().await;
        let _memory = house.memory().await;
        house.answer(ADA, BOAT, 1).await;
        house.remembered(BOAT, 1).await;
        let elsewhere = house.answer_elsewhere(9, "what is the boat called?").await;
        assert!(elsewhere.contains(BOAT), "{elsewhere}");
        house.answer(ADA, "/new", 2).await;
        let anew = house.answer(ADA, "how is the boat called?", 3).await;
        assert!(anew.contains(BOAT), "{anew}");
        let other = house.answer(BOB, "what is the boat called?", 1).await;
        assert!(other.contains(NOTHING), "{other}");
        house.telegram.user(ADA, "Ada").say(GROUP, "/pair");
        until("pairing", async || (!house.telegram.posted(GROUP).is_empty()).then_some(())).await;
        let group = house.answer_in_group(ADA, "what is the boat called?", 1).await;
        assert!(group.contains(NOTHING), "{group}");
    });
}

#[test]
fn what_one_said_in_a_group_is_recalled_to_oneself_in_private_and_to_nobody_else() {
    run(async {
        let house = House::without_memory().await;
        let _memory = house.memory().await;
        house.telegram.user(ADA, "Ada").say(GROUP, "/pair");
        until("pairing", async || (!house.telegram.posted(GROUP).is_empty()).then_some(())).await;
        house.answer_in_group(ADA, BOAT, 1).await;
        house.remembered(BOAT, 1).await;
        let own = house.answer(ADA, "what is the boat called?", 1).await;
        assert!(own.contains(BOAT), "{own}");
        let other = house.answer(BOB, "what is the boat called?", 1).await;
        assert!(other.contains(NOTHING), "{other}");
    });
}

#[test]
fn a_fact_is_noted_recalled_and_taken_back_by_its_name() {
    run(async {
        let house = House::without_memory().await;
        let _memory = house.memory().await;
        let noted = house.answer(ADA, &format!("/remember {BOAT}"), 1).await;
        assert!(noted.starts_with(&format!("Noted: {BOAT}\n")), "{noted}");
        let elsewhere = house.answer_elsewhere(9, "what is the boat called?").await;
        assert!(elsewhere.contains("recalls one record") && elsewhere.contains(BOAT), "{elsewhere}");
        let name = noted.split_whitespace().find(|word| word.starts_with("fact.")).unwrap();
        let other = house.answer(BOB, &format!("/forget {name}"), 1).await;
        assert!(other.starts_with("I remember nothing"), "it is not his: {other}");
        let forgotten = house.answer(ADA, &format!("/forget {name}"), 2).await;
        assert!(forgotten.starts_with("Forgotten: 1 record."), "{forgotten}");
    });
}

#[test]
fn what_says_so_is_forgotten_and_recalled_no_more() {
    run(async {
        let house = House::without_memory().await;
        let _memory = house.memory().await;
        house.answer(ADA, &format!("/remember {BOAT}"), 1).await;
        house.answer(ADA, "The boat is called HEIDELBERG, is it?", 2).await;
        house.answer(BOB, BOAT, 1).await;
        house.remembered("HEIDELBERG, is it", 1).await;
        house.remembered(BOAT, 2).await;
        // The answer quotes what was recalled, so it is one of them or not; the fact and the question are.
        let forgotten = house.answer(ADA, "/forget boat is called heidelberg", 3).await;
        assert!(forgotten.starts_with("Forgotten: 2 records.") || forgotten.starts_with("Forgotten: 3 records."), "{forgotten}");
        let elsewhere = house.answer_elsewhere(9, "what is the boat called?").await;
        assert!(!elsewhere.to_lowercase().contains("heidelberg"), "{elsewhere}");
        house.remembered(BOAT, 1).await;
    });
}

#[test]
fn without_memory_a_clear_answer_stands_in_the_chat() {
    run(async {
        let house = House::without_memory().await;
        let answer = house.answer(ADA, &format!("/remember {BOAT}"), 1).await;
        assert!(answer.starts_with("I could not note this"), "{answer}");
        assert_eq!(house.home.conversation(ADA).await.turns[0].outcome(), Outcome::Failed);
        assert_eq!(house.telegram.posted(ADA)[0].text, answer);
    });
}

#[test]
fn a_memory_that_comes_back_notes_what_was_said_meanwhile() {
    run(async {
        let house = House::without_memory().await;
        house.telegram.user(ADA, "Ada").say(ADA, &format!("/remember {BOAT}"));
        until("the errand", async || house.home.conversation(ADA).await.running.map(|_| ())).await;
        let _memory = house.memory().await;
        let noted = house.home.over(ADA, 1).await;
        assert!(noted.starts_with("Noted: "), "{noted}");
    });
}
