//! The HTTP server itself: connections with deadlines and a limit, and an end that nobody can hold up.

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::Request, middleware::Next, response::IntoResponse, response::Response};
use hyper::StatusCode;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::error::ApiError;

/// Connections at the same time; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 512;
/// Time for the head of a request, also while a connection is idle between two.
const HEAD_DEADLINE: Duration = Duration::from_secs(15);
/// Time for a request from its head to its answer, its body included.
const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
/// What requests under way are given when the process quiesces.
const DRAIN_DEADLINE: Duration = Duration::from_secs(1);

/// Serves until `quiescing`; then what is under way is given a moment, and the rest is cut.
pub(super) async fn run(listener: TcpListener, router: Router, quiescing: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = quiescing.run_until_cancelled(async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        });
        match accepted.await {
            Some((Ok(place), Ok((stream, _)))) => {
                let serving = serve(stream, router.clone(), &graceful);
                tokio::spawn(async move {
                    serving.await;
                    drop(place);
                });
            }
            Some((_, Err(error))) => {
                // Out of descriptors, mostly: some will be given back.
                warn!(%error, "connection not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Some((Err(_), Ok(_))) | None => break,
        }
    }
    if timeout(DRAIN_DEADLINE, graceful.shutdown()).await.is_err() {
        debug!("connections cut at the end of the drain");
    }
}

fn serve(stream: TcpStream, router: Router, graceful: &GracefulShutdown) -> impl Future<Output = ()> + Send + use<> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(router)).into_owned();
    let watched = graceful.watch(connection);
    async move {
        if let Err(error) = watched.await {
            debug!(%error, "connection ended");
        }
    }
}

/// Gives up a request whose body does not come.
pub(super) async fn deadline(request: Request, next: Next) -> Response {
    match timeout(REQUEST_DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the request did not arrive in time").into_response(),
    }
}
