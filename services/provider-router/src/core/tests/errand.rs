//! Errands: what is noted or forgotten is told only once memory has it on its disk, and never told to memory as a saying.

use super::*;

/// Errands that memory was asked for, as (turn, text).
fn asked(effects: &[Effect]) -> Vec<(TurnId, String)> {
    let errand = |effect: &Effect| match effect {
        Effect::Note { turn, text, .. } => Some((*turn, text.clone())),
        Effect::Forget { turn, what, .. } => Some((*turn, what.clone())),
        _ => None,
    };
    effects.iter().filter_map(errand).collect()
}

/// A router that was told to note or to forget something, and the turn of that.
fn on_errand(content: Wire) -> (Router, TurnId) {
    let mut router = Router::new();
    let turn = asked(&router.ask(&web(), message("1", content)))[0].0;
    (router, turn)
}

fn noted(turn: TurnId) -> Input {
    Input::ErrandDone { turn, done: ErrandDone::Noted { record_id: format!("fact.{turn}") } }
}

fn forgotten(turn: TurnId, records_count: u64) -> Input {
    Input::ErrandDone { turn, done: ErrandDone::Forgotten { records_count } }
}

fn failed(turn: TurnId) -> Input {
    Input::ErrandFailed { turn, is_final: false }
}

#[test]
fn a_fact_is_noted_before_its_sender_is_told() {
    let mut router = Router::new();
    router.hello("A");
    let effects = router.ask(&chat(), message("1", remember("I like tea")));
    let turn = asked(&effects)[0].0;
    assert_eq!((asked(&effects), calls(&effects), published(&effects)), (vec![(turn, "I like tea".to_owned())], vec![], vec![]));
    let effects = router.handle(noted(turn));
    assert_eq!(published(&effects), [(0, false)]);
    let answer = format!("Noted: I like tea\nSend the command `forget` with fact.{turn} to take it back.");
    assert_eq!(router.outcomes(&chat()), [(Outcome::Answered, answer)]);
    assert_eq!(router.past(&chat())[0].question, "/remember I like tea");
}

#[test]
fn memory_is_not_told_of_an_errand_as_of_a_turn() {
    for (content, done) in [(remember("I like tea"), noted as fn(TurnId) -> Input), (forget("tea"), |turn| forgotten(turn, 1))] {
        let (mut router, turn) = on_errand(content);
        assert_eq!((remembered(&router.handle(done(turn))), router.core.open_turns()), (vec![], 0));
        assert_eq!(remembered(&router.restart()), [""; 0]);
    }
}

#[test]
fn who_forgets_is_told_how_much_went() {
    for (count, told) in [(0, "I remember nothing that says this"), (1, "Forgotten: 1 record."), (3, "Forgotten: 3 records.")] {
        let (mut router, turn) = on_errand(forget("tea"));
        router.handle(forgotten(turn, count));
        let (outcome, answer) = router.outcomes(&web()).remove(0);
        assert!(outcome == Outcome::Answered && answer.starts_with(told), "{answer}");
    }
}

#[test]
fn an_errand_keeps_its_place() {
    let mut router = Router::new();
    let first = router.call(&web(), "1");
    assert_eq!(asked(&router.ask(&web(), message("2", remember("I like tea")))), []);
    router.accept(&web(), "3");
    let effects = router.complete(first, "yes");
    assert_eq!((asked(&effects).len(), begun(&effects).len()), (1, 0));
    assert_eq!(begun(&router.handle(noted(asked(&effects)[0].0))).len(), 1);
}

#[test]
fn a_memory_that_comes_back_in_time_notes_it() {
    let (mut router, turn) = on_errand(remember("I like tea"));
    router.handle(failed(turn));
    assert_eq!(asked(&router.wait(1_000)), [(turn, "I like tea".to_owned())]);
    router.handle(noted(turn));
    assert_eq!(router.outcomes(&web())[0].0, Outcome::Answered);
}

#[test]
fn without_memory_the_sender_is_told_that_nothing_came_of_it() {
    for (content, told) in [(remember("I like tea"), "I could not note this"), (forget("tea"), "I could not forget this")] {
        let (mut router, turn) = on_errand(content);
        for _ in 0..3 {
            router.handle(failed(turn));
            assert_eq!(asked(&router.wait(4_000)).len(), 1);
        }
        assert_eq!(notifications(&router.handle(failed(turn))), 1);
        let (outcome, answer) = router.outcomes(&web()).remove(0);
        assert!(outcome == Outcome::Failed && answer.starts_with(told), "{answer}");
    }
}

#[test]
fn what_memory_refuses_is_not_tried_again() {
    let (mut router, turn) = on_errand(forget("?!"));
    router.handle(Input::ErrandFailed { turn, is_final: true });
    assert_eq!(router.outcomes(&web())[0].0, Outcome::Failed);
}

#[test]
fn router_dies_on_an_errand_then_it_is_done_under_the_same_name_and_costs_nothing() {
    let (mut router, turn) = on_errand(remember("I like tea"));
    assert_eq!(asked(&router.restart()), [(turn, "I like tea".to_owned())]);
    assert_eq!(router.core.spend().count(), 0);
    let checkpoint = router.core.checkpoint(router.records.len() as u64);
    let mut restored = Core::recover(config(), Some(checkpoint), []).unwrap();
    assert_eq!(asked(&restored.started(START).effects), [(turn, "I like tea".to_owned())]);
}

#[test]
fn nothing_is_forgotten_while_memory_is_still_to_be_told_of_what_its_sender_said() {
    let mut router = Router::new();
    let said = router.answer(&web(), "1", "yes");
    assert_eq!(asked(&router.ask(&web(), message("2", forget("question")))), []);
    router.handle(Input::Remembered { turn: said });
    assert_eq!(asked(&router.wait(1_000)).len(), 1);
}

#[test]
fn a_stopped_errand_is_not_begun_and_its_late_answer_changes_nothing() {
    let mut router = Router::new();
    let effects = router.ask(&web(), message("1", remember("I like tea")));
    let note = effects.iter().find(|effect| matches!(effect, Effect::Note { .. })).unwrap();
    assert!(router.core.is_wanted(note));
    router.ask(&web(), message("2", stop()));
    assert!(!router.core.is_wanted(note));
    router.handle(noted(asked(&effects)[0].0));
    assert_eq!(router.outcomes(&web()), [(Outcome::Stopped, String::new())]);
}

#[test]
fn an_edit_of_a_queued_errand_changes_nothing() {
    let mut router = Router::new();
    let first = router.call(&web(), "1");
    router.ask(&web(), message("2", remember("I like tea")));
    router.ask(&web(), AcceptMessageRequest { revision: 1, ..message("2", edit("/remember I like coffee")) });
    assert_eq!(asked(&router.complete(first, "yes"))[0].1, "I like tea");
}

#[test]
fn what_is_empty_or_too_long_for_memory_is_not_accepted() {
    let mut router = Router::new();
    let long = "x".repeat(64 * 1024 + 1);
    let verdicts =
        [remember(" "), forget("\n"), remember(&long), forget(&long)].map(|content| verdict(&router.ask(&web(), message("1", content))));
    assert_eq!(verdicts, ["invalid", "invalid", "too_large", "too_large"]);
}
