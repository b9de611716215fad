//! A running server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use nkeys::KeyPair;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tracing::info;

use crate::client::Ending;
use crate::error::StartError;
use crate::listener;
use crate::options::Options;
use crate::router::Router;
use crate::statistics::{ConnectionInfo, Statistics};
use crate::users::{User, Users};

/// Between two closes of a lame duck at most this long, so that few clients do not draw it out.
const LAME_DUCK_STEP_MAX: Duration = Duration::from_secs(1);

/// A NATS server on the current tokio runtime. Dropping it stops it without waiting.
pub struct Server {
    router: Arc<Router>,
}

/// How a server says goodbye.
#[derive(Clone, Copy, Debug)]
pub struct LameDuck {
    /// Wait before the first connection is closed, so that clients can move in their own time. Default: 10 s.
    pub grace_period: Duration,
    /// The whole farewell, grace period included, over which the closes are spread. Default: 2 min.
    pub duration: Duration,
}

// === impl Server ===

impl Server {
    /// Binds the address and serves.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        Self::start_with(options, []).await
    }

    /// As [`Server::start`], with users who can connect from the first moment on.
    pub async fn start_with(options: Options, users: impl IntoIterator<Item = User>) -> Result<Self, StartError> {
        if options.anonymous_user.is_some() && !options.auth_required {
            return Err(StartError::AnonymousWithoutAuth);
        }
        let bind_error = |source| StartError::Bind { address: options.address, source };
        let listener = TcpListener::bind(options.address).await.map_err(bind_error)?;
        let address = listener.local_addr().map_err(bind_error)?;
        let router = Arc::new(Router::new(options, KeyPair::new_server().public_key()));
        router.set_address(address);
        users.into_iter().for_each(|user| router.users.insert(user));
        router.tasks.spawn(listener::listen(listener, router.clone()));
        info!("Listening for client connections on {address}");
        info!("Server is ready");
        Ok(Self { router })
    }

    /// Where it listens, with the port that it got.
    pub fn local_addr(&self) -> SocketAddr {
        self.router.address()
    }

    /// The users; the handle may outlive the server.
    pub fn users(&self) -> &Users {
        &self.router.users
    }

    /// Every live connection, in no order.
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        self.router.connection_infos()
    }

    pub fn statistics(&self) -> Statistics {
        self.router.counters.read(self.router.connections_count(), self.router.subscriptions_count())
    }

    /// Stops accepting, tells the clients, and closes them one by one after the grace period. Ends with no connection left.
    pub async fn lame_duck(&self, farewell: LameDuck) {
        info!("Entering lame duck mode, stop accepting new clients");
        self.router.is_lame_duck.store(true, Relaxed);
        self.router.listening.cancel();
        let clients = self.router.connections();
        for client in clients.iter().filter(|client| client.understands_info()) {
            client.send(&self.router.info_line(client, None, false));
        }
        if clients.is_empty() {
            return;
        }
        sleep(farewell.grace_period).await;
        info!("Closing existing clients");
        let count = u32::try_from(clients.len()).unwrap_or(u32::MAX);
        let step = (farewell.duration.saturating_sub(farewell.grace_period) / count).min(LAME_DUCK_STEP_MAX);
        for client in &clients {
            client.close(Ending::ServerShutdown);
            sleep(step).await;
        }
        // Whoever was accepted while the listener closed goes last.
        for client in self.router.connections() {
            client.close(Ending::ServerShutdown);
            client.gone().await;
        }
    }

    /// Closes the listener and every connection, what is queued for them being written within a second, and waits until nothing runs any more.
    pub async fn stop(self) {
        self.close();
        self.router.tasks.wait().await;
    }

    fn close(&self) {
        self.router.listening.cancel();
        self.router.tasks.close();
        for client in self.router.connections() {
            client.close(Ending::ServerShutdown);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

// === impl LameDuck ===

impl Default for LameDuck {
    fn default() -> Self {
        Self { grace_period: Duration::from_secs(10), duration: Duration::from_secs(120) }
    }
}
