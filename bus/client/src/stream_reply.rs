//! The writing side of an answer that is a stream of frames.

use std::{marker::PhantomData, sync::Arc, time::Instant};

use actix::Recipient;
use argentum_proto::{ids::StreamId, provider::v1::GrantCredit};
use async_nats::{Client, Message, Subscriber};
use futures::{FutureExt, StreamExt};
use tokio::{sync::watch, time::timeout_at};
use tracing::{debug, warn};

use crate::{
    address::Address,
    bus::{Bus, ConnectError, seal},
    credit::{BEAT, SendCredit, Unwanted, cost},
    fault::{ErrorCode, Fault},
    serve::Serving,
    subjects::{Frame, StreamRpc, Subject, parse_address},
    trace,
};

/// A request for a stream, as an actor receives it.
pub struct StreamCall<Q: StreamRpc> {
    /// Who asks, as enforced by the server.
    pub address: Q::Address,
    /// Names the stream in the caller's grants.
    pub stream: StreamId,
    pub body: Q,
    /// The span that asks; empty where it is part of no trace.
    pub traceparent: String,
    /// Dropped before its end, it tells the caller that the answer broke off.
    pub reply: StreamReply<Q::Frame>,
}

/// Where the frames of one answer go.
#[derive(Debug)]
pub struct StreamReply<F> {
    client: Client,
    subject: async_nats::Subject,
    credit: StreamCredit,
    grants: watch::Receiver<SendCredit>,
    next_sequence: u64,
    /// When the caller has to hear something.
    beat_at: Instant,
    is_over: bool,
    _frame: PhantomData<fn(F)>,
}

/// Where the caller's grants go. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StreamCredit(Arc<watch::Sender<SendCredit>>);

impl<Q: StreamRpc> actix::Message for StreamCall<Q> {
    type Result = ();
}

// === impl Bus ===

impl Bus {
    /// Has requests of type `Q` answered by `actor`, which decides how many at once. One that finds the mailbox full is told to wait.
    pub async fn serve_stream<Q: StreamRpc>(&self, actor: Recipient<StreamCall<Q>>) -> Result<Serving, ConnectError> {
        let pattern = Subject::pattern(Q::AREA, Q::Address::TOKENS);
        let queue = self.credential().token().to_owned();
        let requests = self.client.queue_subscribe(pattern.to_string(), queue).await.map_err(ConnectError::Inbox)?;
        Ok(Serving::new(tokio::spawn(hand_over_all(self.client.clone(), requests, actor))))
    }
}

async fn hand_over_all<Q: StreamRpc>(client: Client, mut requests: Subscriber, actor: Recipient<StreamCall<Q>>) {
    while let Some(request) = requests.next().await {
        let Some((address, stream, subject)) = asker::<Q>(&request) else { continue };
        let reply = StreamReply::new(client.clone(), subject);
        let traceparent = trace::received(request.headers.as_ref()).to_owned();
        let body = match Q::decode(request.payload) {
            Ok(body) => body,
            Err(error) => {
                reply.refuse(Fault::new(ErrorCode::InvalidArgument, format!("the request is not readable: {error}")));
                continue;
            }
        };
        if let Err(actix::prelude::SendError::Full(call)) = actor.try_send(StreamCall { address, stream, body, traceparent, reply }) {
            call.reply.refuse(Fault::new(ErrorCode::RateLimited, "too many requests at once; ask again"));
        }
    }
}

/// Who asks, the stream's name and where it goes; `None` where nobody is to be answered.
fn asker<Q: StreamRpc>(request: &Message) -> Option<(Q::Address, StreamId, async_nats::Subject)> {
    let subject = request.subject.as_str();
    let Some(address) = parse_address::<Q::Address>(subject, Q::AREA) else {
        warn!(subject, "request from an unknown sender dropped");
        return None;
    };
    let reply = request.reply.clone()?;
    // Whoever asks gets the answer in its own inbox and cannot make us write to another's.
    let token = address.inbox().and_then(|inbox| reply.strip_prefix(&inbox)?.strip_prefix('.')?.parse().ok());
    let Some(stream) = token else {
        warn!(subject, reply = reply.as_str(), "request with a foreign reply subject dropped");
        return None;
    };
    Some((address, stream, reply))
}

// === impl StreamReply ===

impl<F: Frame> StreamReply<F> {
    fn new(client: Client, subject: async_nats::Subject) -> Self {
        let now = Instant::now();
        let (credit, grants) = watch::channel(SendCredit::new(now));
        let credit = StreamCredit(Arc::new(credit));
        Self { client, subject, credit, grants, next_sequence: 0, beat_at: now, is_over: false, _frame: PhantomData }
    }

    /// Where the caller's grants go.
    pub fn credit(&self) -> StreamCredit {
        self.credit.clone()
    }

    /// Sends a frame once there is credit for it. It should be far smaller than the window; see [`crate::FRAME_BYTES_MAX`].
    pub async fn send(&mut self, mut frame: F) -> Result<(), Unwanted> {
        frame.set_sequence(self.next_sequence);
        let bytes = frame.encode_to_vec();
        if frame.is_content() {
            self.take_credit(cost(bytes.len())).await?;
        }
        self.publish(bytes).await;
        self.is_over = frame.is_final();
        Ok(())
    }

    /// Resolves when nobody wants more; until then it tells the caller that we live. Safe to cancel.
    pub async fn unwanted(&mut self) -> Unwanted {
        loop {
            let now = Instant::now();
            let credit = self.grants.borrow_and_update().clone();
            if let Err(unwanted) = credit.standing(now) {
                return self.end(unwanted);
            }
            if self.beat_at <= now {
                let mut beat = F::waiting();
                beat.set_sequence(self.next_sequence);
                self.publish(beat.encode_to_vec()).await;
            }
            // The sender lives as long as we do, so this is a grant or the time.
            let _ = timeout_at(self.beat_at.min(credit.silent_at()).into(), self.grants.changed()).await;
        }
    }

    /// Ends the stream with a fault.
    pub fn refuse(mut self, fault: Fault) {
        self.break_off(fault);
    }

    async fn take_credit(&mut self, cost: u64) -> Result<(), Unwanted> {
        loop {
            let credit = self.grants.borrow_and_update().clone();
            if let Err(unwanted) = credit.standing(Instant::now()) {
                return Err(self.end(unwanted));
            }
            let mut is_taken = false;
            self.credit.0.send_if_modified(|credit| {
                is_taken = credit.take(cost);
                // Nobody waits for this change.
                false
            });
            if is_taken {
                return Ok(());
            }
            // The sender lives as long as we do, so this is a grant or the time.
            let _ = timeout_at(credit.silent_at().into(), self.grants.changed()).await;
        }
    }

    /// A number is used up only by a frame that was handed over: who is cancelled in here leaves no gap.
    async fn publish(&mut self, frame: Vec<u8>) {
        if let Err(error) = self.client.publish(self.subject.clone(), frame.into()).await {
            // The gap tells the caller.
            warn!(%error, "frame lost");
        }
        self.next_sequence += 1;
        self.beat_at = Instant::now() + BEAT;
    }
}

impl<F> StreamReply<F> {
    fn end(&mut self, unwanted: Unwanted) -> Unwanted {
        match unwanted {
            Unwanted::Cancelled => self.is_over = true,
            // It may live after all, with its grants lost.
            Unwanted::Silent => self.break_off(Fault::new(ErrorCode::Timeout, "the caller went silent")),
        }
        unwanted
    }

    fn break_off(&mut self, fault: Fault) {
        self.is_over = true;
        let (headers, payload) = seal(fault);
        let published = self.client.publish_with_headers(self.subject.clone(), headers, payload.into()).now_or_never();
        debug!(is_sent = matches!(published, Some(Ok(()))), subject = self.subject.as_str(), "stream broken off");
    }
}

impl<F> Drop for StreamReply<F> {
    fn drop(&mut self) {
        if !self.is_over {
            self.break_off(Fault::unavailable("the answer broke off"));
        }
    }
}

// === impl StreamCredit ===

impl StreamCredit {
    /// The caller was heard.
    pub fn granted(&self, grant: &GrantCredit) {
        self.0.send_modify(|credit| credit.granted(grant.credit_bytes, grant.cancelled, Instant::now()));
    }
}
