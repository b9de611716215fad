//! The HTTP server itself: connections with deadlines and a limit, and an end that nobody can hold up.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{Router, extract::Request, middleware::Next, response::IntoResponse, response::Response};
use hyper::{StatusCode, server::conn::http1::Builder};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
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
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = quiescing.run_until_cancelled(async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        });
        match accepted.await {
            Some((Ok(place), Ok((stream, _)))) => {
                let serving = serve(stream, router.clone(), quiescing.clone());
                connections.spawn(async move {
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
    connections.close();
    connections.wait().await;
}

async fn serve(stream: TcpStream, router: Router, quiescing: CancellationToken) {
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => Ok(ended),
        () = quiescing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(DRAIN_DEADLINE, connection).await
        }
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "connection ended"),
        Err(_) => debug!("connection cut at the end of the drain"),
    }
}

/// Gives up a request whose body does not come.
pub(super) async fn deadline(request: Request, next: Next) -> Response {
    match timeout(REQUEST_DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the request did not arrive in time").into_response(),
    }
}
