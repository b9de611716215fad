//! The reading side of an answer that is a stream of frames.

use std::{
    marker::PhantomData,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use argentum_proto::{ids::Gateway, provider::v1::GrantCredit};
use async_nats::Client;
use futures::FutureExt;
use prost::Message;
use tokio::{sync::Notify, task::JoinHandle, time::timeout_at};
use tracing::debug;

use crate::{
    address::Address,
    bus::{Bus, open},
    credit::{BEAT, FRAMES_MAX, ReceiveCredit, SILENCE_MAX, cost},
    fault::{ErrorCode, Fault},
    inbox::StreamPlace,
    subjects::{Event, Frame, StreamRpc, Subject},
};

/// Frames that may wait to be read: all that credit allows, and what the writer sends without any while its reader sleeps.
const CAPACITY: usize = FRAMES_MAX + 64;

/// A streamed answer. Dropping it before its end tells the writer to stop.
#[derive(Debug)]
pub struct Frames<F> {
    place: StreamPlace,
    subject: Subject,
    next_sequence: u64,
    /// When the silence is too long.
    silent_at: Instant,
    is_over: bool,
    grants: Grants,
    _frame: PhantomData<fn() -> F>,
}

/// Tells the writer how much it may send. Goes on while nobody reads: who reads slowly is not dead.
#[derive(Debug)]
struct Grants {
    client: Client,
    subject: Subject,
    credit: Arc<Mutex<ReceiveCredit>>,
    is_due: Arc<Notify>,
    granting: JoinHandle<()>,
}

// === impl Frames ===

impl<F: Frame> Frames<F> {
    pub(crate) async fn ask<Q: StreamRpc<Frame = F>>(
        bus: &Bus,
        gateway: &Gateway,
        address: &Q::Address,
        request: &Q,
    ) -> Result<Self, Fault> {
        let subject = Subject::v1(Q::AREA, address.tokens().iter().map(String::as_str));
        let place = bus.inbox.stream_place(subject.as_str(), CAPACITY)?;
        bus.send_request(&subject, place.subject(), request).await?;
        let grants = Grants::start(bus.client.clone(), Subject::v1(GrantCredit::AREA, [gateway.as_str(), place.token()]));
        let silent_at = Instant::now() + Q::DEADLINE;
        Ok(Self { place, subject, next_sequence: 0, silent_at, is_over: false, grants, _frame: PhantomData })
    }

    /// The next frame; `None` after the last one. A fault is the last one, too: nothing follows. Safe to cancel.
    pub async fn next(&mut self) -> Option<Result<F, Fault>> {
        if self.is_over {
            return None;
        }
        let received = timeout_at(self.silent_at.into(), self.place.reply.recv()).await;
        let result = match received {
            Ok(Some(Ok(message))) => self.read(message),
            Ok(Some(Err(fault))) => Err(fault),
            Ok(None) => Err(Fault::internal(format!("the answer on `{}` came faster than was granted", self.subject))),
            Err(_) => Err(Fault::new(ErrorCode::Timeout, format!("the answer on `{}` went silent", self.subject))),
        };
        match &result {
            Ok(frame) => {
                self.silent_at = Instant::now() + SILENCE_MAX;
                self.is_over = frame.is_final();
                // Nobody takes a grant for what has ended.
                if self.is_over {
                    self.grants.end();
                }
            }
            Err(_) => self.give_up(),
        }
        Some(result)
    }

    fn read(&mut self, message: async_nats::Message) -> Result<F, Fault> {
        let bytes = message.payload.len();
        let frame: F = open(message, &self.subject)?;
        if frame.sequence() != self.next_sequence {
            return Err(Fault::unavailable("a part of the answer was lost on its way"));
        }
        self.next_sequence += 1;
        if frame.is_content() {
            self.grants.read(cost(bytes));
        }
        Ok(frame)
    }
}

impl<F> Frames<F> {
    /// Reads no more, and says so.
    fn give_up(&mut self) {
        self.is_over = true;
        self.grants.end();
        self.grants.cancel();
    }
}

impl<F> Drop for Frames<F> {
    fn drop(&mut self) {
        if !self.is_over {
            self.give_up();
        }
    }
}

// === impl Grants ===

impl Grants {
    fn start(client: Client, subject: Subject) -> Self {
        let credit = Arc::new(Mutex::new(ReceiveCredit::new(Instant::now())));
        let is_due = Arc::new(Notify::new());
        let granting = tokio::spawn(grant_all(client.clone(), subject.clone(), Arc::clone(&credit), Arc::clone(&is_due)));
        Self { client, subject, credit, is_due, granting }
    }

    fn read(&self, cost: u64) {
        let mut credit = lock(&self.credit);
        credit.read(cost);
        if credit.is_due() {
            self.is_due.notify_one();
        }
    }

    fn end(&self) {
        self.granting.abort();
    }

    /// Tells once that nothing more is wanted. Lost, it is the silence that tells.
    fn cancel(&self) {
        let grant = GrantCredit { credit_bytes: 0, cancelled: true };
        let published = self.client.publish(self.subject.as_str().to_owned(), grant.encode_to_vec().into()).now_or_never();
        debug!(is_sent = matches!(published, Some(Ok(()))), subject = self.subject.as_str(), "stream cancelled");
    }
}

async fn grant_all(client: Client, subject: Subject, credit: Arc<Mutex<ReceiveCredit>>, is_due: Arc<Notify>) {
    loop {
        let due_at = lock(&credit).due_at();
        // Either way it is time: so much was read, or so long was nothing said.
        let _ = timeout_at(due_at.into(), is_due.notified()).await;
        let grant = GrantCredit { credit_bytes: lock(&credit).grant(Instant::now()), cancelled: false };
        if let Err(error) = client.publish(subject.as_str().to_owned(), grant.encode_to_vec().into()).await {
            debug!(%error, "grant not sent");
            tokio::time::sleep(BEAT).await;
        }
    }
}

fn lock(credit: &Mutex<ReceiveCredit>) -> MutexGuard<'_, ReceiveCredit> {
    // No code that panics runs under this lock.
    credit.lock().unwrap_or_else(PoisonError::into_inner)
}
