//! `argentum up`: the bundle in the foreground.

use std::io::{self, IsTerminal};

use argentum_orchestrator::{UpOptions, up};
use argentum_proto::{control::v1::GetStatusResponse, ids::Gateway};
use argentum_service::Failure;

use crate::{
    arguments::{Global, Up},
    config::File,
    output,
};

pub(crate) fn run(global: &Global, arguments: &Up) -> Result<(), Failure> {
    let mut file = File::read(global)?;
    file.http.listen = arguments.listen.unwrap_or(file.http.listen);
    file.bus.listen = arguments.bus_listen.unwrap_or(file.bus.listen);
    let config = file.orchestrator();
    up(UpOptions {
        data_dir: global.data_dir()?,
        config,
        accounts: accounts(),
        section_of: Box::new(move |service| file.section_of(service)),
        on_ready: Box::new(welcome),
    })
}

/// The accounts that the gateway runs; the page is always one of them.
pub(crate) fn accounts() -> Vec<Gateway> {
    vec![argentum_channel_gateway::web()]
}

/// Says where everything is, once it is there.
fn welcome(status: &GetStatusResponse) {
    output::print(&format!("argentum {} is ready: {}", status.version, status.http_url));
    if io::stdout().is_terminal() {
        output::print("Press Ctrl-C to end it.");
    }
}
