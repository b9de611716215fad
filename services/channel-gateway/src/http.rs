//! HTTP: the page and what it asks for, and the API of `api`, which has a door of its own.
//!
//! `guard` decides who is let in, `page` serves the files, `session` logs in and out, `conversations`, `models` and `events` are
//! the chat, `metrics` is for whoever watches.

mod api;
mod conversations;
mod error;
mod events;
mod guard;
mod metrics;
mod models;
mod page;
mod server;
mod session;
mod view;

use std::{io, net::TcpListener, sync::Arc};

use argentum_bus::{AccountBus, Bus};
use argentum_proto::{channel::v1::TurnProgressed, control::v1::GetStatusResponse};
use argentum_service::{Process, PublicUrl};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state, map_response},
    routing::{delete, get, post},
};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::{door::Door, key_ring::KeyRing};

/// Largest body: a message of 256 KiB whose every character is escaped, and a little.
const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;

/// What every handler may use.
#[derive(Clone)]
pub(crate) struct Shared {
    /// Speaks for the service.
    pub(crate) process_bus: Bus,
    /// Speaks for the account `web`.
    pub(crate) bus: AccountBus,
    /// The state of the bundle, once it is known.
    pub(crate) state: watch::Receiver<Option<GetStatusResponse>>,
    pub(crate) progress: broadcast::Sender<Arc<TurnProgressed>>,
    pub(crate) door: Arc<Door>,
    /// Lets clients of the API in.
    pub(crate) key_ring: Arc<KeyRing>,
    /// Speaks for the account `web`, too, on a connection that only streams completions.
    pub(crate) completions: AccountBus,
    pub(crate) quiescing: CancellationToken,
    /// Port that we listen on.
    pub(crate) port: u16,
    /// Where browsers reach us from beyond this machine.
    pub(crate) public_url: Option<PublicUrl>,
}

/// Serves on `listener` until the process quiesces; then what is under way ends.
pub(crate) fn serve(listener: TcpListener, shared: Shared, process: &Process) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let quiescing = shared.quiescing.clone();
    let router = routes(shared);
    process.work().spawn(server::run(listener, router, quiescing));
    Ok(())
}

fn routes(shared: Shared) -> Router {
    let behind_the_door = Router::new()
        .route("/session", get(session::is_logged_in).delete(session::log_out))
        .route("/sessions", get(session::list))
        .route("/sessions/{id}", delete(session::revoke))
        .route("/conversations", get(conversations::list))
        .route("/conversations/{id}", get(conversations::get))
        .route("/conversations/{id}/messages", post(conversations::send))
        .route("/conversations/{id}/new", post(conversations::begin_anew))
        .route("/conversations/{id}/stop", post(conversations::stop))
        .route("/models", get(models::list))
        .route("/events", get(events::connect))
        .layer(from_fn_with_state(shared.clone(), guard::session));
    let page_api = Router::new().route("/session", post(session::log_in)).merge(behind_the_door);
    let page = Router::new()
        .route("/", get(page::index))
        .route("/assets/{name}", get(page::asset))
        .route("/metrics", get(metrics::read).layer(from_fn_with_state(shared.clone(), metrics::admit)))
        .nest("/api/v1", page_api)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(server::deadline))
        .layer(from_fn_with_state(shared.clone(), guard::address))
        .layer(from_fn(error::shaped));
    let api = api::routes(&shared);
    page.nest("/v1", api).layer(map_response(page::protect)).with_state(shared)
}
