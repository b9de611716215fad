//! What an embedding process chooses. The defaults are nats-server's.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::tls::Tls;

/// Settings of one server.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes any free one. Default: 0.0.0.0:4222.
    pub address: SocketAddr,
    /// The name in INFO; empty takes the server's random id. Default: empty.
    pub server_name: String,
    /// Whether a connection must show credentials of a user. Without it every connection may do everything. Default: false.
    pub auth_required: bool,
    /// The user that a connection without credentials becomes, where `auth_required` is set. Default: none.
    pub anonymous_user: Option<String>,
    /// How long a connection may take to show credentials. Default: 2 s.
    pub auth_timeout: Duration,
    /// Header block and payload of one message. A larger one closes its connection before its body is read. Default: 1 MiB.
    pub payload_bytes_max: usize,
    /// Arguments of one control line. Default: 4 KiB.
    pub control_line_bytes_max: usize,
    /// What may wait for one connection to read it; beyond, the connection is closed as a slow consumer. Above 75 % its producers are slowed. Default: 64 MiB.
    pub pending_bytes_max: usize,
    /// How long one write to a connection may take before it is closed as a slow consumer. Default: 10 s.
    pub write_deadline: Duration,
    /// Connections at a time; one more is refused. Default: 65,536.
    pub connections_max: usize,
    /// Subscriptions of one connection; one more is refused. Default: no limit.
    pub subscriptions_max: Option<usize>,
    /// How long a connection may be silent before it is pinged. Default: 2 min.
    pub ping_interval: Duration,
    /// Unanswered pings before a connection is closed as stale. Default: 2.
    pub pings_outstanding_max: u32,
    /// Encrypts every connection. Default: none.
    pub tls: Option<Tls>,
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 4222)),
            server_name: String::new(),
            auth_required: false,
            anonymous_user: None,
            auth_timeout: Duration::from_secs(2),
            payload_bytes_max: 1024 * 1024,
            control_line_bytes_max: 4096,
            pending_bytes_max: 64 * 1024 * 1024,
            write_deadline: Duration::from_secs(10),
            connections_max: 64 * 1024,
            subscriptions_max: None,
            ping_interval: Duration::from_secs(120),
            pings_outstanding_max: 2,
            tls: None,
        }
    }
}
