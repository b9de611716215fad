//! `argentum status`: the state of the bundle and of each service.

use argentum_orchestrator::ControlClient;
use argentum_proto::control::v1::{
    BundleState, GetStatusRequest, GetStatusResponse, ServiceState, ServiceStatus, operator_request::Request, operator_response::Response,
};
use argentum_service::{Exit, Failure, health};
use serde::Serialize;

use super::control::refused;
use crate::{
    arguments::{self, Global},
    output,
};

/// `status --json`. Fields may be added, never removed or renamed.
#[derive(Debug, Serialize)]
struct Status {
    /// `starting`, `ready`, `degraded`, `draining` or `failed`.
    state: String,
    pid: u32,
    version: String,
    uptime_ms: u64,
    /// Where browsers find the page and the API.
    http: String,
    /// Address and port on which they are served.
    http_address: String,
    bus: String,
    services: Vec<Service>,
}

#[derive(Debug, Serialize)]
struct Service {
    name: String,
    /// 0 = no process.
    pid: u32,
    /// `starting`, `ready`, `backoff`, `draining`, `failed` or `stopped`.
    state: String,
    restarts: u32,
    health: Vec<String>,
    text: String,
}

pub(crate) async fn run(global: &Global, arguments: &arguments::Status) -> Result<(), Failure> {
    let mut client = ControlClient::connect(&global.data_dir()?).await.map_err(|error| refused(&error))?;
    let response = client.ask(Request::GetStatus(GetStatusRequest {})).await.map_err(|error| refused(&error))?;
    let Response::GetStatus(status) = response else { return Err(Failure::new(Exit::Software, "the bundle answered something else")) };
    let status = Status::from(status);
    if global.json {
        output::print_json(&status);
    } else {
        print_table(&status);
    }
    if arguments.ready && status.state != "ready" {
        return Err(Failure::new(Exit::Unavailable, format!("the bundle is {}, not ready", status.state)));
    }
    Ok(())
}

fn print_table(status: &Status) {
    output::print(&format!("{} · process {} · version {} · {}", status.state, status.pid, status.version, status.http));
    for Service { name, pid, state, restarts, health: codes, text } in &status.services {
        let pid = if *pid == 0 { "-".to_owned() } else { pid.to_string() };
        output::print(format!("{name:<18} {state:<10} {pid:>8}  restarts {restarts:<4} {text}").trim_end());
        for code in codes {
            output::print(&format!("  {code}: {}", health::meaning(code)));
        }
    }
}

/// The last word of a protobuf enum name, as it stands in JSON.
fn word(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_ascii_lowercase()
}

// === impl Status ===

impl From<GetStatusResponse> for Status {
    fn from(status: GetStatusResponse) -> Self {
        let state: BundleState = status.state();
        Self {
            state: word(state.as_str_name(), "BUNDLE_STATE_"),
            pid: status.pid,
            version: status.version,
            uptime_ms: status.uptime_ms,
            http: status.http_url,
            http_address: status.http_address,
            bus: status.bus_address,
            services: status.services.into_iter().map(Service::from).collect(),
        }
    }
}

impl From<ServiceStatus> for Service {
    fn from(service: ServiceStatus) -> Self {
        let state: ServiceState = service.state();
        Self {
            state: word(state.as_str_name(), "SERVICE_STATE_"),
            name: service.name,
            pid: service.pid,
            restarts: service.restarts,
            health: service.health,
            text: service.text,
        }
    }
}
