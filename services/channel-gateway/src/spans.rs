//! The spans of a message's way through the gateway: in, and out again.

use argentum_bus::trace;
use argentum_proto::{
    channel::v1::AcceptMessageRequest,
    ids::{Gateway, MessageKey},
};
use tracing::{Span, info_span};

use crate::outbox::Part;

/// A message comes in: the first span of its trace.
pub(crate) fn receive(gateway: &Gateway, request: &AcceptMessageRequest) -> Span {
    let span = info_span!("receive", otel.name = format!("receive {gateway}"), otel.kind = "consumer", argentum.gateway = %gateway);
    match MessageKey::of(gateway, request) {
        Ok(key) if !span.is_disabled() => trace::of_message(span, key.digest()),
        _ => span,
    }
}

/// A part of an answer goes out.
pub(crate) fn send(gateway: &Gateway, part: &Part) -> Span {
    let span = info_span!(
        "send",
        otel.name = format!("send {gateway}"),
        otel.kind = "producer",
        argentum.gateway = %gateway,
        argentum.part.bytes = part.text.len(),
        argentum.part.may_be_sent = part.maybe_sent,
    );
    trace::beneath(span, &part.traceparent)
}
