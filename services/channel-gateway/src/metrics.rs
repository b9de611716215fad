//! What the gateway counts.

use std::sync::LazyLock;

use argentum_proto::ids::Gateway;
use opentelemetry::{KeyValue, global, metrics::Counter};

use crate::outbox::Outcome;

static SENDS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("argentum")
        .u64_counter("argentum.sends")
        .with_description("Parts of answers that went to a platform, by outcome.")
        .build()
});

/// Notes how a send ended.
pub(crate) fn sent(gateway: &Gateway, outcome: &Outcome) {
    let outcome = match outcome {
        Outcome::Sent { .. } => "sent",
        Outcome::NeverLeft { .. } => "never_left",
        Outcome::Refused { .. } => "refused",
        Outcome::Unknown => "unknown",
    };
    SENDS.add(1, &[KeyValue::new("gateway", gateway.to_string()), KeyValue::new("outcome", outcome)]);
}
