//! What an operator can ask a running server.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Counters since the start, and what is connected now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statistics {
    pub connections: usize,
    pub connections_total: u64,
    pub subscriptions: usize,
    pub in_messages: u64,
    /// Headers and payloads, without control lines.
    pub in_bytes: u64,
    pub out_messages: u64,
    pub out_bytes: u64,
    /// Connections closed because they did not read what was sent to them.
    pub slow_consumers: u64,
    /// Connections that showed no valid credentials in time.
    pub authentication_failures: u64,
    /// Publications and subscriptions that permissions refused.
    pub permission_violations: u64,
}

/// One live connection.
#[derive(Clone, Debug)]
pub struct ConnectionInfo {
    pub id: u64,
    pub address: SocketAddr,
    /// The user that it proved to be; empty on a server without users.
    pub user: String,
    /// What the client calls itself.
    pub name: String,
    pub lang: String,
    pub version: String,
    pub uptime: Duration,
    pub subscriptions: usize,
    /// Bytes that wait to be written to it.
    pub pending_bytes: usize,
    pub in_messages: u64,
    pub in_bytes: u64,
    pub out_messages: u64,
    pub out_bytes: u64,
}

/// The running counters behind [`Statistics`].
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) connections_total: AtomicU64,
    pub(crate) in_messages: AtomicU64,
    pub(crate) in_bytes: AtomicU64,
    pub(crate) out_messages: AtomicU64,
    pub(crate) out_bytes: AtomicU64,
    pub(crate) slow_consumers: AtomicU64,
    pub(crate) authentication_failures: AtomicU64,
    pub(crate) permission_violations: AtomicU64,
}

// === impl Counters ===

impl Counters {
    pub(crate) fn read(&self, connections: usize, subscriptions: usize) -> Statistics {
        Statistics {
            connections,
            connections_total: self.connections_total.load(Relaxed),
            subscriptions,
            in_messages: self.in_messages.load(Relaxed),
            in_bytes: self.in_bytes.load(Relaxed),
            out_messages: self.out_messages.load(Relaxed),
            out_bytes: self.out_bytes.load(Relaxed),
            slow_consumers: self.slow_consumers.load(Relaxed),
            authentication_failures: self.authentication_failures.load(Relaxed),
            permission_violations: self.permission_violations.load(Relaxed),
        }
    }
}
