//! Tells which models can answer, and whether a provider does.

use std::{rc::Rc, sync::Arc, time::Instant};

use actix::{Actor, AsyncContext, Context, Handler, ResponseFuture};
use argentum_bus::{Bus, Call, Credential, ErrorCode, Fault};
use argentum_proto::provider::v1::{ListModelsRequest, ListModelsResponse, TestProviderRequest, TestProviderResponse};
use argentum_service::{Alive, Process, right, unix_ms};

use crate::routing::Routing;

/// Lists answered at the same time.
const CONCURRENCY_MAX: usize = 16;
/// Providers tested at the same time.
const TESTS_MAX: usize = 4;

/// The catalogue of models.
pub(crate) struct Catalogue {
    alive: Alive,
    bus: Bus,
    routing: Arc<Routing>,
    process: Rc<Process>,
}

// === impl Catalogue ===

impl Catalogue {
    pub(crate) fn new(alive: Alive, bus: Bus, routing: Arc<Routing>, process: Rc<Process>) -> Self {
        Self { alive, bus, routing, process }
    }
}

impl Actor for Catalogue {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let (bus, lists, tests) = (self.bus.clone(), context.address().recipient(), context.address().recipient());
        self.alive.subscribe(context, async move {
            Ok(vec![
                bus.serve::<ListModelsRequest>(lists, CONCURRENCY_MAX).await?,
                bus.serve::<TestProviderRequest>(tests, TESTS_MAX).await?,
            ])
        });
    }
}

impl Handler<Call<ListModelsRequest>> for Catalogue {
    type Result = ResponseFuture<Result<ListModelsResponse, Fault>>;

    fn handle(&mut self, _: Call<ListModelsRequest>, _: &mut Context<Self>) -> Self::Result {
        let routing = Arc::clone(&self.routing);
        Box::pin(async move { Ok(ListModelsResponse { models: routing.models().await }) })
    }
}

impl Handler<Call<TestProviderRequest>> for Catalogue {
    type Result = ResponseFuture<Result<TestProviderResponse, Fault>>;

    fn handle(&mut self, Call { body, .. }: Call<TestProviderRequest>, _: &mut Context<Self>) -> Self::Result {
        let allowed =
            right::check(self.process.operator_key(), "provider-test", Credential::ProviderRouter, body.right.as_ref(), unix_ms());
        let routing = Arc::clone(&self.routing);
        Box::pin(async move {
            allowed?;
            test(&routing, &body.provider).await
        })
    }
}

async fn test(routing: &Routing, provider: &str) -> Result<TestProviderResponse, Fault> {
    let began = Instant::now();
    let unknown = || Fault::new(ErrorCode::NotFound, format!("there is no provider `{provider}`; `argentum provider list` tells them"));
    let models = routing.test(provider).await.ok_or_else(unknown)?;
    let models = models.map_err(|failure| Fault::unavailable(format!("provider `{provider}`: {}", failure.detail)))?;
    Ok(TestProviderResponse { models, took_ms: u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX) })
}
