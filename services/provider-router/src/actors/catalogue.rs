//! Tells which models can answer.

use actix::{Actor, AsyncContext, Context, Handler};
use argentum_bus::{Bus, Call, Fault};
use argentum_proto::provider::v1::{ListModelsRequest, ListModelsResponse};
use argentum_service::Alive;

use crate::models;

/// Lists answered at the same time.
const CONCURRENCY_MAX: usize = 16;

/// The catalogue of models.
pub(crate) struct Catalogue {
    alive: Alive,
    bus: Bus,
}

// === impl Catalogue ===

impl Catalogue {
    pub(crate) fn new(alive: Alive, bus: Bus) -> Self {
        Self { alive, bus }
    }
}

impl Actor for Catalogue {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let (bus, actor) = (self.bus.clone(), context.address().recipient());
        self.alive.subscribe(context, async move { Ok(vec![bus.serve::<ListModelsRequest>(actor, CONCURRENCY_MAX).await?]) });
    }
}

impl Handler<Call<ListModelsRequest>> for Catalogue {
    type Result = Result<ListModelsResponse, Fault>;

    fn handle(&mut self, _: Call<ListModelsRequest>, _: &mut Context<Self>) -> Self::Result {
        Ok(ListModelsResponse { models: models::list() })
    }
}
