//! Hands the progress of the page's turns to every open page.

use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler};
use argentum_bus::{AccountBus, Delivery};
use argentum_proto::channel::v1::TurnProgressed;
use argentum_service::Alive;
use tokio::sync::broadcast;

/// What a slow page may be behind before it has to ask for a snapshot.
pub(crate) const BEHIND_MAX: usize = 1_024;

/// The progress of the page's turns.
pub(crate) struct Progress {
    alive: Alive,
    bus: AccountBus,
    pages: broadcast::Sender<Arc<TurnProgressed>>,
}

// === impl Progress ===

impl Progress {
    pub(crate) fn new(alive: Alive, bus: AccountBus, pages: broadcast::Sender<Arc<TurnProgressed>>) -> Self {
        Self { alive, bus, pages }
    }
}

impl Actor for Progress {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.set_mailbox_capacity(BEHIND_MAX);
        let (bus, actor) = (self.bus.clone(), context.address().recipient());
        self.alive.subscribe(context, async move { Ok(vec![bus.listen::<TurnProgressed>(actor).await?]) });
    }
}

impl Handler<Delivery<TurnProgressed>> for Progress {
    type Result = ();

    fn handle(&mut self, Delivery { body, .. }: Delivery<TurnProgressed>, _: &mut Context<Self>) {
        // No open page is no fault.
        let _ = self.pages.send(Arc::new(body));
    }
}
