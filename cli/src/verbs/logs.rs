//! `argentum logs`: what the services wrote.

use argentum_orchestrator::ControlClient;
use argentum_proto::control::v1::{LogLine, ReadLogsRequest, operator_request::Request, operator_response::Response};
use argentum_service::{Failure, logging::printable};
use serde_json::json;

use super::control::refused;
use crate::{
    arguments::{Global, Logs},
    output,
};

pub(crate) async fn run(global: &Global, logs: Logs) -> Result<(), Failure> {
    let mut client = ControlClient::connect(&global.data_dir()?).await.map_err(|error| refused(&error))?;
    let request = ReadLogsRequest { service: logs.service.unwrap_or_default(), lines_max: logs.lines, follow: logs.follow };
    let mut response = client.ask_stream(Request::ReadLogs(request)).await.map_err(|error| refused(&error))?;
    while let Some(Response::ReadLogs(read)) = response {
        read.lines.iter().for_each(|line| print(line, global.json));
        response = client.next().await.map_err(|error| refused(&error))?;
    }
    Ok(())
}

fn print(LogLine { service, text }: &LogLine, is_json: bool) {
    if is_json {
        output::print_json(&json!({ "service": service, "text": text }));
    } else {
        output::print(&printable(&format!("{service}: {text}")));
    }
}
