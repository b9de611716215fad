//! Delivering: to one incarnation, part by part, nothing twice without a label.

use argentum_proto::channel::v1::{ReportDeliveryRequest, Sent, report_delivery_request::Report as Wire};

use super::*;
use crate::core::Notification;

/// An answer of ten bytes that waits to be taken.
fn offered() -> (Router, TurnId) {
    let mut router = Router::new();
    router.hello("A");
    let turn = router.answer(&chat(), "1", "0123456789");
    (router, turn)
}

/// The same, taken by A.
fn taken() -> (Router, TurnId) {
    let (mut router, turn) = offered();
    router.report("A", turn, Report::Taken);
    (router, turn)
}

#[test]
fn an_answer_is_published_to_a_gateway_that_lives() {
    let mut router = Router::new();
    router.hello("A");
    let turn = router.call(&chat(), "1");
    assert_eq!(published(&router.complete(turn, "yes")), [(0, false)]);
}

#[test]
fn a_gateway_that_was_never_heard_is_asked_who_lives() {
    let mut router = Router::new();
    let turn = router.call(&chat(), "1");
    let effects = router.complete(turn, "yes");
    assert_eq!((published(&effects), hello_asked(&effects)), (vec![], 1));
}

#[test]
fn what_waits_is_published_when_its_gateway_answers_who_lives() {
    let mut router = Router::new();
    router.answer(&chat(), "1", "yes");
    let effects = router.handle(Input::HelloAnswered { gateway: chat(), incarnation: incarnation("A") });
    assert_eq!(published(&effects), [(0, false)]);
}

#[test]
fn a_gateway_is_asked_again_until_it_is_heard() {
    let mut router = Router::new();
    router.answer(&chat(), "1", "yes");
    let silent = hello_asked(&router.wait(2_000));
    router.hello("A");
    let heard = hello_asked(&router.wait(60_000));
    assert_eq!((silent, heard), (1, 0));
}

#[test]
fn an_answer_who_lives_that_comes_after_a_hello_is_not_heard() {
    let (mut router, turn) = offered();
    router.handle(Input::HelloAnswered { gateway: chat(), incarnation: incarnation("Z") });
    assert_eq!(delivery_verdict(&router.report("A", turn, Report::Taken)), "granted from 0");
}

#[test]
fn an_answer_for_readers_of_the_tail_has_no_outbound() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    let effects = router.complete(turn, "yes");
    assert_eq!((published(&effects), hello_asked(&effects)), (vec![], 0));
}

#[test]
fn what_nobody_took_in_two_seconds_is_published_again() {
    let (mut router, _) = offered();
    let [before, after] = [1_999, 1].map(|ms| published(&router.wait(ms)).len());
    assert_eq!((before, after), (0, 1));
}

#[test]
fn taken_is_granted_again_to_its_holder() {
    let (mut router, turn) = taken();
    assert_eq!(delivery_verdict(&router.report("A", turn, Report::Taken)), "granted from 0");
}

#[test]
fn taken_is_not_granted_to_an_incarnation_that_is_not_known_to_live() {
    let (mut router, turn) = offered();
    assert_eq!(delivery_verdict(&router.report("B", turn, Report::Taken)), "not yours");
}

#[test]
fn a_gateway_that_takes_nothing_is_asked_who_lives() {
    let (mut router, _) = offered();
    let asked = [2_000, 4_000, 8_000].map(|ms| hello_asked(&router.wait(ms)));
    assert_eq!(asked, [0, 0, 1]);
}

#[test]
fn taken_is_not_granted_to_another_while_its_holder_lives() {
    let (mut router, turn) = taken();
    assert_eq!(delivery_verdict(&router.report("B", turn, Report::Taken)), "not yours");
}

#[test]
fn taken_is_not_granted_to_another_account() {
    let (mut router, turn) = offered();
    let report = DeliveryReport {
        request: RequestId(0),
        gateway: web(),
        incarnation: incarnation("A"),
        outbound: turn.into(),
        report: Report::Taken,
    };
    assert_eq!(delivery_verdict(&router.handle(Input::Delivery(report))), "not yours");
}

#[test]
fn receipts_are_noted_part_by_part_until_the_text_is_whole() {
    let (mut router, turn) = taken();
    let verdicts = [sent(0, 4), sent(4, 10)].map(|report| delivery_verdict(&router.report("A", turn, report)));
    assert_eq!((verdicts.each_ref().map(String::as_str), router.state().turn(turn).unwrap().delivery()), (["noted", "noted"], None));
}

#[test]
fn a_receipt_without_bounds_is_not_even_heard() {
    let wire = |ids: Vec<String>| ReportDeliveryRequest {
        outbound_id: TurnId::new(Ulid(1)).to_string(),
        incarnation: "A".into(),
        report: Some(Wire::Sent(Sent { to_byte: 4, platform_message_ids: ids, ..Sent::default() })),
    };
    let heard = [vec!["1".to_owned()], vec!["1".to_owned(); 65], vec!["x".repeat(2_000)]]
        .map(|ids| Input::delivery(RequestId(0), chat(), wire(ids)).is_ok());
    assert_eq!(heard, [true, false, false]);
}

#[test]
fn a_receipt_that_is_repeated_is_noted_again_and_written_once() {
    let (mut router, turn) = taken();
    router.report("A", turn, sent(0, 4));
    let written = router.records.len();
    assert_eq!((delivery_verdict(&router.report("A", turn, sent(0, 4))).as_str(), router.records.len()), ("noted", written));
}

#[test]
fn a_receipt_that_leaves_a_gap_or_splits_a_character_is_invalid() {
    let mut router = Router::new();
    router.hello("A");
    let turn = router.answer(&chat(), "1", "01ö456");
    router.report("A", turn, Report::Taken);
    let invalid = [sent(2, 4), sent(0, 3), sent(0, 99), Report::Unknown { from_byte: 2 }];
    let verdicts = invalid.map(|report| delivery_verdict(&router.report("A", turn, report)));
    assert_eq!(verdicts, ["invalid"; 4]);
}

#[test]
fn the_part_that_is_marked_as_last_ends_the_delivery() {
    let (mut router, turn) = taken();
    router.report("A", turn, Report::Sent { from_byte: 0, to_byte: 9, platform_message_ids: vec![], last: true });
    assert_eq!(router.state().turn(turn).unwrap().delivery(), None);
}

#[test]
fn the_next_turn_starts_only_when_the_last_part_has_its_receipt() {
    let (mut router, first) = taken();
    let second = router.accept(&chat(), "2");
    let begun_after = [sent(0, 4), sent(4, 10)].map(|report| begun(&router.report("A", first, report)));
    assert_eq!(begun_after, [vec![], vec![second]]);
}

#[test]
fn a_refused_part_ends_the_delivery_and_is_reported() {
    let (mut router, turn) = taken();
    let refused = Report::Refused { from_byte: 0, code: "403".into(), text: "blocked".into() };
    let effects = router.report("A", turn, refused);
    let reported = Effect::Notify(Notification::DeliveryRefused { turn, code: "403".into(), text: "blocked".into() });
    assert!(effects.contains(&reported) && router.state().turn(turn).unwrap().delivery().is_none(), "{effects:?}");
}

#[test]
fn an_unknown_part_is_told_to_whoever_asks_next() {
    let (mut router, turn) = taken();
    router.report("A", turn, sent(0, 4));
    router.report("A", turn, Report::Unknown { from_byte: 4 });
    assert_eq!(delivery_verdict(&router.report("A", turn, Report::Taken)), "granted from 4 with a label");
}

#[test]
fn a_receipt_takes_the_label_away() {
    let (mut router, turn) = taken();
    router.report("A", turn, Report::Unknown { from_byte: 0 });
    router.report("A", turn, sent(0, 4));
    assert_eq!(published(&router.wait(2_000)), [(4, false)]);
}

#[test]
fn a_holder_that_takes_again_what_it_sent_a_part_of_labels_the_rest() {
    let (mut router, turn) = taken();
    router.report("A", turn, sent(0, 4));
    assert_eq!(delivery_verdict(&router.report("A", turn, Report::Taken)), "granted from 4 with a label");
}

#[test]
fn a_receipt_of_an_earlier_hold_is_not_yours() {
    let (mut router, turn) = taken();
    router.hello("B");
    router.report("B", turn, Report::Taken);
    router.report("B", turn, sent(0, 4));
    router.hello("A");
    router.report("A", turn, Report::Taken);
    assert_eq!(delivery_verdict(&router.report("A", turn, sent(0, 4))), "not yours");
}

#[test]
fn a_gateway_that_holds_but_does_not_deliver_is_asked_who_lives() {
    let (mut router, _) = taken();
    let asked = [2_000, 4_000, 8_000].map(|ms| hello_asked(&router.wait(ms)));
    assert_eq!(asked, [0, 0, 1]);
}

#[test]
fn a_delivery_that_never_left_is_given_up_after_a_day_and_reported() {
    let (mut router, turn) = taken();
    router.wait(DAY_MS - 1);
    let effects = router.wait(1);
    assert!(effects.contains(&Effect::Notify(Notification::DeliveryExpired { turn })), "{effects:?}");
}

#[test]
fn a_day_for_delivery_is_counted_over_restarts() {
    let (mut router, turn) = taken();
    router.wait(DAY_MS - 60_000);
    router.restart();
    let effects = router.wait(600_000);
    assert!(effects.contains(&Effect::Notify(Notification::DeliveryExpired { turn })), "{effects:?}");
}

#[test]
fn a_receipt_after_the_end_is_not_yours() {
    let (mut router, turn) = taken();
    router.report("A", turn, sent(0, 10));
    assert_eq!(delivery_verdict(&router.report("A", turn, sent(0, 10))), "not yours");
}

#[test]
fn a_failure_is_delivered_as_a_report() {
    let mut router = Router::new();
    router.hello("A");
    let turn = router.call(&chat(), "1");
    let effects = router.vendor(turn, 1, failure(FailureClass::Declined, false));
    let reports = |effect: &Effect| matches!(effect, Effect::PublishOutbound { outbound, .. } if outbound.is_failure_report);
    assert_eq!(effects.iter().filter(|effect| reports(effect)).count(), 1);
}

#[test]
fn a_turn_that_was_stopped_before_its_first_word_has_nothing_to_deliver() {
    let mut router = Router::new();
    router.hello("A");
    router.call(&chat(), "1");
    let effects = router.ask(&chat(), message("2", stop()));
    assert_eq!(published(&effects), []);
}

#[test]
fn a_stop_ends_the_delivery_and_the_next_turn_starts() {
    let (mut router, turn) = taken();
    router.report("A", turn, sent(0, 4));
    let second = router.accept(&chat(), "2");
    let effects = router.ask(&chat(), message("3", stop()));
    assert_eq!((notice(&effects).as_str(), begun(&effects)), ("Stopped.", vec![second]));
}

#[test]
fn a_stopped_delivery_is_not_yours_and_is_not_offered_again_after_a_crash() {
    let (mut router, turn) = taken();
    router.ask(&chat(), message("2", stop()));
    let told = delivery_verdict(&router.report("A", turn, sent(0, 4)));
    router.restart();
    assert_eq!((told.as_str(), published(&router.hello("B"))), ("not yours", vec![]));
}

#[test]
fn a_status_while_the_answer_is_sent_says_so() {
    let (mut router, _) = taken();
    assert_eq!(notice(&router.ask(&chat(), message("2", status()))), "The answer is on its way.");
}
