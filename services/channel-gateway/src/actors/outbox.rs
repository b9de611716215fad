//! Drives the outbox of one account: hears offers, reports to the router, sends by the channel.
//!
//! The actor is the memory of one incarnation. When it is rebuilt, the new one has a new name, and what the old one had taken is unknown.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, SpawnHandle, WrapFuture};
use argentum_bus::{Account, AccountBus, Call, Delivery, Fault};
use argentum_proto::{
    channel::v1::{AskHelloRequest, AskHelloResponse, OutboundReady, ReportDeliveryRequest, SayHelloRequest},
    ids::Incarnation,
};
use argentum_service::Alive;
use futures::FutureExt;
use tracing::{Instrument, debug, warn};
use ulid::Ulid;

use crate::{
    channel::Sender,
    metrics,
    outbox::{self, Effect, Input, Part},
    spans,
};

/// Questions who lives that are answered at the same time.
const CONCURRENCY_MAX: usize = 4;
/// Wait before hello is said again.
const HELLO_AGAIN: Duration = Duration::from_millis(500);

/// The outbox of one account.
pub(crate) struct Outbox {
    alive: Alive,
    bus: AccountBus,
    sender: Arc<dyn Sender>,
    memory: outbox::Outbox,
    began: Instant,
    timer: Option<SpawnHandle>,
}

// === impl Outbox ===

impl Outbox {
    pub(crate) fn new(alive: Alive, bus: AccountBus, sender: Arc<dyn Sender>) -> Self {
        let incarnation = Incarnation::parse(Ulid::new().to_string()).expect("a ULID is letters and digits");
        let memory = outbox::Outbox::new(incarnation, sender.split());
        Self { alive, bus, sender, memory, began: Instant::now(), timer: None }
    }

    fn address(&self) -> Account {
        Account(self.bus.gateway().clone())
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn tell(&mut self, input: Input, context: &mut Context<Self>) {
        let now_ms = self.now_ms();
        match self.memory.handle(input, now_ms) {
            Ok(effects) => effects.into_iter().for_each(|effect| self.carry_out(effect, context)),
            Err(error) => warn!(%error, "an offer that cannot be read"),
        }
        self.set_timer(context);
    }

    fn carry_out(&mut self, effect: Effect, context: &mut Context<Self>) {
        match effect {
            Effect::Report { request, report } => self.report(request, *report, context),
            Effect::Send(part) => self.send(*part, context),
        }
    }

    /// Tells the router. No answer is no answer: the memory repeats it.
    fn report(&self, request: u64, report: ReportDeliveryRequest, context: &mut Context<Self>) {
        let (bus, address) = (self.bus.clone(), self.address());
        let asked = async move { (report.outbound_id.parse(), bus.request(&address, &report).await) };
        context.spawn(asked.into_actor(self).map(move |(outbound, answer), outbox, context| match (outbound, answer) {
            (Ok(outbound), Ok(response)) => outbox.tell(Input::Answered { request, outbound, response }, context),
            (_, Err(fault)) => debug!(%fault, "report not answered"),
            (Err(error), _) => warn!(%error, "report not understood"),
        }));
    }

    fn send(&self, part: Part, context: &mut Context<Self>) {
        let id = part.id;
        let (span, gateway) = (spans::send(self.bus.gateway(), &part), self.bus.gateway().clone());
        let sending = self.sender.send(part).instrument(span).inspect(move |outcome| metrics::sent(&gateway, outcome));
        context
            .spawn(sending.into_actor(self).map(move |outcome, outbox, context| outbox.tell(Input::Ended { part: id, outcome }, context)));
    }

    fn set_timer(&mut self, context: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            context.cancel_future(timer);
        }
        let Some(due_ms) = self.memory.next_due_ms() else { return };
        self.timer = Some(context.run_later(Duration::from_millis(due_ms.saturating_sub(self.now_ms())), |outbox, context| {
            outbox.timer = None;
            outbox.tell(Input::Tick, context);
        }));
    }

    /// Says which memory is the current one, until the router has heard it.
    fn say_hello(&mut self, context: &mut Context<Self>) {
        let (bus, address) = (self.bus.clone(), self.address());
        let request = SayHelloRequest { incarnation: self.memory.incarnation().to_string() };
        let said = async move { bus.request(&address, &request).await };
        context.spawn(said.into_actor(self).map(|answer, _, context| {
            if let Err(fault) = answer {
                debug!(%fault, "nobody heard hello");
                context.run_later(HELLO_AGAIN, Self::say_hello);
            }
        }));
    }
}

impl Actor for Outbox {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let (bus, actor) = (self.bus.clone(), context.address());
        self.alive.subscribe(context, async move {
            Ok(vec![
                bus.serve::<AskHelloRequest>(actor.clone().recipient(), CONCURRENCY_MAX).await?,
                bus.listen::<OutboundReady>(actor.recipient()).await?,
            ])
        });
        self.say_hello(context);
    }
}

impl Handler<Delivery<OutboundReady>> for Outbox {
    type Result = ();

    fn handle(&mut self, Delivery { body, .. }: Delivery<OutboundReady>, context: &mut Context<Self>) {
        self.tell(Input::Offered(body), context);
    }
}

impl Handler<Call<AskHelloRequest>> for Outbox {
    type Result = Result<AskHelloResponse, Fault>;

    fn handle(&mut self, _: Call<AskHelloRequest>, _: &mut Context<Self>) -> Self::Result {
        Ok(AskHelloResponse { incarnation: self.memory.incarnation().to_string() })
    }
}
