//! `argentum restart NAME`: ends one service, drained, and starts it again.

use argentum_orchestrator::ControlClient;
use argentum_proto::control::v1::{RestartServiceRequest, operator_request::Request};
use argentum_service::Failure;
use serde_json::json;

use super::control::refused;
use crate::{arguments::Global, output};

pub(crate) async fn run(global: &Global, service: String) -> Result<(), Failure> {
    let mut client = ControlClient::connect(&global.data_dir()?).await.map_err(|error| refused(&error))?;
    let request = RestartServiceRequest { service: service.clone() };
    client.ask(Request::RestartService(request)).await.map_err(|error| refused(&error))?;
    if global.json {
        output::print_json(&json!({ "restarting": service }));
    } else {
        output::print(&format!("{service} ends and starts again; `argentum status` tells when it is ready"));
    }
    Ok(())
}
