//! The router: the real core and its driver, brought to where an answer is to be delivered.

use argentum_proto::{
    channel::v1::{AcceptMessageRequest, Question, Sender, accept_message_request::Content},
    ids::{Gateway, Incarnation, OutboundId, TurnId},
    provider::v1::Settlement,
};
use argentum_provider_router::core::{
    Config, Input, Limits, Origin, Price, RequestId, Rule, VendorEvent,
    explore::{DriverRule, Router},
};
use ulid::Ulid;

use crate::platform::TEXT;

pub(crate) fn account() -> Gateway {
    Gateway::parse("chat").unwrap()
}

fn turn() -> TurnId {
    TurnId::new(Ulid(1))
}

pub(crate) fn outbound() -> OutboundId {
    turn().into()
}

pub(crate) fn incarnation(name: u8) -> Incarnation {
    Incarnation::parse(name.to_string()).unwrap()
}

/// It repeats itself every millisecond, and nothing else is ever due.
fn limits() -> Limits {
    Limits { publish_min_ms: 1, publish_max_ms: 1, delivery_deadline_ms: u64::MAX, housekeeping_ms: u64::MAX, ..Limits::default() }
}

/// A router that has an answer for the gateway, whose first incarnation said hello.
pub(crate) fn with_answer(left_out: Option<Rule>, left_out_by_driver: Option<DriverRule>) -> Router {
    let config = Config { left_out, limits: limits(), ..Config::new("", Price::default()) };
    let mut router = Router::new(config, left_out_by_driver);
    let request = AcceptMessageRequest {
        platform_conversation_id: "c".into(),
        platform_message_id: "1".into(),
        sender: Some(Sender { platform_id: "ada".into(), display_name: String::new() }),
        platform_time_ms: 1,
        content: Some(Content::Question(Question { text: "why?".into(), ..Question::default() })),
        ..AcceptMessageRequest::default()
    };
    let origin = Origin { request: RequestId(0), gateway: account(), turn: turn(), traceparent: String::new() };
    let inbound = Input::inbound(origin, request).unwrap();
    let hello = Input::Hello { gateway: account(), incarnation: incarnation(1) };
    let vendor = |event| Input::Vendor { turn: turn(), attempt: 1, event };
    let delta = vendor(VendorEvent::Delta(TEXT.into()));
    let completed = vendor(VendorEvent::Completed(Settlement::default()));
    for input in [inbound, hello, Input::RecallFailed { turn: turn() }, delta, completed, Input::Remembered { turn: turn() }] {
        router.handle(input);
    }
    router.sync();
    router
}
