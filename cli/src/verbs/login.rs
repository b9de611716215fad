//! `argentum login`: a link that logs one browser in.

use std::path::Path;

use argentum_orchestrator::ControlClient;
use argentum_proto::control::v1::{LogInRequest, LogInResponse, operator_request::Request, operator_response::Response};
use argentum_service::{Exit, Failure};
use serde_json::json;

use super::refused;
use crate::{arguments::Global, output};

pub(crate) async fn run(global: &Global) -> Result<(), Failure> {
    let LogInResponse { link, valid_for_ms } = link(&global.data_dir()?).await?;
    if global.json {
        output::print_json(&json!({ "link": link, "valid_for_ms": valid_for_ms }));
    } else {
        output::print(&link);
    }
    Ok(())
}

/// Asks the bundle that runs on `data_dir`.
pub(super) async fn link(data_dir: &Path) -> Result<LogInResponse, Failure> {
    let mut client = ControlClient::connect(data_dir).await.map_err(|error| refused(&error))?;
    match client.ask(Request::LogIn(LogInRequest {})).await.map_err(|error| refused(&error))? {
        Response::LogIn(issued) => Ok(issued),
        _ => Err(Failure::new(Exit::Software, "the bundle answered something else")),
    }
}
