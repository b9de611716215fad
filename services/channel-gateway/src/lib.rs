//! The channel-gateway: platforms in and out. The first platform is the web page.
//!
//! It owns every connection to a platform and all HTTP. [`start`] is its whole surface; see `README.md` for its subjects.

mod actors;
pub mod channel;
pub mod channels;
mod config;
mod door;
mod http;
pub mod outbox;
mod sessions;
mod watching;

use std::{rc::Rc, sync::Arc};

use argentum_bus::{AccountBus, Bus};
use argentum_proto::ids::Gateway;
use argentum_service::{Exit, Failure, Process, Subscribed, leases::Leases};

pub use config::{Channel, Config, Irc, Sasl, Telegram};

use actors::{bundle_state::BundleState, login::Login, progress::Progress};
use door::Door;

/// The account that is the web page.
pub fn web() -> Gateway {
    Gateway::parse("web").expect("`web` is a gateway name")
}

/// Delivers what the router has for an account, by the channel's `sender`.
pub fn deliver(account: AccountBus, sender: Arc<dyn channel::Sender>, process: &Process) -> Subscribed {
    process.supervisor().supervise("outbox", move |alive| actors::outbox::Outbox::new(alive, account.clone(), Arc::clone(&sender)))
}

/// Starts the actors and serves HTTP on the socket that the orchestrator handed over; when it returns, both serve.
pub async fn start(config: Config, bus: Bus, process: Rc<Process>) -> Result<(), Failure> {
    let listener = process.take_http_listener().ok_or_else(|| Failure::new(Exit::Software, "no HTTP socket was handed over"))?;
    let port = listener.local_addr().map_err(|error| Failure::of(Exit::Io, &error))?.port();
    let door = Arc::new(Door::open(process.data_dir())?);
    let unavailable = |error: &dyn std::error::Error| Failure::of(Exit::Unavailable, error);
    let account = bus.account(web()).await.map_err(|error| unavailable(&error))?;
    // Progress may come faster than it is read, and a slow reader loses its whole connection: it gets one of its own.
    let progress_bus = process.connect().await?.account(web()).await.map_err(|error| unavailable(&error))?;
    let (state_writer, state) = tokio::sync::watch::channel(None);
    let (progress, _) = tokio::sync::broadcast::channel(actors::progress::BEHIND_MAX);

    let (watched, pages) = (bus.clone(), progress.clone());
    let supervisor = process.supervisor();
    supervisor.supervise("bundle-state", move |alive| BundleState::new(alive, watched.clone(), state_writer.clone())).wait().await?;
    supervisor.supervise("progress", move |alive| Progress::new(alive, progress_bus.clone(), pages.clone())).wait().await?;
    let (login_bus, login_process, login_door) = (bus.clone(), Rc::clone(&process), Arc::clone(&door));
    let login = move |alive| Login::new(alive, login_bus.clone(), Rc::clone(&login_process), Arc::clone(&login_door));
    supervisor.supervise("login", login).wait().await?;
    channels::start(&config, &bus, &process, Arc::new(Leases::new(bus.clone()))).await?;

    let quiescing = process.quiescing().clone();
    let public_url = process.public_url().cloned();
    http::serve(listener, http::Shared { process_bus: bus, bus: account, state, progress, door, quiescing, port, public_url }, &process)
        .map_err(|error| Failure::of(Exit::Io, &error))
}
