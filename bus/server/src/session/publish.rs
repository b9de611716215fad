//! Publishing: who may, who gets it, and what the publisher is told where nobody does.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use tracing::warn;

use super::{Route, Session, quoted};
use crate::index::Group;
use crate::router::Reached;
use crate::subject;
use crate::subscription::{Delivery, Message, Subscription};
use crate::wire::Publish;

/// Subjects whose routes one connection remembers. Beyond, it starts again: unique reply subjects must not gather.
const ROUTES_MAX: usize = 128;

/// Prefixes that nats-server keeps for itself and refuses to clients, as a subject and as a reply.
const RESERVED_SUBJECTS: [&[u8]; 3] = [b"_GR_.", b"$GR.", b"$NRG."];
const RESERVED_REPLIES: [&[u8]; 3] = [b"_R_.", b"$JS.ACK.", b"_GR_."];

// === impl Session ===

impl Session {
    pub(super) fn publish(&mut self, publish: Publish<'_>) {
        self.traffic.has_activity = true;
        self.traffic.in_messages += 1;
        self.traffic.in_bytes += publish.body.len() as u64;
        if self.options.pedantic && !subject::is_literal(publish.subject) {
            self.error("Invalid Publish Subject");
        }
        let Some(reached) = self.route(publish.subject) else { return self.refuse_publication("", publish.subject) };
        if has_prefix(publish.subject, &RESERVED_SUBJECTS) {
            return self.refuse_publication("", publish.subject);
        }
        if let Some(reply) = publish.reply.filter(|reply| has_prefix(reply, &RESERVED_REPLIES)) {
            return self.refuse_publication("with Reply of ", reply);
        }
        self.ok();
        let is_delivered = !reached.is_empty() && self.deliver(&reached, &Message::new(publish));
        if !is_delivered {
            self.report_no_responders(&publish);
        }
    }

    /// Whom the subject reaches; none where it may not be published.
    fn route(&mut self, subject: &[u8]) -> Option<Reached> {
        let generation = self.router.generation();
        if self.routes_generation != generation {
            self.routes.clear();
            self.routes_generation = generation;
        }
        if let Some(route) = self.routes.get(subject) {
            let reached = route.reached.clone();
            return (route.is_allowed || self.may_answer(subject)).then_some(reached);
        }
        let is_allowed = self.account.as_ref().is_some_and(|account| account.access.may_publish(subject));
        let reached = self.router.find(subject);
        if ROUTES_MAX <= self.routes.len() {
            self.routes.clear();
        }
        self.routes.insert(subject.into(), Route { is_allowed, reached: reached.clone() });
        (is_allowed || self.may_answer(subject)).then_some(reached)
    }

    fn may_answer(&self, subject: &[u8]) -> bool {
        let limits = self.account.as_ref().and_then(|account| account.access.responses);
        limits.is_some_and(|limits| self.client.responses.take(subject, limits, Instant::now()))
    }

    /// Delivers to every plain subscription and to one member per group; false where nobody took it.
    fn deliver(&mut self, reached: &Reached, message: &Message<'_>) -> bool {
        let mut is_delivered = false;
        for subscription in &reached.plain {
            is_delivered |= self.deliver_to(subscription, message);
        }
        for group in &reached.groups {
            is_delivered |= self.deliver_to_one(group, message);
        }
        is_delivered
    }

    /// Starts at a random member and goes on to the next where one cannot take the message.
    fn deliver_to_one(&mut self, group: &Group<Arc<Subscription>>, message: &Message<'_>) -> bool {
        let count = group.members.len();
        let start = self.random_below(count);
        (0..count).any(|offset| self.deliver_to(&group.members[(start + offset) % count], message))
    }

    fn deliver_to(&mut self, subscription: &Arc<Subscription>, message: &Message<'_>) -> bool {
        match subscription.deliver(message, &self.client) {
            Delivery::Skipped => false,
            Delivery::Exhausted => {
                self.router.expire(subscription);
                false
            }
            Delivery::Delivered { appended, is_last } => {
                self.traffic.out_messages += 1;
                self.traffic.out_bytes += message.publish.body.len() as u64;
                self.note(&subscription.client, appended);
                if is_last {
                    self.router.expire(subscription);
                }
                true
            }
        }
    }

    /// Tells a requester that nobody listens: one 503 to a plain subscription of its own that takes the reply.
    fn report_no_responders(&mut self, publish: &Publish<'_>) {
        let Some(reply) = publish.reply.filter(|_| self.options.no_responders) else { return };
        let reached = self.router.find(reply);
        let Some(subscription) = reached.plain.iter().find(|subscription| subscription.client.id == self.client.id) else { return };
        let header = [b"NATS/1.0 503\r\nNats-Subject: ", publish.subject, b"\r\n\r\n"].concat();
        let sizes = format!(" {size} {size}\r\n", size = header.len());
        let line = [b"HMSG ", reply, b" ", &subscription.sid, sizes.as_bytes(), &header, b"\r\n"].concat();
        self.append(&line);
    }

    fn refuse_publication(&mut self, what: &str, subject: &[u8]) {
        self.router.counters.permission_violations.fetch_add(1, Relaxed);
        let what = if what.is_empty() { "to " } else { what };
        warn!(cid = self.client.id, user = self.user(), subject = %String::from_utf8_lossy(subject), "publish violation");
        self.error(&format!("Permissions Violation for Publish {what}{}", quoted(subject)));
    }

    /// A number below `limit`, good enough to spread work and cheap enough for each message (xorshift).
    pub(super) fn random_below(&mut self, limit: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random % limit.max(1) as u64).expect("the remainder is below a usize")
    }
}

fn has_prefix(subject: &[u8], prefixes: &[&[u8]]) -> bool {
    matches!(subject.first(), Some(b'_' | b'$')) && prefixes.iter().any(|prefix| subject.starts_with(prefix))
}
