//! An IRC server on this machine, for one client: real sockets, TLS where wanted, capabilities, SASL, and a script of mishaps.
//!
//! It is strict: lines of more than 512 bytes (as others would get them), lines before the registration and lines to channels that are
//! not joined are refused as real servers refuse them.

mod client;
mod tls;

use std::{
    collections::{BTreeSet, VecDeque},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use client::Client;
use tls::Identity;

/// What the client's address looks like to others.
pub const CLIENT_HOST: &str = "client.example";

/// How a server is.
#[derive(Clone, Debug, Default)]
pub struct Manners {
    pub has_tls: bool,
    /// Names of capabilities; `sasl` is offered by itself where there is an account.
    pub capabilities: &'static str,
    /// Account and password that SASL PLAIN asks for.
    pub account: Option<(&'static str, &'static str)>,
    /// Nicks that somebody else has.
    pub taken: &'static [&'static str],
}

/// How a line of the client to somebody is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It stands, and the connection goes before the client hears of it.
    StoreAndDrop,
    /// It is lost with the connection.
    Drop,
    /// It is refused with this number.
    Refuse(u16),
}

/// What the client said to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub target: String,
    pub text: String,
    pub is_notice: bool,
}

/// A server. It ends with the value.
pub struct FakeIrc {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    manners: Manners,
    identity: Option<Identity>,
    said: Mutex<Vec<(Instant, Said)>>,
    lines: Mutex<Vec<String>>,
    script: Mutex<VecDeque<Mishap>>,
    joined: Mutex<BTreeSet<String>>,
    /// Lines that reached a client, with the number of its connection.
    heard: Mutex<Vec<(Instant, usize, String)>>,
    /// When each connection ended.
    ends: Mutex<Vec<Instant>>,
    /// Lines for the client that is there now.
    outbox: Mutex<VecDeque<String>>,
    is_dropping: AtomicBool,
    is_closed: AtomicBool,
    is_over: AtomicBool,
    clients: AtomicUsize,
    connections: AtomicUsize,
}

// === impl FakeIrc ===

impl FakeIrc {
    /// Starts one on a free port.
    pub fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            identity: manners.has_tls.then(Identity::new),
            manners,
            said: Mutex::default(),
            lines: Mutex::default(),
            script: Mutex::default(),
            joined: Mutex::default(),
            heard: Mutex::default(),
            ends: Mutex::default(),
            outbox: Mutex::default(),
            is_dropping: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            clients: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if serving.is_over.load(Ordering::SeqCst) {
                    return;
                }
                serving.serve(stream);
            }
        });
        Self { address, shared }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The authority that vouches for `localhost`, in PEM; there is one with TLS.
    pub fn authority(&self) -> &str {
        &self.shared.identity.as_ref().unwrap().authority
    }

    /// Takes the next lines to somebody so; those that follow stand.
    pub fn script(&self, mishaps: impl IntoIterator<Item = Mishap>) {
        lock(&self.shared.script).extend(mishaps);
    }

    /// Everything that the client said to somebody, oldest first.
    pub fn said(&self) -> Vec<Said> {
        self.said_when().into_iter().map(|(_, said)| said).collect()
    }

    /// The same, with the moment of each.
    pub fn said_when(&self) -> Vec<(Instant, Said)> {
        lock(&self.shared.said).clone()
    }

    /// How long the client that got this line of [`Self::send`] was there from then on; `None` where nobody got it.
    pub fn kept_for(&self, line: &str) -> Option<Duration> {
        let (at, connection) = lock(&self.shared.heard).iter().find(|(_, _, heard)| heard == line).map(|(at, number, _)| (*at, *number))?;
        let end = lock(&self.shared.ends).get(connection).copied().unwrap_or_else(Instant::now);
        Some(end.saturating_duration_since(at))
    }

    /// Every line of the client, oldest first.
    pub fn lines(&self) -> Vec<String> {
        lock(&self.shared.lines).clone()
    }

    /// Whether the client is in a channel now.
    pub fn is_joined(&self, channel: &str) -> bool {
        lock(&self.shared.joined).contains(channel)
    }

    /// Clients that came and went, whether they were in or not.
    pub fn clients(&self) -> usize {
        self.shared.clients.load(Ordering::SeqCst)
    }

    /// Clients that ever were in.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Sends the client a line, such as `:ada!a@h PRIVMSG #tea :hello`. Nobody gets it while no client is there, or none in the channel.
    pub fn send(&self, line: &str) {
        lock(&self.shared.outbox).push_back(line.to_owned());
    }

    /// Ends the connection; while `is_closed`, new ones end at once, too.
    pub fn disconnect(&self, is_closed: bool) {
        self.shared.is_closed.store(is_closed, Ordering::SeqCst);
        self.shared.is_dropping.store(true, Ordering::SeqCst);
    }

    /// Lets clients in again.
    pub fn open(&self) {
        self.shared.is_closed.store(false, Ordering::SeqCst);
    }
}

impl Drop for FakeIrc {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes who waits for a client; where nobody does, all is well.
        let _ = TcpStream::connect(self.address);
    }
}

// === impl Shared ===

impl Shared {
    /// One client at a time; the next one waits.
    fn serve(&self, stream: TcpStream) {
        if self.is_closed.load(Ordering::SeqCst) {
            return;
        }
        self.is_dropping.store(false, Ordering::SeqCst);
        lock(&self.outbox).clear();
        // A client that is gone is no failure of the server.
        let _ = match &self.identity {
            None => Client::new(self, stream).run(),
            Some(identity) => Client::new(self, identity.accept(stream)).run(),
        };
        lock(&self.joined).clear();
        lock(&self.ends).push(Instant::now());
        self.clients.fetch_add(1, Ordering::SeqCst);
    }

    fn is_ending(&self) -> bool {
        self.is_dropping.load(Ordering::SeqCst) || self.is_over.load(Ordering::SeqCst)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
