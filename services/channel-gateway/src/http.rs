//! HTTP: the page and what it asks for.

mod events;
mod page;
mod view;

use std::{io, net::TcpListener};

use argentum_bus::Bus;
use argentum_proto::control::v1::GetStatusResponse;
use argentum_service::Process;
use axum::{Router, routing::get};
use tokio::sync::watch;
use tracing::error;

/// What every handler may use.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) bus: Bus,
    /// The state of the bundle, once it is known.
    pub(crate) state: watch::Receiver<Option<GetStatusResponse>>,
}

/// Serves on `listener` until the process quiesces; then what is under way ends.
pub(crate) fn serve(listener: TcpListener, shared: Shared, process: &Process) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let quiescing = process.quiescing().clone();
    let router = Router::new()
        .route("/", get(page::index))
        .route("/assets/{name}", get(page::asset))
        .route("/api/v1/events", get(events::connect))
        .layer(axum::middleware::map_response(page::protect))
        .with_state((shared, quiescing.clone()));
    process.work().spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(quiescing.cancelled_owned()).await;
        if let Err(error) = served {
            error!(%error, "HTTP ended");
        }
    });
    Ok(())
}
