//! `argentum reload`: the configuration read anew.

use std::{path::Path, time::Duration};

use argentum_orchestrator::{ControlClient, ControlError};
use argentum_proto::control::v1::{
    BundleState, GetStatusRequest, ReloadConfigRequest, ReloadConfigResponse, ServiceState, operator_request::Request,
};
use argentum_service::{Exit, Failure};
use serde_json::json;

use super::control::{self, answer, refused};
use crate::{arguments::Global, output};

/// How long a service may take to end and to start again.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) async fn run(global: &Global) -> Result<(), Failure> {
    let data_dir = global.data_dir()?;
    let reloaded = control::ask(&data_dir, Request::ReloadConfig(ReloadConfigRequest {}), answer!(ReloadConfig)).await?;
    wait(&data_dir, &reloaded.restarting).await?;
    if global.json {
        output::print_json(&json!({ "restarted": reloaded.restarting, "needs_start": reloaded.needs_start }));
        return Ok(());
    }
    match reloaded.restarting.as_slice() {
        [] => output::print("no service's configuration changed"),
        services => output::print(&format!("started again: {}", services.join(", "))),
    }
    tell_needs_start(&reloaded);
    Ok(())
}

/// Lets a configuration that a verb has just written hold. `false` where no bundle runs: then it holds from the next start on.
pub(super) async fn apply(global: &Global) -> Result<bool, Failure> {
    let data_dir = global.data_dir()?;
    match ControlClient::connect(&data_dir).await {
        Err(ControlError::NotRunning { .. }) => return Ok(false),
        Err(error) => return Err(refused(&error)),
        Ok(_) => {}
    }
    let reloaded = control::ask(&data_dir, Request::ReloadConfig(ReloadConfigRequest {}), answer!(ReloadConfig)).await?;
    wait(&data_dir, &reloaded.restarting).await?;
    Ok(true)
}

fn tell_needs_start(reloaded: &ReloadConfigResponse) {
    if reloaded.needs_start {
        output::print("`bus`, `http` or `log` changed: that holds from the next start of the bundle on");
    }
}

/// Waits until `services` serve again.
async fn wait(data_dir: &Path, services: &[String]) -> Result<(), Failure> {
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let status = control::ask(data_dir, Request::GetStatus(GetStatusRequest {}), answer!(GetStatus)).await?;
        let is_awaited = |name: &String| services.contains(name);
        let waiting = status.services.iter().filter(|service| is_awaited(&service.name) && service.state() != ServiceState::Ready);
        let names: Vec<&str> = waiting.map(|service| service.name.as_str()).collect();
        if names.is_empty() {
            return Ok(());
        }
        if end < tokio::time::Instant::now() || status.state() == BundleState::Failed {
            let text = format!("{} did not start again; `argentum logs` tells why", names.join(", "));
            return Err(Failure::new(Exit::Unavailable, text));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
