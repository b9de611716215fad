//! The bus as one account of a platform sees it: own inbox, own subjects.

use actix::Recipient;
use argentum_proto::ids::Gateway;

use crate::{
    address::{Address, account_inbox},
    bus::{Bus, ConnectError},
    fault::Fault,
    frames::Frames,
    inbox::Inbox,
    serve::{Call, Delivery, Serving},
    subjects::{Event, Rpc, StreamRpc, Subject},
};

/// A connection that speaks for one account. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AccountBus {
    bus: Bus,
    gateway: Gateway,
}

// === impl AccountBus ===

impl AccountBus {
    pub(crate) async fn new(bus: &Bus, gateway: Gateway) -> Result<Self, ConnectError> {
        let inbox = Inbox::new(account_inbox(&gateway));
        Ok(Self { bus: bus.with_inbox(inbox).await?, gateway })
    }

    /// The account.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Asks for the account; see [`Bus::request`].
    pub async fn request<Q: Rpc>(&self, address: &Q::Address, request: &Q) -> Result<Q::Reply, Fault> {
        self.bus.request(address, request).await
    }

    /// Asks for an answer that is a stream of frames. What was asked is under way when this returns; a fault comes as the first frame
    /// would. Dropping the frames tells the writer to stop.
    pub async fn request_stream<Q: StreamRpc>(&self, address: &Q::Address, request: &Q) -> Result<Frames<Q::Frame>, Fault> {
        Frames::ask(&self.bus, &self.gateway, address, request).await
    }

    /// Answers requests that are meant for the account; see [`Bus::serve`].
    pub async fn serve<Q: Rpc>(&self, actor: Recipient<Call<Q>>, concurrency_max: usize) -> Result<Serving, ConnectError> {
        self.bus.serve_on(self.pattern::<Q::Address>(Q::AREA), self.gateway.as_str(), actor, concurrency_max).await
    }

    /// Delivers events that are meant for the account; see [`Bus::listen`].
    pub async fn listen<E: Event>(&self, actor: Recipient<Delivery<E>>) -> Result<Serving, ConnectError> {
        self.bus.listen_on(self.pattern::<E::Address>(E::AREA), actor).await
    }

    fn pattern<A: Address>(&self, area: &[&str]) -> Subject {
        let rest = std::iter::repeat_n("*", A::TOKENS.saturating_sub(1));
        Subject::v1(area, std::iter::once(self.gateway.as_str()).chain(rest))
    }
}
