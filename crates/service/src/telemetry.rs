//! What a process tells of itself: traces, metrics and logs by OTLP where a receiver is configured, and metrics to whoever asks.
//!
//! A receiver that is slow or gone costs nothing but what it would have received: everything waits in bounded queues of threads of
//! their own, and what does not fit is dropped.

mod exporter;

use std::{collections::HashSet, path::PathBuf, sync::mpsc::sync_channel, thread, time::Duration};

use opentelemetry::{Key, KeyValue, global, trace::TracerProvider};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{ExporterBuildError, LogExporter, MetricExporter, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkError,
    logs::{self, BatchLogProcessor, SdkLoggerProvider},
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::{self, BatchSpanProcessor, SdkTracerProvider},
};
use prometheus::{Registry, TextEncoder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tracing::Metadata;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
};

use crate::{
    config::{NOT_AN_ADDRESS, Section, is_plain_url},
    logging,
    outgoing::OutgoingError,
};
use exporter::HttpExporter;

/// How long the end of a process waits for the receiver to take what is left.
const FLUSH_DEADLINE: Duration = Duration::from_secs(1);
/// How long the receiver may take for one request.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long spans and lines wait for others to go with them: what a crash may cost of them.
const EXPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Shortest interval of metrics.
const INTERVAL_MIN: Duration = Duration::from_millis(100);
/// Name of our own instruments.
const SCOPE: &str = "argentum";

/// What is sent to an OpenTelemetry receiver.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// Base address of a receiver of OTLP over HTTP (protobuf), e.g. `http://127.0.0.1:4318`; `/v1/traces`, `/v1/metrics` and `/v1/logs` are
    /// appended. Default: none, and nothing is sent. Spans and metrics hold no text of a message and no secret; log lines are those of standard error.
    pub otlp_endpoint: Option<String>,
    /// PEM file of certificate authorities that the receiver's certificate may be signed by, beside the built-in ones. Default: none.
    pub extra_ca_file: Option<PathBuf>,
    /// How often metrics are sent. Default: 60s; at least 100ms.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub metrics_interval: Duration,
}

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("the receiver `telemetry.otlp_endpoint` cannot be reached the way that is configured")]
    Outgoing(#[from] OutgoingError),
    #[error("`telemetry.otlp_endpoint` is not understood")]
    Exporter(#[from] ExporterBuildError),
    #[error("metrics cannot be collected")]
    Metrics(#[from] OTelSdkError),
}

/// What a process tells of itself, from its start to its end.
pub struct Telemetry {
    metrics: SdkMeterProvider,
    sent: Option<Sent>,
    registry: Registry,
}

/// What goes to the receiver as it happens.
struct Sent {
    traces: SdkTracerProvider,
    logs: SdkLoggerProvider,
}

/// The metrics of this process, for whoever asks. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Registry);

// === impl TelemetryConfig ===

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { otlp_endpoint: None, extra_ca_file: None, metrics_interval: Duration::from_secs(60) }
    }
}

impl Section for TelemetryConfig {
    fn rules(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        if self.otlp_endpoint.as_deref().is_some_and(|url| !is_plain_url(url)) {
            faults.push(("otlp_endpoint".to_owned(), NOT_AN_ADDRESS.to_owned()));
        }
        if self.metrics_interval < INTERVAL_MIN {
            faults.push(("metrics_interval".to_owned(), "must be at least 100ms".to_owned()));
        }
        faults
    }
}

// === impl Telemetry ===

impl Telemetry {
    /// Begins to log to standard error, and to tell what `config` says. `runtime` carries what is sent.
    pub fn start(service: &str, config: &TelemetryConfig, log_filter: &str, runtime: &Handle) -> Result<Self, TelemetryError> {
        let telemetry = Self::new(service, config, runtime);
        let exports = telemetry.as_ref().ok().and_then(|telemetry| telemetry.sent.as_ref()).map(|sent| sent.layers(log_filter));
        // Logged is in any case, also what went wrong here.
        logging::start(log_filter, exports.unwrap_or_default());
        let telemetry = telemetry?;
        global::set_meter_provider(telemetry.metrics.clone());
        Ok(telemetry)
    }

    fn new(service: &str, config: &TelemetryConfig, runtime: &Handle) -> Result<Self, TelemetryError> {
        let resource = resource(service);
        let registry = Registry::new();
        let shown = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .with_resource_selector(HashSet::from([Key::from_static_str("service.name")]))
            .scope_info_enabled(false)
            .without_target_info()
            .build()?;
        let metrics = SdkMeterProvider::builder().with_resource(resource.clone()).with_reader(shown);
        let Some(endpoint) = config.otlp_endpoint.as_deref() else {
            return Ok(Self { metrics: metrics.build(), sent: None, registry });
        };
        let endpoint = endpoint.trim_end_matches('/');
        let client = HttpExporter::new(config.extra_ca_file.as_deref(), EXPORT_TIMEOUT, runtime.clone())?;
        let traces = aimed(SpanExporter::builder().with_http(), &client, format!("{endpoint}/v1/traces")).build()?;
        let log = aimed(LogExporter::builder().with_http(), &client, format!("{endpoint}/v1/logs")).build()?;
        let numbers = aimed(MetricExporter::builder().with_http(), &client, format!("{endpoint}/v1/metrics")).build()?;
        let reader = PeriodicReader::builder(numbers).with_interval(config.metrics_interval).build();
        let spans = trace::BatchConfigBuilder::default().with_scheduled_delay(EXPORT_INTERVAL).build();
        let spans = BatchSpanProcessor::builder(traces).with_batch_config(spans).build();
        let lines = logs::BatchConfigBuilder::default().with_scheduled_delay(EXPORT_INTERVAL).build();
        let lines = BatchLogProcessor::builder(log).with_batch_config(lines).build();
        let sent = Sent {
            traces: SdkTracerProvider::builder().with_resource(resource.clone()).with_span_processor(spans).build(),
            logs: SdkLoggerProvider::builder().with_resource(resource).with_log_processor(lines).build(),
        };
        Ok(Self { metrics: metrics.with_reader(reader).build(), sent: Some(sent), registry })
    }

    /// The metrics of this process.
    pub fn metrics(&self) -> Metrics {
        Metrics(self.registry.clone())
    }

    /// Sends what is left, and waits for that, not for long. Blocks; for the end of a process.
    pub fn end(self) {
        let Some(Sent { traces, logs }) = self.sent else { return };
        let (done, is_done) = sync_channel::<()>(0);
        let flushing = thread::Builder::new().name("argentum-flush".to_owned()).spawn(move || {
            // What a receiver does not take now is lost, as it would be with the next crash.
            let _ = (traces.shutdown(), logs.shutdown(), self.metrics.shutdown());
            drop(done);
        });
        if flushing.is_ok() {
            // Ends when the thread does: nothing is ever said.
            let _ = is_done.recv_timeout(FLUSH_DEADLINE);
        }
    }
}

// === impl Sent ===

impl Sent {
    fn layers(&self, log_filter: &str) -> Vec<logging::Export> {
        let spans = tracing_opentelemetry::layer()
            .with_tracer(self.traces.tracer(SCOPE))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|metadata| metadata.is_span() && is_ours(metadata)));
        let logged = EnvFilter::try_new(log_filter).unwrap_or_else(|_| EnvFilter::new(logging::DEFAULT_FILTER));
        let lines = OpenTelemetryTracingBridge::new(&self.logs)
            .with_filter(logged.and(filter_fn(|metadata| metadata.is_event() && !is_exporting(metadata))));
        vec![Box::new(spans), Box::new(lines)]
    }
}

/// An exporter that sends to `url`.
fn aimed<B: WithHttpConfig + WithExportConfig>(builder: B, client: &HttpExporter, url: String) -> B {
    builder.with_http_client(client.clone()).with_endpoint(url).with_timeout(EXPORT_TIMEOUT)
}

/// Only our own spans: a library's would tell the texts of requests.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("argentum")
}

/// What sending itself leads to is not sent.
fn is_exporting(metadata: &Metadata<'_>) -> bool {
    ["opentelemetry", "hyper", "reqwest", "rustls"].iter().any(|library| metadata.target().starts_with(library))
}

fn resource(service: &str) -> Resource {
    let mut instance = [0; 8];
    // Without randomness instances are merely not told apart.
    let _ = getrandom::fill(&mut instance);
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.namespace", "argentum"),
            KeyValue::new("service.name", service.to_owned()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", data_encoding::HEXLOWER.encode(&instance)),
            KeyValue::new("process.pid", i64::from(std::process::id())),
        ])
        .build()
}

// === impl Metrics ===

impl Metrics {
    /// As text in Prometheus' exposition format 0.0.4; the label `service_name` tells whose they are.
    pub fn text(&self) -> String {
        TextEncoder::new().encode_to_string(&self.0.gather()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::metrics::MeterProvider;

    use super::*;

    #[test]
    fn only_a_plain_address_is_an_endpoint() {
        let config = |endpoint: &str| TelemetryConfig { otlp_endpoint: Some(endpoint.to_owned()), ..TelemetryConfig::default() };
        assert!(config("http://127.0.0.1:4318").rules().is_empty());
        assert_eq!(config("127.0.0.1:4318").rules()[0].0, "otlp_endpoint");
        assert_eq!(TelemetryConfig { metrics_interval: Duration::ZERO, ..TelemetryConfig::default() }.rules()[0].0, "metrics_interval");
    }

    #[test]
    fn metrics_are_told_with_the_name_of_the_service() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let telemetry = Telemetry::new("vault", &TelemetryConfig::default(), runtime.handle()).unwrap();
        telemetry.metrics.meter("test").u64_counter("argentum.tests").build().add(2, &[KeyValue::new("kind", "unit")]);
        let text = telemetry.metrics().text();
        assert!(text.contains("# TYPE argentum_tests_total counter"), "{text}");
        assert!(text.contains("argentum_tests_total{kind=\"unit\",service_name=\"vault\"} 2"), "{text}");
    }
}
