//! What the orchestrator counts.

use std::sync::LazyLock;

use argentum_proto::control::v1::{GetStatusResponse, ServiceState};
use opentelemetry::{KeyValue, global, metrics::Gauge};

static READY: LazyLock<Gauge<u64>> = LazyLock::new(|| {
    global::meter("argentum").u64_gauge("argentum.service.ready").with_description("1 where the service serves, else 0.").build()
});
static RESTARTS: LazyLock<Gauge<u64>> = LazyLock::new(|| {
    global::meter("argentum").u64_gauge("argentum.service.restarts").with_description("Restarts since the bundle began.").build()
});

/// Notes the state of the bundle.
pub(crate) fn note(status: &GetStatusResponse) {
    for service in &status.services {
        let name = [KeyValue::new("service", service.name.clone())];
        READY.record(u64::from(service.state() == ServiceState::Ready), &name);
        RESTARTS.record(service.restarts.into(), &name);
    }
}
