//! One message, one trace: W3C Trace Context on the bus.
//!
//! A trace is named after the message that it follows: its id is the digest of the message's key. So whoever meets the message, in
//! whatever process, before or after a crash, names the same trace, and a message that a platform brings twice has one. What lies
//! above its first span is the message itself, at the platform: a span that nobody sends.
//!
//! Nothing is traced, and nothing travels, in a process without the layer of `tracing-opentelemetry`.

use argentum_proto::ids::KeyDigest;
use async_nats::HeaderMap;
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Header of a request that is part of a trace (W3C Trace Context, section 3.2).
const HEADER: &str = "traceparent";

/// `span` beneath the message that it is the first to follow.
pub fn of_message(span: Span, message: KeyDigest) -> Span {
    let id = u128::from_be_bytes(*message.as_bytes());
    // The low half names the message itself.
    let above = u64::try_from(id & u128::from(u64::MAX)).unwrap_or_default();
    set_parent(&span, SpanContext::new(TraceId::from(id), SpanId::from(above), TraceFlags::SAMPLED, true, TraceState::default()));
    span
}

/// `span` beneath the span that `traceparent` names; on its own where that is empty or not understood.
pub fn beneath(span: Span, traceparent: &str) -> Span {
    if let Some(above) = parse(traceparent) {
        set_parent(&span, above);
    }
    span
}

/// The current span, as others name it; empty where nothing is traced.
pub fn current() -> String {
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    if span.is_valid() { format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags().to_u8()) } else { String::new() }
}

/// What a request bears beside its body: the current span, if any.
pub(crate) fn headers() -> Option<HeaderMap> {
    let traceparent = current();
    (!traceparent.is_empty()).then(|| {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, traceparent);
        headers
    })
}

/// What a request came with; empty where it is part of no trace.
pub(crate) fn received(headers: Option<&HeaderMap>) -> &str {
    headers.and_then(|headers| headers.get(HEADER)).map(async_nats::HeaderValue::as_str).unwrap_or_default()
}

fn set_parent(span: &Span, above: SpanContext) {
    if !span.is_disabled() {
        // Fails only where nothing is traced.
        let _ = span.set_parent(Context::new().with_remote_span_context(above));
    }
}

/// `version-traceid-parentid-flags`, in lower-case hexadecimal; a later version may have more fields.
fn parse(traceparent: &str) -> Option<SpanContext> {
    let mut fields = traceparent.split('-');
    let (version, trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let is_hex = |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !(is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2)) || version == "ff" {
        return None;
    }
    if version == "00" && fields.next().is_some() {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()? & TraceFlags::SAMPLED.to_u8());
    let context = SpanContext::new(TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?, flags, true, TraceState::default());
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_recommendation_is_understood() {
        let context = parse(EXAMPLE).unwrap();
        assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.span_id().to_string(), "00f067aa0ba902b7");
        assert!(context.is_sampled() && context.is_remote());
    }

    #[test]
    fn what_is_no_trace_context_is_left_alone() {
        let mut broken =
            vec![String::new(), "00".into(), EXAMPLE.to_uppercase(), EXAMPLE.replacen("00-", "ff-", 1), format!("{EXAMPLE}-00")];
        broken.push(format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)));
        broken.push(format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", "0".repeat(16)));
        for text in broken {
            assert!(parse(&text).is_none(), "{text}");
        }
        assert!(parse(&EXAMPLE.replacen("00-", "cc-", 1).replace("-01", "-01-more")).is_some(), "a later version");
    }

    #[test]
    fn nothing_is_named_where_nothing_is_traced() {
        assert_eq!(current(), "");
        assert!(headers().is_none());
    }
}
