//! How long requests take, seen from both ends (OpenTelemetry semantic conventions 1.44, messaging).

use std::{sync::LazyLock, time::Instant};

use opentelemetry::{KeyValue, global, metrics::Histogram};

use crate::fault::Fault;

/// In seconds: those that the conventions advise, and finer ones, since most of ours take less.
const BOUNDARIES: [f64; 17] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

static ASKED: LazyLock<Histogram<f64>> =
    LazyLock::new(|| histogram("messaging.client.operation.duration", "Time until a request is answered."));
static SERVED: LazyLock<Histogram<f64>> = LazyLock::new(|| histogram("messaging.process.duration", "Time in which a request is served."));

/// Notes a request of ours that was asked at `since`.
pub(crate) fn asked<R>(area: &[&str], since: Instant, result: &Result<R, Fault>) {
    note(&ASKED, area, since, result);
}

/// Notes a request that we began to serve at `since`.
pub(crate) fn served<R>(area: &[&str], since: Instant, result: &Result<R, Fault>) {
    note(&SERVED, area, since, result);
}

fn note<R>(histogram: &Histogram<f64>, area: &[&str], since: Instant, result: &Result<R, Fault>) {
    let destination = KeyValue::new("messaging.destination.template", area.join("."));
    let seconds = since.elapsed().as_secs_f64();
    match result {
        Ok(_) => histogram.record(seconds, &[destination]),
        Err(fault) => histogram.record(seconds, &[destination, KeyValue::new("error.type", fault.code.name())]),
    }
}

fn histogram(name: &'static str, description: &'static str) -> Histogram<f64> {
    let meter = global::meter("argentum");
    meter.f64_histogram(name).with_unit("s").with_description(description).with_boundaries(BOUNDARIES.to_vec()).build()
}
