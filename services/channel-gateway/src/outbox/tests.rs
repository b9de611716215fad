//! The crash rows of the contract that are the gateway's to keep, and what a platform may answer.

use argentum_proto::channel::v1::{Granted, NotYours, Noted, report_delivery_request::Report, report_delivery_response::Answer};

use super::*;

/// Parts of four bytes, three where the label needs room.
fn split(rest: &str, is_labelled: bool) -> usize {
    let fits = if is_labelled { 3 } else { 4 };
    (1..=fits.min(rest.len())).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(rest.len())
}

struct Story {
    outbox: Outbox,
    now_ms: u64,
    /// The request whose answer is waited for.
    request: u64,
}

const OUTBOUND: &str = "01JD0000000000000000000000";

fn id() -> OutboundId {
    OUTBOUND.parse().unwrap()
}

impl Story {
    fn offered(text: &str) -> (Self, Vec<Effect>) {
        let outbox = Outbox::new("one".parse().unwrap(), split);
        let mut story = Self { outbox, now_ms: 0, request: 0 };
        let ready = OutboundReady { outbound_id: OUTBOUND.into(), text: text.into(), ..OutboundReady::default() };
        let effects = story.tell(Input::Offered(ready));
        (story, effects)
    }

    fn granted(text: &str) -> (Self, Vec<Effect>) {
        let (mut story, _) = Self::offered(text);
        let effects = story.answer(Answer::Granted(Granted { from_byte: 0, maybe_sent: false }));
        (story, effects)
    }

    fn tell(&mut self, input: Input) -> Vec<Effect> {
        let effects = self.outbox.handle(input, self.now_ms).unwrap();
        if let Some(Effect::Report { request, .. }) = effects.last() {
            self.request = *request;
        }
        effects
    }

    fn answer(&mut self, answer: Answer) -> Vec<Effect> {
        let (request, outbound) = (self.request, id());
        self.tell(Input::Answered { request, outbound, response: ReportDeliveryResponse { answer: Some(answer) } })
    }

    fn end(&mut self, first_byte: u64, outcome: Outcome) -> Vec<Effect> {
        self.tell(Input::Ended { part: PartId { outbound: id(), first_byte }, outcome })
    }

    fn after(&mut self, ms: u64) -> Vec<Effect> {
        self.now_ms += ms;
        self.tell(Input::Tick)
    }
}

fn sent() -> Outcome {
    Outcome::Sent { platform_message_ids: vec!["7".into()] }
}

fn noted() -> Answer {
    Answer::Noted(Noted {})
}

fn report(effects: &[Effect]) -> Report {
    match effects {
        [Effect::Report { report, .. }] => report.report.clone().unwrap(),
        other => panic!("no report: {other:?}"),
    }
}

fn part(effects: &[Effect]) -> (u64, &str, bool) {
    match effects {
        [Effect::Send(part)] => (part.id.first_byte, &part.text, part.maybe_sent),
        other => panic!("no send: {other:?}"),
    }
}

#[test]
fn nothing_is_sent_before_taken_is_answered() {
    let (mut story, effects) = Story::offered("hello");
    assert!(matches!(report(&effects), Report::Taken(_)));
    assert!(matches!(report(&story.after(500)), Report::Taken(_)));
    assert_eq!(part(&story.answer(Answer::Granted(Granted { from_byte: 0, maybe_sent: false }))), (0, "hell", false));
}

#[test]
fn no_part_is_sent_before_the_receipt_of_the_one_before_is_answered() {
    let (mut story, _) = Story::granted("hello");
    let Report::Sent(receipt) = report(&story.end(0, sent())) else { panic!("no receipt") };
    assert_eq!((receipt.from_byte, receipt.to_byte, receipt.last), (0, 4, false));
    assert_eq!(part(&story.answer(noted())), (4, "o", false));
    let Report::Sent(receipt) = report(&story.end(4, sent())) else { panic!("no receipt") };
    assert!(receipt.last);
    assert!(!story.outbox.is_empty(), "forgotten before the answer to its last receipt");
    assert_eq!(story.answer(noted()), []);
    assert!(story.outbox.is_empty());
}

#[test]
fn an_outbound_that_is_offered_again_is_not_taken_again() {
    let (mut story, _) = Story::granted("hello");
    let ready = OutboundReady { outbound_id: OUTBOUND.into(), text: "hello".into(), ..OutboundReady::default() };
    assert_eq!(story.tell(Input::Offered(ready)), []);
}

#[test]
fn an_answer_to_an_earlier_try_is_void() {
    let (mut story, _) = Story::offered("hello");
    let first = story.request;
    story.after(500);
    let late = ReportDeliveryResponse { answer: Some(Answer::NotYours(NotYours {})) };
    assert_eq!(story.tell(Input::Answered { request: first, outbound: id(), response: late }), []);
    assert!(!story.outbox.is_empty());
}

#[test]
fn who_is_told_not_yours_sends_nothing_more() {
    let (mut story, _) = Story::granted("hello");
    story.end(0, sent());
    assert_eq!(story.answer(Answer::NotYours(NotYours {})), []);
    assert!(story.outbox.is_empty());
}

#[test]
fn all_that_may_stand_already_is_sent_with_the_label_and_the_rest_without() {
    let (mut story, _) = Story::offered("hello world");
    let mut effects = story.answer(Answer::Granted(Granted { from_byte: 0, maybe_sent: true }));
    // "hell" may stand already; with the label only "hel" fits.
    for expected in [(0, "hel", true), (3, "lo ", true), (6, "worl", false)] {
        assert_eq!(part(&effects), expected);
        story.end(expected.0, sent());
        effects = story.answer(noted());
    }
}

#[test]
fn what_is_left_of_an_unknown_part_is_sent_with_the_label_too() {
    let (mut story, _) = Story::granted("hello world");
    story.end(0, Outcome::Unknown);
    story.answer(noted());
    story.end(0, sent());
    assert_eq!(part(&story.answer(noted())), (3, "lo ", true));
}

#[test]
fn a_send_without_an_answer_is_reported_unknown_and_repeated_with_the_label() {
    let (mut story, _) = Story::granted("hello");
    assert!(matches!(report(&story.end(0, Outcome::Unknown)), Report::Unknown(_)));
    assert_eq!(part(&story.answer(noted())), (0, "hel", true));
}

#[test]
fn a_part_that_never_left_is_tried_again_without_a_label_when_it_is_time() {
    let (mut story, _) = Story::granted("hello");
    assert_eq!(story.end(0, Outcome::NeverLeft { retry_after_ms: Some(3_000) }), []);
    assert_eq!(story.after(2_999), []);
    assert_eq!(part(&story.after(1)), (0, "hell", false));
}

#[test]
fn a_refusal_is_reported_and_ends_the_outbound() {
    let (mut story, _) = Story::granted("hello");
    assert!(matches!(report(&story.end(0, Outcome::Refused { code: "403".into(), text: "blocked".into() })), Report::Refused(_)));
    story.answer(noted());
    assert!(story.outbox.is_empty());
}

#[test]
fn a_receipt_is_repeated_until_it_is_answered_and_nothing_is_sent_meanwhile() {
    let (mut story, _) = Story::granted("hello");
    story.end(0, sent());
    for wait_ms in [500, 1_000, 2_000, 4_000] {
        assert!(matches!(report(&story.after(wait_ms)), Report::Sent(_)));
    }
}

#[test]
fn a_part_never_ends_inside_a_character() {
    let (mut story, effects) = Story::granted("abc\u{1f600}d");
    assert_eq!(part(&effects), (0, "abc", false));
    story.end(0, sent());
    assert_eq!(part(&story.answer(noted())), (3, "\u{1f600}", false));
}

#[test]
fn a_grant_inside_a_character_is_not_believed() {
    let (mut story, _) = Story::offered("\u{1f600}");
    assert_eq!(story.answer(Answer::Granted(Granted { from_byte: 2, maybe_sent: false })), []);
    assert!(matches!(report(&story.after(500)), Report::Taken(_)));
}
