//! What the router counts. Names of OpenTelemetry's conventions for generative AI where there is one; this is their one table.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use argentum_proto::{
    channel::v1::{AcceptMessageResponse, accept_message_response::Answer, report_delivery_request::Report},
    provider::v1::Settlement,
};
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram, Meter},
};

/// In seconds, as the conventions advise.
const SECONDS: [f64; 14] = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/// In tokens, as the conventions advise.
const TOKENS: [f64; 14] =
    [1.0, 4.0, 16.0, 64.0, 256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0, 67_108_864.0];
/// In seconds: a disk syncs in less than a vendor answers.
const SYNC_SECONDS: [f64; 12] = [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];

static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics::new(&global::meter("argentum")));

struct Metrics {
    messages: Counter<u64>,
    deliveries: Counter<u64>,
    sync: Histogram<f64>,
    operation: Histogram<f64>,
    first_chunk: Histogram<f64>,
    tokens: Histogram<u64>,
}

/// One answer of a model, from the question to its end.
pub(crate) struct Operation {
    began: Instant,
    is_first_due: bool,
    model: Vec<KeyValue>,
}

/// Notes what a gateway was told about a message.
pub(crate) fn message_answered(response: &AcceptMessageResponse) {
    let answer = match response.answer {
        Some(Answer::Accepted(_)) => "accepted",
        Some(Answer::AlreadyAccepted(_)) => "already_accepted",
        Some(Answer::Rejected(_)) => "rejected",
        Some(Answer::RetryAfter(_)) | None => "retry_after",
    };
    METRICS.messages.add(1, &[KeyValue::new("answer", answer)]);
}

/// Notes what a gateway tells of an answer on its way out.
pub(crate) fn delivery_reported(report: Option<&Report>) {
    let report = match report {
        Some(Report::Taken(_)) => "taken",
        Some(Report::Sent(_)) => "sent",
        Some(Report::Refused(_)) => "refused",
        Some(Report::Unknown(_)) => "unknown",
        None => return,
    };
    METRICS.deliveries.add(1, &[KeyValue::new("report", report)]);
}

/// Notes how long the journal's disk took to sync.
pub(crate) fn synced(took: Duration) {
    METRICS.sync.record(took.as_secs_f64(), &[]);
}

// === impl Metrics ===

impl Metrics {
    fn new(meter: &Meter) -> Self {
        let seconds = |name: &'static str, text: &'static str, boundaries: &[f64]| {
            meter.f64_histogram(name).with_unit("s").with_description(text).with_boundaries(boundaries.to_vec()).build()
        };
        Self {
            messages: meter
                .u64_counter("argentum.messages")
                .with_description("Messages that a gateway brought, by the answer to it.")
                .build(),
            deliveries: meter.u64_counter("argentum.deliveries").with_description("Reports about answers on their way out.").build(),
            sync: seconds("argentum.journal.sync.duration", "Time of one sync of the turn journal.", &SYNC_SECONDS),
            operation: seconds("gen_ai.client.operation.duration", "Time until a model's answer has ended.", &SECONDS),
            first_chunk: seconds("gen_ai.client.operation.time_to_first_chunk", "Time until a model says its first word.", &SECONDS),
            tokens: meter
                .u64_histogram("gen_ai.client.token.usage")
                .with_unit("{token}")
                .with_description("Tokens of one answer, as the vendor counts them.")
                .with_boundaries(TOKENS.to_vec())
                .build(),
        }
    }
}

// === impl Operation ===

impl Operation {
    /// A question. Its model has no name here until a vendor takes it: what a client of `/v1` writes there may be anything.
    pub(crate) fn begin() -> Self {
        Self { began: Instant::now(), is_first_due: true, model: vec![KeyValue::new("gen_ai.operation.name", "chat")] }
    }

    /// A vendor takes it.
    pub(crate) fn taken(&mut self, provider: &str, model: &str) {
        self.model.push(KeyValue::new("gen_ai.provider.name", provider.to_owned()));
        self.model.push(KeyValue::new("gen_ai.request.model", model.to_owned()));
    }

    /// Something of the answer is there.
    pub(crate) fn said(&mut self) {
        if std::mem::take(&mut self.is_first_due) {
            METRICS.first_chunk.record(self.began.elapsed().as_secs_f64(), &self.model);
        }
    }

    /// It has ended: with what it costs, where that is known, or with the code of a failure.
    pub(crate) fn ended(self, outcome: Result<Option<&Settlement>, &'static str>) {
        let Self { began, mut model, .. } = self;
        match outcome {
            Ok(None) => {}
            Ok(Some(settlement)) => {
                for (kind, count) in [("input", settlement.input_tokens), ("output", settlement.output_tokens)] {
                    let mut attributes = model.clone();
                    attributes.push(KeyValue::new("gen_ai.token.type", kind));
                    METRICS.tokens.record(count, &attributes);
                }
            }
            Err(code) => model.push(KeyValue::new("error.type", code)),
        }
        METRICS.operation.record(began.elapsed().as_secs_f64(), &model);
    }
}
