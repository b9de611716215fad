//! `argentum service NAME`: one service, as a child of the orchestrator.

use std::process::ExitCode;

use argentum_service::{Exit, run as run_service};

pub(crate) fn run(name: &str) -> ExitCode {
    match name {
        "channel-gateway" => run_service("channel-gateway", argentum_channel_gateway::start),
        "provider-router" => run_service("provider-router", argentum_provider_router::start),
        _ => {
            eprintln!("argentum: there is no service `{name}`");
            Exit::Usage.into()
        }
    }
}
