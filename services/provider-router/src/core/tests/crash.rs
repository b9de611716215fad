//! The crash table of the contract, as far as the router decides it, row by row.

use argentum_proto::channel::v1::AcceptMessageRequest;

use super::*;

/// An answer of ten bytes, taken by A, of which the first four have their receipt.
fn half_sent() -> (Router, TurnId) {
    let mut router = Router::new();
    router.hello("A");
    let turn = router.answer(&chat(), "1", "0123456789");
    router.report("A", turn, Report::Taken);
    router.report("A", turn, sent(0, 4));
    (router, turn)
}

#[test]
fn router_dies_before_sync_of_accepted_then_asked_again_makes_one_turn() {
    let mut router = Router::new();
    router.accept(&web(), "1");
    let written = router.records.len();
    router.restart_without(written);
    let verdict = verdict(&router.ask(&web(), message("1", question("why?"))));
    assert_eq!((verdict.as_str(), router.state().turns().count()), ("accepted", 1));
}

#[test]
fn router_dies_after_sync_of_accepted_then_asked_again_is_already_accepted() {
    let mut router = Router::new();
    router.accept(&web(), "1");
    router.restart();
    let verdict = verdict(&router.ask(&web(), message("1", question("why?"))));
    assert_eq!((verdict.as_str(), router.state().turns().count()), ("already accepted", 1));
}

#[test]
fn router_dies_between_accepted_and_started_then_the_turn_is_started() {
    let mut router = Router::new();
    let turn = router.accept(&web(), "1");
    assert_eq!(begun(&router.restart_without(1)), [turn]);
}

#[test]
fn router_dies_in_recall_then_the_turn_is_begun_again() {
    let mut router = Router::new();
    let turn = router.accept(&web(), "1");
    assert_eq!(begun(&router.restart()), [turn]);
}

#[test]
fn router_dies_in_a_vendor_call_then_the_call_is_made_again_as_a_higher_attempt() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    router.restart();
    let again = calls(&router.handle(Input::RecallFailed { turn }));
    assert_eq!(again, [(turn, 2, "question 1".to_owned())]);
}

#[test]
fn router_dies_in_a_vendor_call_then_the_broken_try_is_settled_as_estimated() {
    let mut router = Router::new();
    router.call(&web(), "1");
    router.restart();
    let costs: Vec<_> = router.core.spend().map(|(_, total)| (total.cost_micros, total.estimated_cost_micros)).collect();
    // 5 tokens of prompt, and 100 that an unknown answer is taken for.
    assert_eq!(costs, [(105, 105)]);
}

#[test]
fn router_dies_after_stop_then_nothing_is_asked_and_the_text_so_far_is_the_answer() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    router.delta(turn, "half");
    router.handle(Input::StopAsked { request: RequestId(0), place: place(&web(), "c"), turn: None });
    let effects = router.restart();
    assert_eq!((begun(&effects), router.outcomes(&web())), (vec![], vec![(Outcome::Stopped, "half".to_owned())]));
}

#[test]
fn router_dies_after_completed_then_it_is_delivered_without_a_second_call() {
    let mut router = Router::new();
    router.answer(&chat(), "1", "yes");
    let effects = router.restart();
    let then = router.hello("A");
    assert_eq!((begun(&effects), hello_asked(&effects), published(&then)), (vec![], 1, vec![(0, false)]));
}

#[test]
fn router_dies_after_completed_then_readers_of_the_tail_still_have_it() {
    let mut router = Router::new();
    router.answer(&web(), "1", "yes");
    router.restart();
    assert_eq!(router.outcomes(&web()), [(Outcome::Answered, "yes".to_owned())]);
}

#[test]
fn gateway_dies_before_taken_then_it_is_published_again_without_a_label() {
    let mut router = Router::new();
    router.hello("A");
    router.answer(&chat(), "1", "yes");
    assert_eq!(published(&router.hello("B")), [(0, false)]);
}

#[test]
fn router_dies_after_taken_then_the_living_holder_goes_on() {
    let mut router = Router::new();
    router.hello("A");
    let turn = router.answer(&chat(), "1", "yes");
    router.report("A", turn, Report::Taken);
    router.restart();
    assert_eq!(delivery_verdict(&router.report("A", turn, Report::Taken)), "granted from 0");
}

#[test]
fn router_dies_after_taken_and_the_holder_is_gone_then_the_first_part_is_unknown() {
    let mut router = Router::new();
    router.hello("A");
    let turn = router.answer(&chat(), "1", "yes");
    router.report("A", turn, Report::Taken);
    router.restart();
    router.hello("B");
    assert_eq!(delivery_verdict(&router.report("B", turn, Report::Taken)), "granted from 0 with a label");
}

#[test]
fn gateway_dies_between_parts_then_only_the_next_part_is_unknown() {
    let (mut router, turn) = half_sent();
    let offered = published(&router.hello("B"));
    router.report("B", turn, Report::Taken);
    router.report("B", turn, sent(4, 6));
    assert_eq!((offered, published(&router.wait(2_000))), (vec![(4, true)], vec![(6, false)]));
}

#[test]
fn router_dies_while_a_gateway_holds_an_outbound_then_its_repeated_receipt_is_noted() {
    let (mut router, turn) = half_sent();
    router.restart();
    let verdicts = [sent(0, 4), sent(4, 10)].map(|report| delivery_verdict(&router.report("A", turn, report)));
    assert_eq!(verdicts, ["noted", "noted"]);
}

#[test]
fn gateway_and_router_die_before_a_receipt_is_synced_then_that_part_is_unknown() {
    let (mut router, turn) = half_sent();
    router.restart_without(1);
    router.hello("B");
    assert_eq!(delivery_verdict(&router.report("B", turn, Report::Taken)), "granted from 0 with a label");
}

#[test]
fn an_old_gateway_that_wakes_up_stops_at_its_receipt() {
    let (mut router, turn) = half_sent();
    router.hello("B");
    router.report("B", turn, Report::Taken);
    let verdicts = [sent(0, 4), sent(4, 10)].map(|report| delivery_verdict(&router.report("A", turn, report)));
    assert_eq!(verdicts, ["not yours", "not yours"]);
}

#[test]
fn memory_is_down_then_the_turn_is_told_again_after_a_start() {
    let mut router = Router::new();
    let turn = router.answer(&web(), "1", "yes");
    assert_eq!(remembered(&router.restart()), [turn.to_string()]);
}

#[test]
fn a_turn_that_was_remembered_is_not_told_again() {
    let mut router = Router::new();
    let turn = router.answer(&web(), "1", "yes");
    router.handle(Input::Remembered { turn });
    assert_eq!(remembered(&router.restart()), [] as [String; 0]);
}

#[test]
fn a_turn_that_was_started_five_times_is_quarantined_and_its_sender_told() {
    let mut router = Router::new();
    router.accept(&web(), "1");
    for start in 2..=5 {
        assert_eq!(begun(&router.restart()).len(), 1, "start {start}");
    }
    let effects = router.restart();
    assert_eq!((begun(&effects).len(), notifications(&effects), router.outcomes(&web())[0].0), (0, 1, Outcome::Quarantined));
}

#[test]
fn a_start_that_a_drain_parked_does_not_count() {
    let mut router = Router::new();
    let turn = router.accept(&web(), "1");
    for _ in 0..9 {
        router.handle(Input::Park);
        router.restart();
    }
    assert_eq!(router.state().turn(turn).map(|turn| turn.starts), Some(1));
}

#[test]
fn a_queue_keeps_its_order_over_a_restart() {
    let mut router = Router::new();
    let [first, second, third] = ["1", "2", "3"].map(|id| router.accept(&web(), id));
    router.restart();
    let next = |router: &mut Router, turn, attempt| {
        router.handle(Input::RecallFailed { turn });
        router.vendor(turn, attempt, VendorEvent::Delta("yes".into()));
        begun(&router.vendor(turn, attempt, VendorEvent::Completed(usage())))
    };
    let order = [next(&mut router, first, 2), next(&mut router, second, 1)].concat();
    assert_eq!(order, [second, third]);
}

#[test]
fn a_record_that_does_not_follow_stops_the_start() {
    let mut router = Router::new();
    router.answer(&web(), "1", "yes");
    let records = router.records.split_off(1);
    let accepted = records.iter().skip(1).cloned();
    let fault = Core::recover(config(), None, (7..).zip(accepted)).err();
    assert!(fault.is_some_and(|fault| fault.to_string().contains("position 7")));
}

#[test]
fn a_record_of_an_unknown_kind_stops_the_start() {
    let unknown = Record { uptime_ms: 1, wall_ms: 1, event: None };
    assert!(Core::recover(config(), None, [(3, unknown)]).is_err());
}

#[test]
fn a_checkpoint_and_the_records_after_it_make_the_same_state() {
    let mut router = Router::new();
    router.answer(&web(), "0", "yes");
    router.wait(31 * DAY_MS);
    router.hello("A");
    let turn = router.answer(&chat(), "1", "0123456789");
    router.report("A", turn, Report::Taken);
    router.report("A", turn, sent(0, 4));
    router.report("A", turn, Report::Unknown { from_byte: 4 });
    router.accept(&chat(), "2");
    router.ask(&web(), AcceptMessageRequest { platform_time_ms: router.now.wall_ms, ..message("3", question("why?")) });
    router.handle(Input::Park);
    let whole = format!("{:?}", router.state());
    for position in 0..router.records.len() {
        let until = router.records.iter().take(position + 1).cloned();
        let checkpoint = Core::recover(config(), None, (0..).zip(until)).unwrap().checkpoint(position as u64);
        let core = Core::recover(config(), Some(checkpoint), (0..).zip(router.records.iter().cloned())).unwrap();
        assert_eq!(format!("{:?}", core.state), whole, "checkpoint at {position}");
    }
}
