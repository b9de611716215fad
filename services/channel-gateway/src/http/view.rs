//! What a page is told, as JSON.

use argentum_proto::{
    control::v1::{BundleState, GetStatusResponse, ServiceState},
    provider::v1::Model,
};
use serde::Serialize;

/// An event of the page's one WebSocket.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Event {
    /// The state of the bundle, at the beginning and whenever it changes.
    Bundle { state: &'static str, version: String, services: Vec<Service> },
    /// The models that can answer, at the beginning. Absent where nobody told: the router is down.
    Models { models: Option<Vec<ModelName>> },
}

#[derive(Debug, Serialize)]
pub(crate) struct Service {
    name: String,
    state: &'static str,
    pid: u32,
    restarts: u32,
    text: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct ModelName {
    name: String,
    is_default: bool,
}

// === impl Event ===

impl From<&GetStatusResponse> for Event {
    fn from(status: &GetStatusResponse) -> Self {
        let services = status.services.iter().map(|service| Service {
            name: service.name.clone(),
            state: service_state(service.state()),
            pid: service.pid,
            restarts: service.restarts,
            text: service.text.clone(),
        });
        Event::Bundle { state: bundle_state(status.state()), version: status.version.clone(), services: services.collect() }
    }
}

impl From<Model> for ModelName {
    fn from(model: Model) -> Self {
        Self { name: model.name, is_default: model.is_default }
    }
}

fn bundle_state(state: BundleState) -> &'static str {
    match state {
        BundleState::Unspecified => "unknown",
        BundleState::Starting => "starting",
        BundleState::Ready => "ready",
        BundleState::Degraded => "degraded",
        BundleState::Draining => "draining",
        BundleState::Failed => "failed",
    }
}

fn service_state(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Unspecified => "unknown",
        ServiceState::Starting => "starting",
        ServiceState::Ready => "ready",
        ServiceState::Backoff => "backoff",
        ServiceState::Draining => "draining",
        ServiceState::Failed => "failed",
        ServiceState::Stopped => "stopped",
    }
}
