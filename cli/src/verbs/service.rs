//! `argentum service NAME`: one service, as a child of the orchestrator.

use std::process::ExitCode;

use argentum_service::{Exit, logging, run as run_service};

pub(crate) fn run(name: &str) -> ExitCode {
    match name {
        "channel-gateway" => run_service("channel-gateway", argentum_channel_gateway::start),
        "provider-router" => run_service("provider-router", argentum_provider_router::start),
        "memory" => run_service("memory", argentum_memory::start),
        "vault" => run_service("vault", argentum_vault::start),
        _ => {
            logging::line(&format!("argentum: there is no service `{name}`"));
            logging::flush();
            Exit::Usage.into()
        }
    }
}
