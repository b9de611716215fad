//! What completions of `/v1` cost is counted, once, whatever dies.

use argentum_proto::{ids::CompletionId, provider::v1::record::Event};

use super::*;

fn id(number: u128) -> CompletionId {
    CompletionId::new(Ulid(number))
}

fn ask(router: &mut Router, number: u128) -> bool {
    let estimate = Settlement { cost_micros: 100, is_estimated: true, ..usage() };
    let effects = router.handle(Input::CompletionAsked { completion: id(number), estimate });
    match effects.as_slice() {
        [Effect::AnswerCompletion { completion, is_held }] if *completion == id(number) => *is_held,
        other => panic!("{other:?}"),
    }
}

/// All cost, and the share of it that was estimated.
fn cost(router: &Router) -> (u64, u64) {
    router.core.spend().fold((0, 0), |sum, (_, total)| (sum.0 + total.cost_micros, sum.1 + total.estimated_cost_micros))
}

#[test]
fn a_completion_costs_what_the_vendor_counted() {
    let mut router = Router::new();
    assert!(ask(&mut router, 1));
    assert_eq!(cost(&router), (0, 0), "held is not spent");
    router.handle(Input::CompletionEnded { completion: id(1), settlement: Some(usage()) });
    assert_eq!(cost(&router), (10, 0));
    assert!(router.core.is_idle());
}

#[test]
fn a_completion_is_settled_once() {
    let mut router = Router::new();
    ask(&mut router, 1);
    for _ in 0..2 {
        router.handle(Input::CompletionEnded { completion: id(1), settlement: Some(usage()) });
    }
    assert_eq!(cost(&router), (10, 0));
}

#[test]
fn a_completion_that_reached_nobody_costs_nothing() {
    let mut router = Router::new();
    ask(&mut router, 1);
    router.handle(Input::CompletionEnded { completion: id(1), settlement: None });
    assert_eq!(cost(&router), (0, 0));
}

#[test]
fn a_completion_that_an_end_of_the_router_broke_costs_what_was_held() {
    let mut router = Router::new();
    ask(&mut router, 1);
    ask(&mut router, 2);
    router.handle(Input::CompletionEnded { completion: id(2), settlement: Some(usage()) });
    router.restart();
    assert_eq!(cost(&router), (110, 100));
    router.restart();
    assert_eq!(cost(&router), (110, 100), "settled again");
}

#[test]
fn a_hold_outlives_the_records_that_a_checkpoint_replaces() {
    let mut router = Router::new();
    ask(&mut router, 1);
    let kept = router.core.checkpoint(7);
    let mut core = Core::recover(router.config.clone(), Some(kept), []).unwrap();
    let records = core.started(START).records;
    assert!(records.iter().any(|record| matches!(&record.event, Some(Event::CompletionSettled(_)))), "{records:?}");
}

#[test]
fn a_router_that_ends_or_has_no_disk_takes_no_completion() {
    let mut router = Router::new();
    router.handle(Input::Intake { is_open: false });
    assert!(!ask(&mut router, 1));
    router.handle(Input::Intake { is_open: true });
    router.handle(Input::Drain);
    assert!(!ask(&mut router, 2));
    assert!(router.core.is_idle());
}
