//! One connection's decisions: what each operation does. No socket and no waiting; the tasks around it do both.

mod publish;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use tracing::{debug, warn};

use crate::client::{Client, Ending};
use crate::liveness::Liveness;
use crate::outbox::Appended;
use crate::router::{Reached, Router};
use crate::subject;
use crate::subscription::Subscription;
use crate::users::Account;
use crate::wire::{ConnectOptions, Operation, Rules};

/// The reading side of one connection.
pub(crate) struct Session {
    pub(crate) router: Arc<Router>,
    pub(crate) client: Arc<Client>,
    pub(crate) liveness: Liveness,
    pub(crate) options: ConnectOptions,
    pub(crate) nonce: String,
    account: Option<Arc<Account>>,
    has_sent_pong: bool,
    is_connected: bool,
    routes: HashMap<Box<[u8]>, Route>,
    routes_generation: u64,
    /// Connections that got something since the last flush and whose writers must be woken.
    touched: Vec<Arc<Client>>,
    /// A receiver that has too much pending: the reader waits for it a moment.
    crowded: Option<Arc<Client>>,
    random: u64,
    traffic: Traffic,
}

/// What a subject means for this connection.
struct Route {
    is_allowed: bool,
    reached: Reached,
}

/// Counts of one portion of input.
#[derive(Default)]
struct Traffic {
    in_messages: u64,
    in_bytes: u64,
    out_messages: u64,
    out_bytes: u64,
    has_activity: bool,
}

// === impl Session ===

impl Session {
    pub(crate) fn new(router: Arc<Router>, client: Arc<Client>, nonce: String, seed: u64) -> Self {
        let options = &router.options;
        let account = (!options.auth_required).then(|| router.open_account.clone());
        let liveness = Liveness::new(
            options.ping_interval,
            options.pings_outstanding_max,
            account.is_none().then_some(options.auth_timeout),
            Instant::now(),
        );
        Self {
            router,
            client,
            liveness,
            options: ConnectOptions::default(),
            nonce,
            account,
            has_sent_pong: false,
            is_connected: false,
            routes: HashMap::new(),
            routes_generation: 0,
            touched: Vec::new(),
            crowded: None,
            random: seed | 1,
            traffic: Traffic::default(),
        }
    }

    /// What the parser must know right now.
    pub(crate) fn rules(&self) -> Rules {
        let options = &self.router.options;
        Rules {
            control_line_bytes_max: options.control_line_bytes_max,
            payload_bytes_max: options.payload_bytes_max,
            headers: self.options.headers,
            connect_required: self.account.is_none(),
        }
    }

    /// Carries out one operation, except CONNECT.
    pub(crate) fn handle(&mut self, operation: Operation<'_>) {
        match operation {
            Operation::Publish(publish) => self.publish(publish),
            Operation::Subscribe { subject, queue, sid } => self.subscribe(subject, queue, sid),
            Operation::Unsubscribe { sid, max } => self.unsubscribe(sid, max),
            Operation::Ping => self.ping(),
            Operation::Pong => self.liveness.pong(),
            Operation::Error(text) => {
                warn!(cid = self.client.id, text = %String::from_utf8_lossy(text), "client error");
                self.client.close(Ending::Fault(None));
            }
            Operation::Ignored | Operation::Connect(_) => {}
        }
    }

    /// Becomes `account` after a valid CONNECT.
    pub(crate) fn connect(&mut self, account: Arc<Account>) {
        if self.is_connected {
            // As nats-server does: a second CONNECT may change the account, so the first one's subscriptions end.
            self.router.unsubscribe_all(&self.client);
        }
        self.is_connected = true;
        self.account = Some(account.clone());
        self.routes.clear();
        self.client.echo.store(self.options.echo, Relaxed);
        self.client.headers.store(self.options.headers, Relaxed);
        self.client.reads_info.store(1 <= self.options.protocol, Relaxed);
        let mut identity = self.client.identity();
        identity.account = Some(account);
        identity.name.clone_from(&self.options.name);
        identity.lang.clone_from(&self.options.lang);
        identity.version.clone_from(&self.options.version);
        drop(identity);
        let spread = self.random_below(100) as f64 / 100.0;
        self.liveness.connected(Instant::now(), spread);
        if !matches!(self.options.protocol, 0 | 1) {
            return self.client.close(Ending::Fault(Some("invalid client protocol")));
        }
        if self.options.no_responders && !self.options.headers {
            return self.client.close(Ending::Fault(Some("no responders requires headers support")));
        }
        self.ok();
    }

    /// Stops being the user of an earlier CONNECT, whatever the new one turns out to be.
    pub(crate) fn leave_account(&mut self) {
        self.account = None;
        let earlier = self.client.identity().account.take();
        if let Some(account) = earlier {
            self.router.users.leave(&account, &self.client);
        }
    }

    pub(crate) fn note_authentication_failure(&self) {
        self.router.counters.authentication_failures.fetch_add(1, Relaxed);
        warn!(cid = self.client.id, address = %self.client.address, "authentication error");
    }

    fn subscribe(&mut self, subject: &[u8], queue: Option<&[u8]>, sid: &[u8]) {
        self.traffic.has_activity = true;
        let Some(account) = self.account.clone() else { return };
        if !account.access.may_subscribe(subject, queue) {
            return self.refuse_subscription(subject, queue);
        }
        let mut subscriptions = self.client.subscriptions();
        if self.router.options.subscriptions_max.is_some_and(|max| max <= subscriptions.len()) {
            drop(subscriptions);
            return self.error("maximum subscriptions exceeded");
        }
        if subscriptions.contains_key(sid) {
            drop(subscriptions);
            return self.ok();
        }
        if !subject::is_valid(subject) {
            drop(subscriptions);
            return self.error("Invalid Subject");
        }
        let subscription = Arc::new(Subscription::new(self.client.clone(), &account, subject, queue, sid));
        subscriptions.insert(sid.into(), subscription.clone());
        drop(subscriptions);
        self.router.subscribe(&subscription);
        self.ok();
    }

    fn unsubscribe(&mut self, sid: &[u8], max: Option<u64>) {
        self.traffic.has_activity = true;
        let mut subscriptions = self.client.subscriptions();
        let ended = match subscriptions.get(sid) {
            Some(subscription) if !subscription.limit(max) => subscriptions.remove(sid),
            _ => None,
        };
        drop(subscriptions);
        if let Some(subscription) = ended {
            self.router.unsubscribe(&subscription);
        }
        self.ok();
    }

    fn ping(&mut self) {
        self.traffic.has_activity = true;
        let mut lines = "PONG\r\n".to_owned();
        if self.is_connected && !self.has_sent_pong {
            self.has_sent_pong = true;
            if self.options.protocol == 1 {
                // In the same write as the PONG: clients that authenticate in steps count on it.
                lines += &self.router.info_line(&self.client, None, true);
            }
        }
        self.append(lines.as_bytes());
    }

    fn ok(&mut self) {
        if self.options.verbose {
            self.append(b"+OK\r\n");
        }
    }

    fn error(&mut self, text: &str) {
        self.append(format!("-ERR '{text}'\r\n").as_bytes());
    }

    fn refuse_subscription(&mut self, subject: &[u8], queue: Option<&[u8]>) {
        self.router.counters.permission_violations.fetch_add(1, Relaxed);
        let mut text = format!("Permissions Violation for Subscription to {}", quoted(subject));
        if let Some(queue) = queue {
            text += &format!(" using queue {}", quoted(queue));
        }
        warn!(cid = self.client.id, user = self.user(), subject = %String::from_utf8_lossy(subject), "subscription violation");
        self.error(&text);
    }

    fn user(&self) -> &str {
        self.account.as_ref().map_or("", |account| &account.name)
    }

    /// Puts a line into the connection's own outbox, behind what was put there before.
    fn append(&mut self, line: &[u8]) {
        let client = self.client.clone();
        let mut state = client.outbox.lock();
        if state.is_open() {
            state.append(&[line]);
            let appended = client.outbox.settle(&mut state);
            drop(state);
            self.note(&client, appended);
        }
    }

    /// Remembers what an append asks for.
    fn note(&mut self, client: &Arc<Client>, appended: Appended) {
        if appended.is_overrun {
            debug!(cid = client.id, "slow consumer: too much is pending");
            client.close(Ending::SlowConsumerPending);
        } else if appended.is_crowded {
            self.crowded = Some(client.clone());
        }
        if appended.wakes {
            self.touched.push(client.clone());
        }
    }

    /// Ends one portion of input: wakes the writers and counts.
    pub(crate) fn flush(&mut self) {
        for client in self.touched.drain(..) {
            client.outbox.wake();
        }
        let traffic = std::mem::take(&mut self.traffic);
        if traffic.has_activity {
            self.liveness.active(Instant::now());
        }
        if 0 < traffic.in_messages {
            let counters = &self.router.counters;
            counters.in_messages.fetch_add(traffic.in_messages, Relaxed);
            counters.in_bytes.fetch_add(traffic.in_bytes, Relaxed);
            counters.out_messages.fetch_add(traffic.out_messages, Relaxed);
            counters.out_bytes.fetch_add(traffic.out_bytes, Relaxed);
            self.client.in_messages.fetch_add(traffic.in_messages, Relaxed);
            self.client.in_bytes.fetch_add(traffic.in_bytes, Relaxed);
        }
    }

    /// A receiver to wait for before the next operation.
    pub(crate) fn take_crowded(&mut self) -> Option<Arc<Client>> {
        self.crowded.take()
    }

    /// Gives memory back while the connection is quiet.
    pub(crate) fn shrink(&mut self) {
        self.routes = HashMap::new();
        self.touched = Vec::new();
    }
}

impl Drop for Session {
    /// Whoever was promised a wake-up gets it, even if a panic ended this session: nobody else would wake that writer.
    fn drop(&mut self) {
        self.flush();
    }
}

/// A subject as nats-server quotes it in its error texts.
fn quoted(bytes: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(bytes))
}
