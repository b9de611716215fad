//! The channel-gateway: platforms in and out. The first platform is the web page.
//!
//! It owns every connection to a platform and all HTTP. [`start`] is its whole surface; see `README.md` for its subjects.

mod actors;
mod config;
mod http;

use std::rc::Rc;

use argentum_bus::Bus;
use argentum_proto::ids::Gateway;
use argentum_service::{Exit, Failure, Process};

pub use config::Config;

use actors::bundle_state::BundleState;

/// The account that is the web page.
pub fn web() -> Gateway {
    Gateway::parse("web").expect("`web` is a gateway name")
}

/// Starts the actors and serves HTTP on the socket that the orchestrator handed over; when it returns, both serve.
pub async fn start(_config: Config, bus: Bus, process: Rc<Process>) -> Result<(), Failure> {
    let listener = process.take_http_listener().ok_or_else(|| Failure::new(Exit::Software, "no HTTP socket was handed over"))?;
    let (state_writer, state) = tokio::sync::watch::channel(None);
    let watched = bus.clone();
    let subscribed =
        process.supervisor().supervise("bundle-state", move |alive| BundleState::new(alive, watched.clone(), state_writer.clone()));
    subscribed.wait().await?;
    http::serve(listener, http::Shared { bus, state }, &process).map_err(|error| Failure::of(Exit::Io, &error))
}
