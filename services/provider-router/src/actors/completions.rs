//! Completions of `/v1` under way: each on a task of its own, under the credit that its caller grants.

mod streaming;

use std::{collections::HashMap, rc::Rc, sync::Arc};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use argentum_bus::{AccountStream, Bus, Delivery, ErrorCode, Fault, StreamCall, StreamCredit, trace};
use argentum_proto::provider::v1::{CompleteRequest, GrantCredit};
use argentum_service::{Alive, Process, Subscribed};
use tracing::{Instrument, debug, info_span};

use super::turns::Ledger;
use crate::routing::Routing;
use streaming::Streaming;

/// Completions at the same time; further ones are told to wait.
const STREAMS_MAX: usize = 64;
/// Messages in the mailbox: requests, and the grants of all streams.
const MAILBOX_CAPACITY: usize = 1_024;

/// Who answers, and where what that costs is kept. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Backing {
    pub(crate) routing: Arc<Routing>,
    pub(crate) ledger: Ledger,
}

/// The completions of this router.
pub(crate) struct Completions {
    alive: Alive,
    bus: Bus,
    process: Rc<Process>,
    backing: Backing,
    /// Where the grants of each go.
    credits: HashMap<AccountStream, StreamCredit>,
}

// === impl Completions ===

impl Completions {
    pub(crate) fn supervise(bus: &Bus, process: &Rc<Process>, backing: Backing) -> Subscribed {
        let (bus, shared) = (bus.clone(), Rc::clone(process));
        process.supervisor().supervise("completions", move |alive| Self::new(alive, bus.clone(), Rc::clone(&shared), backing.clone()))
    }

    fn new(alive: Alive, bus: Bus, process: Rc<Process>, backing: Backing) -> Self {
        Self { alive, bus, process, backing, credits: HashMap::new() }
    }

    /// Why no further stream is taken now.
    fn refusal(&self) -> Option<Fault> {
        if self.process.quiescing().is_cancelled() {
            Some(Fault::unavailable("the router is being restarted; ask again"))
        } else if STREAMS_MAX <= self.credits.len() {
            Some(Fault::new(ErrorCode::RateLimited, format!("{STREAMS_MAX} completions are under way; ask again")))
        } else {
            None
        }
    }
}

impl Actor for Completions {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.set_mailbox_capacity(MAILBOX_CAPACITY);
        let (bus, actor) = (self.bus.clone(), context.address());
        self.alive.subscribe(context, async move {
            // Grants first: none may be missed.
            let grants = bus.listen::<GrantCredit>(actor.clone().recipient()).await?;
            Ok(vec![grants, bus.serve_stream::<CompleteRequest>(actor.recipient()).await?])
        });
    }
}

impl Handler<StreamCall<CompleteRequest>> for Completions {
    type Result = ();

    fn handle(&mut self, call: StreamCall<CompleteRequest>, context: &mut Context<Self>) {
        let StreamCall { address, stream, body, traceparent, reply } = call;
        if let Some(fault) = self.refusal() {
            return reply.refuse(fault);
        }
        let name = AccountStream { gateway: address.0, stream };
        self.credits.insert(name.clone(), reply.credit());
        let streaming = Streaming::new(self.backing.clone(), self.process.quiescing().clone());
        let span = trace::beneath(info_span!("complete", otel.kind = "client", gen_ai.operation.name = "chat"), &traceparent);
        // The drain waits for it, and it settles what it cost also when this actor is rebuilt.
        let running = self.process.work().spawn(streaming.run(body.body, reply).instrument(span));
        context.spawn(running.into_actor(self).map(move |ended, actor, _| {
            debug!(stream = %name.stream, is_panicked = ended.is_err(), "completion ended");
            actor.credits.remove(&name);
        }));
    }
}

impl Handler<Delivery<GrantCredit>> for Completions {
    type Result = ();

    fn handle(&mut self, Delivery { address, body }: Delivery<GrantCredit>, _: &mut Context<Self>) {
        // One that nobody waits for is late, or for another router.
        if let Some(credit) = self.credits.get(&address) {
            credit.granted(&body);
        }
    }
}
