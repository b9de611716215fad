//! From the bus to an actor's mailbox and back.

use std::{sync::Arc, time::Instant};

use actix::Recipient;
use async_nats::{Message, Subscriber};
use futures::StreamExt;
use tokio::{sync::Semaphore, task::JoinHandle};
use tracing::{Instrument, Span, error, info_span, warn};

use crate::{
    address::Address,
    bus::{Bus, ConnectError, seal},
    fault::{ErrorCode, Fault},
    meter,
    subjects::{Event, Names, Rpc, Subject, parse_address},
    trace,
};

/// A request from the bus, as an actor receives it. What the handler returns is the reply.
pub struct Call<Q: Rpc> {
    /// Who asks, as enforced by the server.
    pub address: Q::Address,
    pub body: Q,
    /// The span that serves it, for what comes of it later; empty where it is part of no trace.
    pub traceparent: String,
}

/// An event from the bus, as an actor receives it.
pub struct Delivery<E: Event> {
    pub address: E::Address,
    pub body: E,
}

/// A subscription; dropping it ends it.
#[derive(Debug)]
pub struct Serving(JoinHandle<()>);

impl<Q: Rpc> actix::Message for Call<Q> {
    type Result = Result<Q::Reply, Fault>;
}

impl<E: Event> actix::Message for Delivery<E> {
    type Result = ();
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

// === impl Serving ===

impl Serving {
    pub(crate) fn new(task: JoinHandle<()>) -> Self {
        Self(task)
    }
}

// === impl Bus ===

impl Bus {
    /// Answers requests of type `Q` by `actor`, at most `concurrency_max` at once; beyond that the asker is told to wait.
    ///
    /// Requests enter the mailbox in the order in which they arrived.
    pub async fn serve<Q: Rpc>(&self, actor: Recipient<Call<Q>>, concurrency_max: usize) -> Result<Serving, ConnectError> {
        self.serve_on(Subject::pattern(Q::AREA, Q::Address::TOKENS), self.credential().token(), actor, concurrency_max).await
    }

    /// Answers requests on `pattern`. `queue` is the name of who serves: two servers never both answer.
    pub(crate) async fn serve_on<Q: Rpc>(
        &self,
        pattern: Subject,
        queue: &str,
        actor: Recipient<Call<Q>>,
        concurrency_max: usize,
    ) -> Result<Serving, ConnectError> {
        let requests = self.client.queue_subscribe(pattern.to_string(), queue.to_owned()).await.map_err(ConnectError::Inbox)?;
        Ok(Serving(tokio::spawn(answer_all(self.clone(), requests, actor, concurrency_max))))
    }

    /// Delivers events of type `E`, whatever their address, to `actor`. One that finds the mailbox full is dropped, and said to be.
    pub async fn listen<E: Event>(&self, actor: Recipient<Delivery<E>>) -> Result<Serving, ConnectError> {
        self.listen_on(Subject::pattern(E::AREA, E::Address::TOKENS), actor).await
    }

    pub(crate) async fn listen_on<E: Event>(&self, pattern: Subject, actor: Recipient<Delivery<E>>) -> Result<Serving, ConnectError> {
        let events = self.client.subscribe(pattern.to_string()).await.map_err(ConnectError::Inbox)?;
        Ok(Serving(tokio::spawn(deliver_all(events, actor))))
    }
}

async fn answer_all<Q: Rpc>(bus: Bus, mut requests: Subscriber, actor: Recipient<Call<Q>>, concurrency_max: usize) {
    let places = Arc::new(Semaphore::new(concurrency_max));
    while let Some(request) = requests.next().await {
        let Some((address, reply)) = asker::<Q>(&request) else { continue };
        let traceparent = trace::received(request.headers.as_ref()).to_owned();
        let body = match Q::decode(request.payload) {
            Ok(body) => body,
            Err(error) => {
                let fault = Fault::new(ErrorCode::InvalidArgument, format!("the request is not readable: {error}"));
                send(&bus, reply, Err::<Q::Reply, _>(fault)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            send(&bus, reply, Err::<Q::Reply, _>(Fault::new(ErrorCode::RateLimited, "too many requests at once; ask again"))).await;
            continue;
        };
        let since = Instant::now();
        let span = serving::<Q>(&traceparent);
        let traceparent = span.in_scope(trace::current);
        let mut answer = Box::pin(actor.send(Call { address, body, traceparent }));
        // The first poll puts the call into the mailbox: here, so that the order of arrival is kept.
        let first = futures::poll!(&mut answer);
        let bus = bus.clone();
        tokio::spawn(
            async move {
                let result = match first {
                    std::task::Poll::Ready(result) => result,
                    std::task::Poll::Pending => answer.await,
                };
                let result = result.unwrap_or_else(|_| Err(Fault::unavailable("the actor in charge has just failed; ask again")));
                meter::served(Q::AREA, since, &result);
                send(&bus, reply, result).await;
                drop(place);
            }
            .instrument(span),
        );
    }
}

/// The span of a request that is part of a trace.
fn serving<Q: Rpc>(traceparent: &str) -> Span {
    if traceparent.is_empty() {
        return Span::none();
    }
    let span = info_span!(
        "process",
        otel.name = format!("process {}", Q::AREA.join(".")),
        otel.kind = "consumer",
        messaging.system = "nats",
        messaging.operation.type = "process",
        messaging.destination.template = Q::AREA.join("."),
    );
    trace::beneath(span, traceparent)
}

/// Who asks and where the reply goes; `None` where nobody is to be answered.
fn asker<Q: Rpc>(request: &Message) -> Option<(Q::Address, async_nats::Subject)> {
    let subject = request.subject.as_str();
    let Some(address) = parse_address::<Q::Address>(subject, Q::AREA) else {
        warn!(subject, "request from an unknown sender dropped");
        return None;
    };
    let reply = request.reply.clone()?;
    // Whoever asks gets the answer in its own inbox and cannot make us write to another's.
    let inbox = match Q::NAMES {
        Names::ReceiverAccount => Some(Q::SENDER.inbox()),
        _ => address.inbox(),
    };
    let is_own_inbox = inbox.is_some_and(|inbox| reply.strip_prefix(&inbox).is_some_and(|rest| rest.starts_with('.')));
    if !is_own_inbox {
        warn!(subject, reply = reply.as_str(), "request with a foreign reply subject dropped");
        return None;
    }
    Some((address, reply))
}

async fn send<R: prost::Message>(bus: &Bus, reply: async_nats::Subject, result: Result<R, Fault>) {
    let sent = match result {
        Ok(body) => bus.client.publish(reply, body.encode_to_vec().into()).await,
        Err(fault) => {
            let (headers, payload) = seal(fault);
            bus.client.publish_with_headers(reply, headers, payload.into()).await
        }
    };
    if let Err(error) = sent {
        error!(%error, "reply lost");
    }
}

async fn deliver_all<E: Event>(mut events: Subscriber, actor: Recipient<Delivery<E>>) {
    while let Some(event) = events.next().await {
        let subject = event.subject.as_str();
        let Some(address) = parse_address::<E::Address>(subject, E::AREA) else {
            warn!(subject, "event from an unknown sender dropped");
            continue;
        };
        match E::decode(event.payload.clone()) {
            Ok(body) => {
                if let Err(error) = actor.try_send(Delivery { address, body }) {
                    warn!(subject, %error, "event dropped");
                }
            }
            Err(error) => warn!(subject, %error, "unreadable event dropped"),
        }
    }
}
