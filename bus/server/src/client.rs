//! One connection as everyone else sees it: where its messages go, which subscriptions it has, how it ends.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::outbox::Outbox;
use crate::responses::ResponseLedger;
use crate::subscription::Subscription;
use crate::users::Account;

/// The shared half of a connection.
pub(crate) struct Client {
    pub(crate) id: u64,
    pub(crate) address: SocketAddr,
    pub(crate) started: Instant,
    pub(crate) outbox: Outbox,
    pub(crate) subscriptions: Mutex<HashMap<Box<[u8]>, Arc<Subscription>>>,
    /// Reply subjects that it received and may answer.
    pub(crate) responses: ResponseLedger,
    /// Whether it gets its own messages.
    pub(crate) echo: AtomicBool,
    pub(crate) headers: AtomicBool,
    /// Whether it reads an INFO that comes later (CONNECT with `protocol` 1).
    pub(crate) reads_info: AtomicBool,
    pub(crate) in_messages: AtomicU64,
    pub(crate) in_bytes: AtomicU64,
    identity: Mutex<ClientIdentity>,
    ending: OnceLock<Ending>,
    closing: CancellationToken,
    gone: CancellationToken,
}

/// Who a connection said it is.
#[derive(Clone, Default)]
pub(crate) struct ClientIdentity {
    pub(crate) account: Option<Arc<Account>>,
    pub(crate) name: String,
    pub(crate) lang: String,
    pub(crate) version: String,
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The client went away.
    ClientClosed,
    /// It broke the protocol; the text goes out first.
    Fault(Option<&'static str>),
    AuthenticationFailed,
    AuthenticationTimeout,
    /// Its user was removed.
    Revoked,
    Stale,
    SlowConsumerPending,
    SlowConsumerDeadline,
    WriteFailed,
    ServerShutdown,
}

// === impl Client ===

impl Client {
    pub(crate) fn new(id: u64, address: SocketAddr, pending_bytes_max: usize) -> Self {
        Self {
            id,
            address,
            started: Instant::now(),
            outbox: Outbox::new(pending_bytes_max),
            subscriptions: Mutex::default(),
            responses: ResponseLedger::default(),
            echo: AtomicBool::new(true),
            headers: AtomicBool::new(false),
            reads_info: AtomicBool::new(false),
            in_messages: AtomicU64::new(0),
            in_bytes: AtomicU64::new(0),
            identity: Mutex::default(),
            ending: OnceLock::new(),
            closing: CancellationToken::new(),
            gone: CancellationToken::new(),
        }
    }

    /// Appends a protocol line and wakes the writer.
    pub(crate) fn send(&self, line: &str) {
        let mut state = self.outbox.lock();
        if state.is_open() {
            state.append(&[line.as_bytes()]);
        }
        drop(state);
        self.outbox.wake();
    }

    /// Ends the connection; only the first ending counts. From here on nothing is appended to it and nothing that it sends is obeyed.
    pub(crate) fn close(&self, ending: Ending) {
        if self.ending.set(ending).is_err() {
            return;
        }
        debug!(cid = self.id, address = %self.address, ?ending, "client connection closed");
        let last_words = ending.text().map(|text| format!("-ERR '{text}'\r\n"));
        self.outbox.close(last_words.as_deref(), ending.drops_output());
        self.closing.cancel();
    }

    pub(crate) fn ending(&self) -> Option<Ending> {
        self.ending.get().copied()
    }

    pub(crate) async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Says that the connection's tasks have ended and its subscriptions are gone.
    pub(crate) fn set_gone(&self) {
        self.gone.cancel();
    }

    pub(crate) async fn gone(&self) {
        self.gone.cancelled().await;
    }

    pub(crate) fn identity(&self) -> MutexGuard<'_, ClientIdentity> {
        self.identity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn subscriptions(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, Arc<Subscription>>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn gets_headers(&self) -> bool {
        self.headers.load(Relaxed)
    }

    pub(crate) fn understands_info(&self) -> bool {
        self.reads_info.load(Relaxed)
    }

    pub(crate) fn gets_echo(&self) -> bool {
        self.echo.load(Relaxed)
    }
}

// === impl Ending ===

impl Ending {
    /// The text of the last `-ERR`; some endings have none.
    pub(crate) fn text(self) -> Option<&'static str> {
        match self {
            Self::Fault(text) => text,
            Self::AuthenticationFailed | Self::Revoked => Some("Authorization Violation"),
            Self::AuthenticationTimeout => Some("Authentication Timeout"),
            Self::Stale => Some("Stale Connection"),
            Self::ClientClosed | Self::SlowConsumerPending | Self::SlowConsumerDeadline | Self::WriteFailed | Self::ServerShutdown => None,
        }
    }

    /// Whether what is queued is thrown away because writing it is the problem.
    pub(crate) fn drops_output(self) -> bool {
        matches!(self, Self::SlowConsumerPending | Self::SlowConsumerDeadline | Self::WriteFailed)
    }

    pub(crate) fn is_slow_consumer(self) -> bool {
        matches!(self, Self::SlowConsumerPending | Self::SlowConsumerDeadline)
    }
}
