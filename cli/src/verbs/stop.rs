//! `argentum stop`: ends the running bundle, drained.

use argentum_orchestrator::ControlClient;
use argentum_proto::control::v1::{StopBundleRequest, operator_request::Request, operator_response::Response};
use argentum_service::{Exit, Failure};
use serde_json::json;

use super::control::refused;
use crate::{arguments::Global, output};

pub(crate) async fn run(global: &Global) -> Result<(), Failure> {
    let mut client = ControlClient::connect(&global.data_dir()?).await.map_err(|error| refused(&error))?;
    let response = client.ask(Request::StopBundle(StopBundleRequest {})).await.map_err(|error| refused(&error))?;
    let Response::StopBundle(stop) = response else { return Err(Failure::new(Exit::Software, "the bundle answered something else")) };
    // The connection closes when the orchestrator has ended.
    while client.next().await.map_err(|error| refused(&error))?.is_some() {}
    if global.json {
        output::print_json(&json!({ "stopped": stop.pid }));
    } else {
        output::print(&format!("process {} has ended", stop.pid));
    }
    Ok(())
}
