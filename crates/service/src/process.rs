//! What a service may ask of its surroundings while it runs.

use std::{
    cell::RefCell,
    net::TcpListener,
    path::{Path, PathBuf},
};

use argentum_bus::{Bus, Login};
use argentum_proto::control::v1::FromChild;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    exit::{Exit, Failure},
    health::Health,
    public_url::PublicUrl,
    supervise::Supervisor,
};

/// The process of one service. It lives on the System's thread, like the actors.
pub struct Process {
    pub(crate) data_dir: PathBuf,
    pub(crate) operator_key: String,
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) http_listener: RefCell<Option<TcpListener>>,
    pub(crate) login: Login,
    pub(crate) supervisor: Supervisor,
    pub(crate) quiescing: CancellationToken,
    pub(crate) work: TaskTracker,
    pub(crate) to_orchestrator: mpsc::Sender<FromChild>,
}

// === impl Process ===

impl Process {
    /// A process that no orchestrator started: for tests of a service over a real bus. `operator_key` is the public one.
    pub fn alone(data_dir: &Path, login: Login, operator_key: String) -> Self {
        let (to_orchestrator, _) = mpsc::channel(1);
        let (gave_up, _) = mpsc::channel(1);
        Self {
            data_dir: data_dir.to_owned(),
            operator_key,
            public_url: None,
            http_listener: RefCell::new(None),
            login,
            supervisor: Supervisor::new(gave_up),
            quiescing: CancellationToken::new(),
            work: TaskTracker::new(),
            to_orchestrator,
        }
    }

    /// The one directory where data lives. This process holds its lock.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Public nkey whose signatures make an operator's right.
    pub fn operator_key(&self) -> &str {
        &self.operator_key
    }

    /// Where browsers reach page and API from beyond this machine; only the gateway is told, and only where `http.public_url` is set.
    pub fn public_url(&self) -> Option<&PublicUrl> {
        self.public_url.as_ref()
    }

    /// Keeps the actors of this process alive.
    pub fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// Hands an HTTP listening socket over, as an orchestrator would.
    pub fn lend_http_listener(&self, listener: TcpListener) {
        self.http_listener.replace(Some(listener));
    }

    /// The HTTP listening socket, to whoever asks first. Only the gateway is given one.
    pub fn take_http_listener(&self) -> Option<TcpListener> {
        self.http_listener.borrow_mut().take()
    }

    /// One more connection to the bus with the same identity: for traffic that may be slow and must not cost the other its connection.
    pub async fn connect(&self) -> Result<Bus, Failure> {
        Bus::connect(&self.login).await.map_err(|error| Failure::of(Exit::Unavailable, &error))
    }

    /// Cancelled when no new work may be taken.
    pub fn quiescing(&self) -> &CancellationToken {
        &self.quiescing
    }

    /// Tracks what is under way: a drain waits for it.
    pub fn work(&self) -> &TaskTracker {
        &self.work
    }

    /// Where this process tells how it is.
    pub fn health(&self) -> Health {
        Health(self.to_orchestrator.clone())
    }
}
