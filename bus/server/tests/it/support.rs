//! A server on a free port and a client that speaks raw wire text.

use std::net::SocketAddr;
use std::time::Duration;

use argentum_bus_server::{Credential, Options, Permissions, Server, User};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) const QUIET: &str = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";
pub(crate) const REQUESTER: &str = "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}\r\n";

pub(crate) fn options() -> Options {
    Options { address: ([127, 0, 0, 1], 0).into(), ..Options::default() }
}

pub(crate) async fn open_server() -> Server {
    Server::start(options()).await.expect("a free port")
}

/// A server where users are needed.
pub(crate) async fn closed_server(users: impl IntoIterator<Item = User>) -> Server {
    let server = Server::start(Options { auth_required: true, ..options() }).await.expect("a free port");
    users.into_iter().for_each(|user| server.users().insert(user));
    server
}

/// A user whose name is its user name, with the password `pw`.
pub(crate) fn user(name: &str, permissions: Permissions) -> User {
    User { name: name.to_owned(), credential: Credential::Password { user: name.to_owned(), password: "pw".into() }, permissions }
}

/// A CONNECT with the password of [`user`].
pub(crate) fn login(name: &str) -> String {
    format!(
        "CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"user\":\"{name}\",\"pass\":\"pw\"}}\r\n"
    )
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("in vain for: {what}"));
}

/// A raw connection.
pub(crate) struct Wire {
    stream: TcpStream,
    pub(crate) info: String,
    unread: Vec<u8>,
}

// === impl Wire ===

impl Wire {
    /// Connects and reads the INFO.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let mut wire = Self { stream: TcpStream::connect(address).await.expect("it listens"), info: String::new(), unread: Vec::new() };
        wire.info = wire.line().await;
        wire
    }

    /// Connects, sends a first text and waits until the server has taken it.
    pub(crate) async fn open(address: SocketAddr, text: &str) -> Self {
        let mut wire = Self::connect(address).await;
        wire.send(text).await;
        wire.settle().await;
        wire
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes()).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("it reads");
    }

    /// Sends, and says whether the connection still takes it.
    pub(crate) async fn try_send(&mut self, text: &str) -> bool {
        self.stream.write_all(text.as_bytes()).await.is_ok()
    }

    /// Waits until everything sent so far is routed; nothing else may come meanwhile.
    pub(crate) async fn settle(&mut self) {
        self.send("PING\r\n").await;
        self.expect("PONG\r\n").await;
    }

    /// The next bytes must be these.
    pub(crate) async fn expect(&mut self, text: &str) {
        while self.unread.len() < text.len() && text.as_bytes().starts_with(&self.unread) && self.read().await {}
        let count = text.len().min(self.unread.len());
        let got: Vec<u8> = self.unread.drain(..count).collect();
        assert_eq!(String::from_utf8_lossy(&got), text, "then: {:?}", String::from_utf8_lossy(&self.unread));
    }

    /// Sends, and what comes back up to a final PONG must be this.
    pub(crate) async fn exchange(&mut self, send: &str, expect: &str) {
        self.send(&format!("{send}PING\r\n")).await;
        self.expect(&format!("{expect}PONG\r\n")).await;
    }

    pub(crate) async fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return String::from_utf8(line).expect("text");
            }
            assert!(self.read().await, "the connection ended within a line");
        }
    }

    /// Everything until the server closes.
    pub(crate) async fn rest(self) -> String {
        String::from_utf8(self.rest_bytes().await).expect("text")
    }

    pub(crate) async fn rest_bytes(mut self) -> Vec<u8> {
        while self.read().await {}
        self.unread
    }

    async fn read(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.unread)).await.expect("the server answers or closes");
        // A reset counts as an end, too.
        read.is_ok_and(|count| 0 < count)
    }
}
