//! What all connections share: the subscription index, the list of connections, the users.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::client::Client;
use crate::index::{Index, Matches};
use crate::options::Options;
use crate::statistics::{ConnectionInfo, Counters};
use crate::subscription::Subscription;
use crate::tls::Tls;
use crate::users::{Account, Users};
use crate::wire::{ConnectOptions, Info};

/// The matches of one subject, shared by the caches that hold them.
pub(crate) type Reached = Arc<Matches<Arc<Subscription>>>;

/// The shared state of one server.
pub(crate) struct Router {
    pub(crate) options: Options,
    pub(crate) server_id: String,
    pub(crate) users: Users,
    pub(crate) counters: Counters,
    /// Everything is allowed: the account of connections on a server without users.
    pub(crate) open_account: Arc<Account>,
    /// Ends the listener and with it the acceptance of connections.
    pub(crate) listening: CancellationToken,
    /// Every task of the server.
    pub(crate) tasks: TaskTracker,
    pub(crate) is_lame_duck: AtomicBool,
    address: OnceLock<SocketAddr>,
    index: RwLock<Index<Arc<Subscription>>>,
    /// Grows with every change of the index, so that caches know when they are old.
    generation: AtomicU64,
    clients: Mutex<HashMap<u64, Arc<Client>>>,
    next_id: AtomicU64,
    hashing: Semaphore,
}

// === impl Router ===

impl Router {
    pub(crate) fn new(options: Options, server_id: String) -> Self {
        Self {
            options,
            server_id,
            users: Users::default(),
            counters: Counters::default(),
            open_account: Arc::new(Account::open()),
            listening: CancellationToken::new(),
            tasks: TaskTracker::new(),
            is_lame_duck: AtomicBool::new(false),
            address: OnceLock::new(),
            index: RwLock::new(Index::new()),
            generation: AtomicU64::new(0),
            clients: Mutex::default(),
            next_id: AtomicU64::new(1),
            hashing: Semaphore::new(1),
        }
    }

    pub(crate) fn set_address(&self, address: SocketAddr) {
        self.address.get_or_init(|| address);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address.get().copied().unwrap_or(self.options.address)
    }

    pub(crate) fn info_line(&self, client: &Client, nonce: Option<&str>, is_after_connect: bool) -> String {
        let name = &self.options.server_name;
        let info = Info {
            server_id: &self.server_id,
            server_name: if name.is_empty() { &self.server_id } else { name },
            address: self.address(),
            payload_bytes_max: self.options.payload_bytes_max,
            client_id: client.id,
            client_ip: client.address.ip(),
            auth_required: self.options.auth_required,
            nonce,
            tls_required: self.options.tls.is_some(),
            tls_verify: self.options.tls.as_ref().is_some_and(Tls::verifies_clients),
            is_lame_duck: self.is_lame_duck.load(Ordering::Relaxed),
            is_after_connect,
        };
        info.line()
    }

    /// Finds the candidate whose bcrypt hash agrees, on a blocking thread and one at a time: a flood of attempts must not take every thread.
    /// The offer comes back with the answer; none where the thread failed.
    pub(crate) async fn compare_hashes(
        &self,
        offer: ConnectOptions,
        candidates: Vec<Arc<Account>>,
    ) -> Option<(ConnectOptions, Option<Arc<Account>>)> {
        let _turn = self.hashing.acquire().await.ok()?;
        let compare = move || {
            let account = candidates.into_iter().find(|account| account.compare_hash(&offer));
            (offer, account)
        };
        tokio::task::spawn_blocking(compare).await.ok()
    }

    // === connections ===

    /// Lists a new connection; none where there are too many.
    pub(crate) fn register(&self, address: SocketAddr) -> Option<Arc<Client>> {
        let mut clients = self.clients();
        if self.options.connections_max <= clients.len() {
            return None;
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let client = Arc::new(Client::new(id, address, self.options.pending_bytes_max));
        clients.insert(id, client.clone());
        self.counters.connections_total.fetch_add(1, Ordering::Relaxed);
        Some(client)
    }

    /// Forgets a connection and everything that it subscribed to.
    pub(crate) fn unregister(&self, client: &Client) {
        self.unsubscribe_all(client);
        let account = client.identity().account.take();
        if let Some(account) = account {
            self.users.leave(&account, client);
        }
        self.clients().remove(&client.id);
    }

    pub(crate) fn connections(&self) -> Vec<Arc<Client>> {
        self.clients().values().cloned().collect()
    }

    pub(crate) fn connection_infos(&self) -> Vec<ConnectionInfo> {
        self.connections().iter().map(|client| info_of(client)).collect()
    }

    pub(crate) fn connections_count(&self) -> usize {
        self.clients().len()
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<u64, Arc<Client>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // === subscriptions ===

    pub(crate) fn subscribe(&self, subscription: &Arc<Subscription>) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        index.insert(&subscription.subject, subscription.queue.as_deref(), subscription.clone());
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Takes a subscription out of the index; the connection's own list is the caller's.
    pub(crate) fn unsubscribe(&self, subscription: &Arc<Subscription>) {
        subscription.close();
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if index.remove(&subscription.subject, subscription.queue.as_deref(), subscription) {
            self.generation.fetch_add(1, Ordering::Release);
        }
    }

    /// Ends a subscription that had all its messages. A new one under the same sid stays.
    pub(crate) fn expire(&self, subscription: &Arc<Subscription>) {
        let client = &subscription.client;
        let mut subscriptions = client.subscriptions();
        if subscriptions.get(&subscription.sid).is_some_and(|current| Arc::ptr_eq(current, subscription)) {
            subscriptions.remove(&subscription.sid);
        }
        drop(subscriptions);
        self.unsubscribe(subscription);
    }

    pub(crate) fn unsubscribe_all(&self, client: &Client) {
        let subscriptions = std::mem::take(&mut *client.subscriptions());
        for subscription in subscriptions.values() {
            self.unsubscribe(subscription);
        }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(crate) fn find(&self, subject: &[u8]) -> Reached {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        Arc::new(index.find(subject, |subscription| subscription.may_get(subject)))
    }

    pub(crate) fn subscriptions_count(&self) -> usize {
        self.index.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

fn info_of(client: &Client) -> ConnectionInfo {
    let identity = client.identity().clone();
    let subscriptions = client.subscriptions().len();
    let outbox = client.outbox.lock();
    ConnectionInfo {
        id: client.id,
        address: client.address,
        user: identity.account.map(|account| account.name.clone()).unwrap_or_default(),
        name: identity.name,
        lang: identity.lang,
        version: identity.version,
        uptime: client.started.elapsed(),
        subscriptions,
        pending_bytes: outbox.pending_bytes(),
        in_messages: client.in_messages.load(Ordering::Relaxed),
        in_bytes: client.in_bytes.load(Ordering::Relaxed),
        out_messages: outbox.messages,
        out_bytes: outbox.message_bytes,
    }
}
