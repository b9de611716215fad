//! `argentum up`: the bundle in the foreground.

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
};

use argentum_orchestrator::{UpOptions, up};
use argentum_proto::{control::v1::GetStatusResponse, ids::Gateway};
use argentum_service::{Exit, Failure, config::Section};

use super::login;
use crate::{
    arguments::{Global, Up},
    config::File,
    output,
};

pub(crate) fn run(global: &Global, arguments: &Up) -> Result<(), Failure> {
    let mut file = File::read(global)?;
    file.http.listen = arguments.listen.unwrap_or(file.http.listen);
    file.bus.listen = arguments.bus_listen.unwrap_or(file.bus.listen);
    // What the command line sets is held to the same rules.
    let faults: Vec<String> = file.rules().into_iter().map(|(key, text)| format!("`{key}`: {text}")).collect();
    if !faults.is_empty() {
        return Err(Failure::new(Exit::Config, faults.join("\n")));
    }
    let config = file.orchestrator();
    let data_dir = global.data_dir()?;
    let told = data_dir.clone();
    up(UpOptions {
        data_dir,
        config,
        accounts: accounts(),
        section_of: Box::new(move |service| file.section_of(service)),
        on_ready: Box::new(move |status| welcome(status, told)),
    })
}

/// The accounts that the gateway runs; the page is always one of them.
pub(crate) fn accounts() -> Vec<Gateway> {
    vec![argentum_channel_gateway::web()]
}

/// Says where everything is, once it is there: the link itself only to a terminal, since what else reads this may keep it.
fn welcome(status: &GetStatusResponse, data_dir: PathBuf) {
    output::print(&format!("argentum {} is ready: {}", status.version, status.http_url));
    if !io::stdout().is_terminal() {
        return output::print("`argentum login` prints a link to log in with");
    }
    tokio::spawn(async move {
        match login::link(&data_dir).await {
            Ok(issued) => output::print(&format!("log in within ten minutes: {}\nPress Ctrl-C to end it.", issued.link)),
            Err(failure) => output::print(&format!("no login link: {}; try `argentum login`", failure.text)),
        }
    });
}
