//! `argentum login`: a link that logs one browser in.

use std::path::Path;

use argentum_proto::control::v1::{LogInRequest, LogInResponse, operator_request::Request};
use argentum_service::Failure;
use serde_json::json;

use super::control::{self, answer};
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
    control::ask(data_dir, Request::LogIn(LogInRequest {}), answer!(LogIn)).await
}
