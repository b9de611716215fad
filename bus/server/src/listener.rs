//! Accepting connections.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tracing::{error, warn};

use crate::connection;
use crate::router::Router;

/// A failing accept (out of file descriptors) is tried again after this long, doubling up to the longest.
const RETRY_MIN: Duration = Duration::from_millis(10);
const RETRY_MAX: Duration = Duration::from_secs(1);

/// Accepts until the router stops listening; the socket is closed on return.
pub(crate) async fn listen(listener: TcpListener, router: Arc<Router>) {
    let mut retry = RETRY_MIN;
    loop {
        let accepted = tokio::select! {
            biased;
            () = router.listening.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                retry = RETRY_MIN;
                // A connection that fails right here is gone already.
                let _ = take(stream, &router);
            }
            Err(error) => {
                error!(%error, "accept failed");
                sleep(retry).await;
                retry = (retry * 2).min(RETRY_MAX);
            }
        }
    }
}

fn take(stream: TcpStream, router: &Arc<Router>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let address = stream.peer_addr()?;
    match router.register(address) {
        Some(client) => drop(router.tasks.spawn(connection::serve(stream, router.clone(), client))),
        None => {
            warn!(%address, "maximum connections exceeded");
            stream.try_write(b"-ERR 'maximum connections exceeded'\r\n")?;
        }
    }
    Ok(())
}
