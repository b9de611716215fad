//! The channel-gateway: platforms in and out. The first platform is the web page.
//!
//! It owns every connection to a platform and all HTTP. [`start`] is its whole surface; see `README.md` for its subjects.

mod actors;
mod api_keys;
pub mod channel;
pub mod channels;
mod config;
mod door;
mod http;
mod key_ring;
mod links;
mod metrics;
pub mod outbox;
mod sessions;
mod spans;
mod watching;

use std::{rc::Rc, sync::Arc};

use argentum_bus::Bus;
use argentum_proto::ids::Gateway;
use argentum_service::{Exit, Failure, Process, leases::Leases};

pub use channels::deliver;
pub use config::{Channel, Config, Irc, Sasl, Telegram};

use actors::{api_keys::ApiKeys, bundle_state::BundleState, login::Login, progress::Progress};
use door::Door;
use key_ring::KeyRing;
use links::Links;

/// The account that is the web page.
pub fn web() -> Gateway {
    Gateway::parse("web").expect("`web` is a gateway name")
}

/// Starts the actors and serves HTTP on the socket that the orchestrator handed over; when it returns, both serve.
pub async fn start(config: Config, bus: Bus, process: Rc<Process>) -> Result<(), Failure> {
    let listener = process.take_http_listener().ok_or_else(|| Failure::new(Exit::Software, "no HTTP socket was handed over"))?;
    let io = |error: &dyn std::error::Error| Failure::of(Exit::Io, error);
    let port = listener.local_addr().map_err(|error| io(&error))?.port();
    let (door, key_ring) = (Arc::new(Door::open(process.data_dir())?), Arc::new(KeyRing::open(process.data_dir())?));
    let Links { requests: account, progress: progress_bus, completions } = Links::open(&bus, &process).await?;
    let (state_writer, state) = tokio::sync::watch::channel(None);
    let (progress, _) = tokio::sync::broadcast::channel(actors::progress::BEHIND_MAX);

    let (watched, pages) = (bus.clone(), progress.clone());
    let supervisor = process.supervisor();
    supervisor.supervise("bundle-state", move |alive| BundleState::new(alive, watched.clone(), state_writer.clone())).wait().await?;
    supervisor.supervise("progress", move |alive| Progress::new(alive, progress_bus.clone(), pages.clone())).wait().await?;
    Login::supervise(&bus, &process, &door).wait().await?;
    ApiKeys::supervise(&bus, &process, &key_ring).wait().await?;
    channels::start(&config, &bus, &process, Arc::new(Leases::new(bus.clone()))).await?;

    let (quiescing, public_url) = (process.quiescing().clone(), process.public_url().cloned());
    let shared = http::Shared { process_bus: bus, bus: account, state, progress, door, key_ring, completions, quiescing, port, public_url };
    http::serve(listener, shared, &process).map_err(|error| io(&error))
}
