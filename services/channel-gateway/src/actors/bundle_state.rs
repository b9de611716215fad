//! Knows the state of the bundle, for every page that shows it.

use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use argentum_bus::{Bus, Caller, Delivery};
use argentum_proto::control::v1::{BundleStatusChanged, GetStatusRequest, GetStatusResponse};
use argentum_service::Alive;
use tokio::sync::watch;
use tracing::debug;

/// An event may be lost, so the state is also asked for now and then.
const REFRESH: Duration = Duration::from_secs(5);

/// The last known state of the bundle.
pub(crate) struct BundleState {
    alive: Alive,
    bus: Bus,
    state: watch::Sender<Option<GetStatusResponse>>,
}

// === impl BundleState ===

impl BundleState {
    pub(crate) fn new(alive: Alive, bus: Bus, state: watch::Sender<Option<GetStatusResponse>>) -> Self {
        Self { alive, bus, state }
    }

    /// Asks for the state. No answer changes nothing: the orchestrator answers again, or this process ends with it.
    fn refresh(&mut self, context: &mut Context<Self>) {
        let bus = self.bus.clone();
        let asked = async move { bus.request(&Caller(bus.credential()), &GetStatusRequest {}).await };
        context.spawn(asked.into_actor(self).map(|answer, actor, _| match answer {
            Ok(status) => actor.state.send_modify(|state| *state = Some(status)),
            Err(fault) => debug!(%fault, "state of the bundle not known"),
        }));
    }
}

impl Actor for BundleState {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let (bus, actor) = (self.bus.clone(), context.address().recipient());
        self.alive.subscribe(context, async move { Ok(vec![bus.listen::<BundleStatusChanged>(actor).await?]) });
        self.refresh(context);
        context.run_interval(REFRESH, Self::refresh);
    }
}

impl Handler<Delivery<BundleStatusChanged>> for BundleState {
    type Result = ();

    fn handle(&mut self, Delivery { body, .. }: Delivery<BundleStatusChanged>, _: &mut Context<Self>) {
        self.state.send_modify(|state| *state = body.status);
    }
}
