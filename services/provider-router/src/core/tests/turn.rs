//! Running turns: order, retries, outcomes, spend.

use argentum_proto::channel::v1::turn_progressed::Change;

use super::*;
use crate::core::RecalledRecord;

/// Text of the progress, as (attempt, sequence, text).
fn appended(effects: &[Effect]) -> Vec<(u32, u64, String)> {
    let text = |effect: &Effect| match effect {
        Effect::Progress { progress, .. } => match &progress.change {
            Some(Change::Appended(appended)) => Some((progress.attempt, progress.sequence, appended.text.clone())),
            _ => None,
        },
        _ => None,
    };
    effects.iter().filter_map(text).collect()
}

fn costs(router: &Router) -> Vec<(u64, u64)> {
    router.core.spend().map(|(_, total)| (total.cost_micros, total.estimated_cost_micros)).collect()
}

#[test]
fn an_accepted_question_is_started_at_once() {
    let mut router = Router::new();
    let effects = router.ask(&web(), message("1", question("why?")));
    assert_eq!(begun(&effects).len(), 1);
}

#[test]
fn a_turn_goes_on_without_memory_after_its_time() {
    let mut router = Router::new();
    let turn = router.accept(&web(), "1");
    let before = calls(&router.wait(499));
    let after = calls(&router.wait(1));
    assert_eq!((before, after), (vec![], vec![(turn, 1, "question 1".to_owned())]));
}

#[test]
fn recalled_records_that_come_too_late_change_nothing() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    let records = vec![RecalledRecord { origin: "mail".into(), text: "tea".into() }];
    assert_eq!(router.handle(Input::Recalled { turn, records }), []);
}

#[test]
fn one_turn_of_a_conversation_runs_at_a_time() {
    let mut router = Router::new();
    router.call(&web(), "1");
    let effects = router.ask(&web(), message("2", question("why?")));
    assert_eq!(begun(&effects), []);
}

#[test]
fn the_next_turn_starts_when_the_one_before_has_its_outcome() {
    let mut router = Router::new();
    let first = router.call(&web(), "1");
    let second = router.accept(&web(), "2");
    assert_eq!(begun(&router.complete(first, "yes")), [second]);
}

#[test]
fn remembering_does_not_hold_the_next_turn() {
    let mut router = Router::new();
    let first = router.call(&web(), "1");
    let second = router.accept(&web(), "2");
    let effects = router.complete(first, "yes");
    assert_eq!((remembered(&effects), begun(&effects)), (vec![first.to_string()], vec![second]));
}

#[test]
fn the_answer_is_what_the_vendor_told_piece_by_piece() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    router.delta(turn, "to");
    router.complete(turn, "day");
    assert_eq!(router.outcomes(&web()), [(Outcome::Answered, "today".to_owned())]);
}

#[test]
fn progress_counts_without_a_gap() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    let told = [router.delta(turn, "to"), router.delta(turn, "day")].concat();
    assert_eq!(appended(&told), [(1, 1, "to".to_owned()), (1, 2, "day".to_owned())]);
}

#[test]
fn the_tail_is_told_to_the_vendor() {
    let mut router = Router::new();
    router.answer(&web(), "1", "yes");
    let turn = router.accept(&web(), "2");
    let effects = router.handle(Input::RecallFailed { turn });
    let Some(Effect::CallVendor { prompt, .. }) = effects.first() else { panic!("{effects:?}") };
    let texts: Vec<_> = prompt.messages.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["question 1", "yes", "question 2"]);
}

#[test]
fn spend_is_settled_with_the_outcome() {
    let mut router = Router::new();
    router.answer(&web(), "1", "yes");
    assert_eq!(costs(&router), [(10, 0)]);
}

#[test]
fn a_retryable_failure_is_asked_again_after_a_pause() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    let at_once = router.vendor(turn, 1, failure(FailureClass::Overloaded, true));
    let later = router.wait(1_000);
    assert_eq!((calls(&at_once), calls(&later)), (vec![], vec![(turn, 2, "question 1".to_owned())]));
}

#[test]
fn a_vendor_is_left_alone_as_long_as_it_asks() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    let event = VendorEvent::Failed(VendorFailure {
        class: FailureClass::RateLimited,
        is_retryable: true,
        retry_after_ms: Some(45_000),
        settlement: None,
    });
    router.vendor(turn, 1, event);
    let [before, after] = [44_999, 1].map(|ms| calls(&router.wait(ms)).len());
    assert_eq!((before, after), (0, 1));
}

#[test]
fn a_new_attempt_replaces_the_text_of_the_broken_one() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    router.delta(turn, "hal");
    router.vendor(turn, 1, failure(FailureClass::Interrupted, true));
    router.wait(1_000);
    router.vendor(turn, 2, VendorEvent::Delta("whole".into()));
    router.vendor(turn, 2, VendorEvent::Completed(usage()));
    assert_eq!(router.outcomes(&web()), [(Outcome::Answered, "whole".to_owned())]);
}

#[test]
fn what_comes_late_from_a_broken_attempt_is_not_heard() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    router.vendor(turn, 1, failure(FailureClass::Interrupted, true));
    router.wait(1_000);
    assert_eq!(router.delta(turn, "late"), []);
}

#[test]
fn an_attempt_that_broke_in_its_answer_is_settled_as_estimated() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    router.delta(turn, "1234");
    router.vendor(turn, 1, failure(FailureClass::Interrupted, true));
    // "Be kind." and "question 1" are 18 bytes: 5 tokens; the text so far is one.
    assert_eq!(costs(&router), [(6, 6)]);
}

#[test]
fn a_failure_that_asking_again_does_not_help_is_reported_at_once() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    let effects = router.vendor(turn, 1, failure(FailureClass::Declined, false));
    assert_eq!(
        (notifications(&effects), router.outcomes(&web())),
        (1, vec![(Outcome::Failed, "The model declined to answer this.".to_owned())])
    );
}

#[test]
fn a_turn_has_failed_after_five_tries() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    for attempt in 1..=5 {
        assert_eq!(router.outcomes(&web()), [], "attempt {attempt}");
        router.vendor(turn, attempt, failure(FailureClass::Overloaded, true));
        router.wait(30_000);
    }
    assert_eq!(router.outcomes(&web()).len(), 1);
}

#[test]
fn a_turn_waits_for_a_vendor_that_cannot_be_reached_until_its_deadline() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    let mut tries = 0;
    while router.outcomes(&web()).is_empty() {
        tries += 1;
        router.vendor(turn, tries, failure(FailureClass::Unreachable, true));
        router.wait(30_000);
    }
    assert!((19..=21).contains(&tries), "{tries} tries in ten minutes");
}

#[test]
fn a_turn_ends_at_its_deadline_and_its_vendor_call_with_it() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    router.wait(9 * 60_000);
    let effects = router.wait(60_000);
    assert_eq!((cancelled(&effects), router.outcomes(&web())[0].0), (vec![(turn, 1)], Outcome::Failed));
}

#[test]
fn an_answer_without_text_is_reported_as_none() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    router.vendor(turn, 1, VendorEvent::Completed(usage()));
    assert_eq!(router.outcomes(&web()), [(Outcome::Failed, "The model gave no answer. Please try again.".to_owned())]);
}

#[test]
fn an_answer_is_cut_off_at_its_bound_between_two_characters() {
    let mut config = config();
    config.limits.answer_bytes_max = 6;
    let mut router = Router::with(config);
    let turn = router.call(&web(), "1");
    let effects = router.delta(turn, "1234öö");
    assert_eq!((cancelled(&effects), router.outcomes(&web())), (vec![(turn, 1)], vec![(Outcome::Answered, "1234ö".to_owned())]));
}

#[test]
fn memory_is_told_again_until_it_has_the_turn() {
    let mut router = Router::new();
    let turn = router.answer(&web(), "1", "yes");
    router.handle(Input::RememberFailed { turn });
    let again = remembered(&router.wait(1_000));
    router.handle(Input::Remembered { turn });
    assert_eq!((again, router.state().turns().count()), (vec![turn.to_string()], 0));
}

#[test]
fn memory_is_told_of_few_turns_at_a_time() {
    let mut config = config();
    config.limits.remembering_max = 1;
    let mut router = Router::with(config);
    let first = router.answer(&web(), "1", "yes");
    let second = router.call(&web(), "2");
    let held = remembered(&router.complete(second, "yes"));
    let released = remembered(&router.handle(Input::Remembered { turn: first }));
    assert_eq!((held, released), (vec![], vec![second.to_string()]));
}

#[test]
fn a_drain_starts_nothing_and_takes_nothing() {
    let mut router = Router::new();
    let first = router.call(&web(), "1");
    router.accept(&web(), "2");
    router.handle(Input::Drain);
    let effects = router.complete(first, "yes");
    let asked = verdict(&router.ask(&web(), message("3", question("why?"))));
    assert_eq!((begun(&effects), asked.as_str()), (vec![], "retry after"));
}

#[test]
fn a_parked_turn_is_cancelled_and_settled() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    let effects = router.handle(Input::Park);
    assert_eq!((cancelled(&effects), costs(&router), router.core.is_idle()), (vec![(turn, 1)], vec![(5, 5)], true));
}

#[test]
fn the_core_says_when_it_wants_to_be_woken() {
    let mut router = Router::new();
    router.accept(&web(), "1");
    assert_eq!(router.core.next_due_ms(), Some(START.monotonic_ms + 500));
}

#[test]
fn only_the_text_of_a_running_attempt_may_leave_before_it_is_synced() {
    let mut router = Router::new();
    let turn = router.accept(&chat(), "1");
    router.hello("A");
    let mut effects = router.handle(Input::RecallFailed { turn });
    effects.extend(router.delta(turn, "yes"));
    effects.extend(router.vendor(turn, 1, VendorEvent::Completed(usage())));
    let lossy: Vec<_> = effects.iter().filter(|effect| effect.is_lossy()).cloned().collect();
    assert_eq!((lossy.len(), appended(&lossy).len()), (1, 1));
}
