//! Creates, lists and revokes keys of the API for whoever shows the operator's right.

use std::{rc::Rc, sync::Arc};

use actix::{Actor, AsyncContext, Context, Handler, ResponseFuture};
use argentum_bus::{Bus, Call, Credential, ErrorCode, Fault};
use argentum_proto::{
    channel::v1::{
        CreateApiKeyRequest, CreateApiKeyResponse, ListApiKeysRequest, ListApiKeysResponse, RevokeApiKeyRequest, RevokeApiKeyResponse,
    },
    control::v1::SignedRight,
};
use argentum_service::{Alive, Process, Subscribed, right, unix_ms};

use crate::key_ring::KeyRing;

/// Requests of one kind at the same time.
const CONCURRENCY_MAX: usize = 4;

/// The keeper of the API's keys.
pub(crate) struct ApiKeys {
    alive: Alive,
    bus: Bus,
    process: Rc<Process>,
    ring: Arc<KeyRing>,
}

// === impl ApiKeys ===

impl ApiKeys {
    pub(crate) fn supervise(bus: &Bus, process: &Rc<Process>, ring: &Arc<KeyRing>) -> Subscribed {
        let (bus, shared, ring) = (bus.clone(), Rc::clone(process), Arc::clone(ring));
        process.supervisor().supervise("api-keys", move |alive| Self::new(alive, bus.clone(), Rc::clone(&shared), Arc::clone(&ring)))
    }

    fn new(alive: Alive, bus: Bus, process: Rc<Process>, ring: Arc<KeyRing>) -> Self {
        Self { alive, bus, process, ring }
    }

    /// Does `work`, which waits for the disk, for whoever may have `verb` done.
    fn work<T: Send + 'static>(
        &self,
        verb: &str,
        right: Option<&SignedRight>,
        work: impl FnOnce(&KeyRing) -> Result<T, Fault> + Send + 'static,
    ) -> ResponseFuture<Result<T, Fault>> {
        let allowed = right::check(self.process.operator_key(), verb, Credential::ChannelGateway, right, unix_ms());
        let ring = Arc::clone(&self.ring);
        Box::pin(async move {
            allowed?;
            tokio::task::spawn_blocking(move || work(&ring)).await.map_err(|error| Fault::internal(error.to_string()))?
        })
    }
}

impl Actor for ApiKeys {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let (bus, actor) = (self.bus.clone(), context.address());
        self.alive.subscribe(context, async move {
            Ok(vec![
                bus.serve::<CreateApiKeyRequest>(actor.clone().recipient(), CONCURRENCY_MAX).await?,
                bus.serve::<ListApiKeysRequest>(actor.clone().recipient(), CONCURRENCY_MAX).await?,
                bus.serve::<RevokeApiKeyRequest>(actor.recipient(), CONCURRENCY_MAX).await?,
            ])
        });
    }
}

impl Handler<Call<CreateApiKeyRequest>> for ApiKeys {
    type Result = ResponseFuture<Result<CreateApiKeyResponse, Fault>>;

    fn handle(&mut self, Call { body, .. }: Call<CreateApiKeyRequest>, _: &mut Context<Self>) -> Self::Result {
        let CreateApiKeyRequest { right, name, sha256, valid_for_ms } = body;
        self.work("key-create", right.as_ref(), move |ring| {
            let sha256 = sha256.as_ref().try_into().map_err(|_| Fault::new(ErrorCode::InvalidArgument, "a hash has 32 bytes"))?;
            Ok(CreateApiKeyResponse { key: Some(ring.create(sha256, &name, valid_for_ms)?) })
        })
    }
}

impl Handler<Call<ListApiKeysRequest>> for ApiKeys {
    type Result = ResponseFuture<Result<ListApiKeysResponse, Fault>>;

    fn handle(&mut self, Call { body, .. }: Call<ListApiKeysRequest>, _: &mut Context<Self>) -> Self::Result {
        self.work("key-list", body.right.as_ref(), |ring| Ok(ListApiKeysResponse { keys: ring.list() }))
    }
}

impl Handler<Call<RevokeApiKeyRequest>> for ApiKeys {
    type Result = ResponseFuture<Result<RevokeApiKeyResponse, Fault>>;

    fn handle(&mut self, Call { body, .. }: Call<RevokeApiKeyRequest>, _: &mut Context<Self>) -> Self::Result {
        let RevokeApiKeyRequest { right, key } = body;
        self.work("key-revoke", right.as_ref(), move |ring| Ok(RevokeApiKeyResponse { key: Some(ring.revoke(&key)?) }))
    }
}
