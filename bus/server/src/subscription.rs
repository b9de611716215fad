//! One subscription, and putting a message into its connection's outbox.

use std::cell::OnceCell;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use bytes::Bytes;

use crate::client::Client;
use crate::outbox::{Appended, SHARED_BYTES_MIN, State};
use crate::permissions::Responses;
use crate::users::Account;
use crate::wire::Publish;

/// A SUB of one connection. Its counters change only under the lock of the connection's outbox, so that nothing is delivered after the PONG that
/// follows an UNSUB.
pub(crate) struct Subscription {
    pub(crate) client: Arc<Client>,
    pub(crate) sid: Box<[u8]>,
    pub(crate) subject: Box<[u8]>,
    pub(crate) queue: Option<Box<[u8]>>,
    /// The account whose deny rules are asked for each subject, where the subscription is wider than they are.
    filter: Option<Arc<Account>>,
    /// How the connection may answer what it gets here, whatever its publish rules say.
    responses: Option<Responses>,
    /// Messages after which the subscription ends; 0 means never.
    max: AtomicU64,
    delivered: AtomicU64,
    is_closed: AtomicBool,
}

/// A publication on its way to its subscribers.
pub(crate) struct Message<'m> {
    pub(crate) publish: Publish<'m>,
    /// The body for sharing, made at the first need.
    shared: OnceCell<Bytes>,
}

/// What became of a delivery.
pub(crate) enum Delivery {
    /// Not delivered: another member of a group may take it.
    Skipped,
    /// The subscription had all its messages before: it must go.
    Exhausted,
    Delivered {
        appended: Appended,
        is_last: bool,
    },
}

// === impl Subscription ===

impl Subscription {
    pub(crate) fn new(client: Arc<Client>, account: &Arc<Account>, subject: &[u8], queue: Option<&[u8]>, sid: &[u8]) -> Self {
        Self {
            client,
            sid: sid.into(),
            subject: subject.into(),
            queue: queue.map(Into::into),
            filter: account.access.filters_delivery(subject, queue).then(|| account.clone()),
            responses: account.access.responses,
            max: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
        }
    }

    /// Whether its connection may see a message of this subject.
    pub(crate) fn may_get(&self, subject: &[u8]) -> bool {
        self.filter.as_ref().is_none_or(|account| account.access.may_deliver(subject, self.queue.as_deref()))
    }

    /// Ends the subscription after `max` messages, counted from the SUB; false where it has had them and must end now.
    pub(crate) fn limit(&self, max: Option<u64>) -> bool {
        let _order = self.client.outbox.lock();
        let is_ahead = max.is_some_and(|max| self.delivered.load(Relaxed) < max);
        self.max.store(if is_ahead { max.unwrap_or_default() } else { 0 }, Relaxed);
        is_ahead
    }

    /// From the return on nothing is delivered any more.
    pub(crate) fn close(&self) {
        let _order = self.client.outbox.lock();
        self.is_closed.store(true, Relaxed);
    }

    /// Puts the message into the outbox of the subscription's connection.
    pub(crate) fn deliver(&self, message: &Message<'_>, publisher: &Client) -> Delivery {
        let client = &*self.client;
        if client.id == publisher.id && !client.gets_echo() {
            return Delivery::Skipped;
        }
        let mut state = client.outbox.lock();
        if self.is_closed.load(Relaxed) || !state.is_open() {
            return Delivery::Skipped;
        }
        let max = self.max.load(Relaxed);
        let delivered = self.delivered.load(Relaxed) + 1;
        if max != 0 && max < delivered {
            return Delivery::Exhausted;
        }
        self.delivered.store(delivered, Relaxed);
        message.append(&mut state, &self.sid, client.gets_headers());
        self.expect_answer(message);
        let appended = client.outbox.settle(&mut state);
        Delivery::Delivered { appended, is_last: max == delivered }
    }

    fn expect_answer(&self, message: &Message<'_>) {
        if let (Some(limits), Some(reply)) = (self.responses, message.publish.reply) {
            self.client.responses.expect(reply, limits, Instant::now());
        }
    }
}

impl PartialEq for Subscription {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

// === impl Message ===

impl<'m> Message<'m> {
    pub(crate) fn new(publish: Publish<'m>) -> Self {
        Self { publish, shared: OnceCell::new() }
    }

    /// Writes the MSG or HMSG of one subscription.
    fn append(&self, state: &mut State, sid: &[u8], takes_headers: bool) {
        let Publish { subject, reply, header_bytes, body } = self.publish;
        let has_header = 0 < header_bytes && takes_headers;
        let body_start = if has_header { 0 } else { header_bytes };
        let sizes = Sizes::new(has_header.then_some(header_bytes), body.len() - body_start);
        let verb: &[u8] = if has_header { b"HMSG " } else { b"MSG " };
        state.append(&[verb, subject, b" ", sid, b" "]);
        if let Some(reply) = reply {
            state.append(&[reply, b" "]);
        }
        state.append(&[sizes.text()]);
        if body.len() < SHARED_BYTES_MIN {
            state.append(&[&body[body_start..]]);
        } else {
            state.append_shared(self.shared.get_or_init(|| Bytes::copy_from_slice(body)).slice(body_start..));
        }
        state.append(&[b"\r\n"]);
        state.messages += 1;
        state.message_bytes += (body.len() - body_start) as u64;
    }
}

/// The sizes at the end of a MSG line, with its CRLF, without an allocation.
struct Sizes {
    bytes: [u8; 48],
    used: usize,
}

// === impl Sizes ===

impl Sizes {
    fn new(header_bytes: Option<usize>, total_bytes: usize) -> Self {
        let mut bytes = [0; 48];
        let mut rest = &mut bytes[..];
        let written = match header_bytes {
            Some(header_bytes) => write!(rest, "{header_bytes} {total_bytes}\r\n"),
            None => write!(rest, "{total_bytes}\r\n"),
        };
        written.expect("two sizes have at most 41 digits");
        let used = 48 - rest.len();
        Self { bytes, used }
    }

    fn text(&self) -> &[u8] {
        &self.bytes[..self.used]
    }
}
