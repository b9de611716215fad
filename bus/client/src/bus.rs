//! A connection to the bus with an identity.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use argentum_proto::ids::Gateway;
use async_nats::{Client, ConnectOptions, HeaderMap, Message, StatusCode};
use futures::{FutureExt, StreamExt};
use tokio::time::timeout;
use tracing::debug;

use crate::{
    account::AccountBus,
    address::{Address, Credential},
    events,
    fault::{ErrorCode, Fault},
    inbox::Inbox,
    meter,
    subjects::{Event, Rpc, Subject},
    trace,
};

/// Header of a reply that is a [`Fault`]: its code. The payload is then its text.
pub(crate) const ERROR_HEADER: &str = "Argentum-Error";

/// Messages that one subscription holds before the client library drops them (it then says so).
const SUBSCRIPTION_CAPACITY: usize = 8_192;

const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// How to reach the bus, and as whom.
pub struct Login {
    /// `host:port`.
    pub address: String,
    pub credential: Credential,
    /// Nkey seed. Secret, hence no `Debug`.
    pub seed: String,
}

/// Why there is no connection to the bus.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("failed to connect to the bus at `{address}` as `{credential}`")]
    Connect {
        address: String,
        credential: Credential,
        #[source]
        source: async_nats::ConnectError,
    },
    #[error("failed to subscribe to replies")]
    Inbox(#[source] async_nats::SubscribeError),
}

/// A connection to the bus. Cheap to clone; all clones share the connection.
#[derive(Clone, Debug)]
pub struct Bus {
    pub(crate) client: Client,
    credential: Credential,
    pub(crate) inbox: Arc<Inbox>,
}

// === impl Bus ===

impl Bus {
    /// Connects, and returns once the server has let us in.
    pub async fn connect(login: &Login) -> Result<Self, ConnectError> {
        let (address, credential) = (login.address.clone(), login.credential);
        let inbox = Inbox::new(credential.inbox());
        let observed = Arc::clone(&inbox);
        let client = ConnectOptions::with_nkey(login.seed.clone())
            .name(credential.token())
            .custom_inbox_prefix(credential.inbox())
            .connection_timeout(CONNECT_DEADLINE)
            .subscription_capacity(SUBSCRIPTION_CAPACITY)
            .ignore_discovered_servers()
            .event_callback(move |event| {
                events::observe(&event, &observed);
                async {}
            })
            .connect(&address)
            .await
            .map_err(|source| ConnectError::Connect { address, credential, source })?;
        Self { client, credential, inbox: Arc::clone(&inbox) }.with_inbox(inbox).await
    }

    /// The same connection, with replies to `inbox`.
    pub(crate) async fn with_inbox(&self, inbox: Arc<Inbox>) -> Result<Self, ConnectError> {
        let mut replies = self.client.subscribe(inbox.pattern()).await.map_err(ConnectError::Inbox)?;
        let delivered = Arc::clone(&inbox);
        tokio::spawn(async move {
            while let Some(reply) = replies.next().await {
                delivered.deliver(reply);
            }
        });
        Ok(Self { client: self.client.clone(), credential: self.credential, inbox })
    }

    /// Speaks for one account of a platform; only the gateway that runs it may.
    pub async fn account(&self, gateway: Gateway) -> Result<AccountBus, ConnectError> {
        AccountBus::new(self, gateway).await
    }

    /// As whom we speak.
    pub fn credential(&self) -> Credential {
        self.credential
    }

    /// Asks, and waits for the answer until the deadline of the request.
    ///
    /// A [`ErrorCode::Timeout`] says nothing about whether the work was done: every request is safe to repeat.
    pub async fn request<Q: Rpc>(&self, address: &Q::Address, request: &Q) -> Result<Q::Reply, Fault> {
        let since = Instant::now();
        let result = self.ask(address, request).await;
        meter::asked(Q::AREA, since, &result);
        result
    }

    async fn ask<Q: Rpc>(&self, address: &Q::Address, request: &Q) -> Result<Q::Reply, Fault> {
        let subject = Subject::v1(Q::AREA, address.tokens().iter().map(String::as_str));
        let place = self.inbox.place(subject.as_str())?;
        self.send_request(&subject, place.subject(), request).await?;
        let mut place = place;
        match timeout(Q::DEADLINE, &mut place.reply).await {
            Ok(Ok(reply)) => open(reply?, &subject),
            Ok(Err(_)) => Err(Fault::internal("the request lost its place in the inbox")),
            Err(_) => Err(Fault::new(ErrorCode::Timeout, format!("no answer on `{subject}` within {} ms", Q::DEADLINE.as_millis()))),
        }
    }

    /// Sends a request off, as part of the trace that we are in.
    pub(crate) async fn send_request(&self, subject: &Subject, reply: String, request: &impl prost::Message) -> Result<(), Fault> {
        let (to, payload) = (subject.as_str().to_owned(), request.encode_to_vec().into());
        let sent = match trace::headers() {
            None => self.client.publish_with_reply(to, reply, payload).await,
            Some(headers) => self.client.publish_with_reply_and_headers(to, reply, headers, payload).await,
        };
        sent.map_err(|error| Fault::unavailable(format!("the bus is not reachable: {error}")))
    }

    /// Tells a fact. It may be lost; nobody confirms it.
    pub async fn publish<E: Event>(&self, address: &E::Address, event: &E) -> Result<(), Fault> {
        let subject = Subject::v1(E::AREA, address.tokens().iter().map(String::as_str));
        self.client
            .publish(subject.as_str().to_owned(), event.encode_to_vec().into())
            .await
            .map_err(|error| Fault::unavailable(format!("the bus is not reachable: {error}")))
    }

    /// Tells a fact without ever waiting: one that finds our own queue full is dropped.
    pub fn try_publish<E: Event>(&self, address: &E::Address, event: &E) -> Result<(), Fault> {
        let subject = Subject::v1(E::AREA, address.tokens().iter().map(String::as_str));
        let publish = self.client.publish(subject.as_str().to_owned(), event.encode_to_vec().into());
        match publish.now_or_never() {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(Fault::unavailable(format!("the bus is not reachable: {error}"))),
            None => Err(Fault::new(ErrorCode::RateLimited, "the bus connection is behind")),
        }
    }

    /// Waits until the server has seen all that we sent and subscribed before.
    ///
    /// The library's own `flush` only empties the socket buffer, so this asks for something that comes back: a message to ourselves.
    pub async fn barrier(&self) -> Result<(), Fault> {
        let place = self.inbox.place("")?;
        let subject = place.subject();
        let mut place = place;
        self.client
            .publish(subject.clone(), Vec::new().into())
            .await
            .map_err(|error| Fault::unavailable(format!("the bus is not reachable: {error}")))?;
        match timeout(CONNECT_DEADLINE, &mut place.reply).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Fault::new(ErrorCode::Timeout, "the bus does not answer")),
        }
    }

    /// Sends what is still buffered and closes.
    pub async fn close(&self) {
        if let Err(error) = self.client.drain().await {
            debug!(%error, "bus was closed already");
        }
    }
}

/// The reply in `message`, or the fault that it carries.
pub(crate) fn open<R: prost::Message + Default>(message: Message, subject: &Subject) -> Result<R, Fault> {
    if message.status == Some(StatusCode::NO_RESPONDERS) {
        return Err(Fault::unavailable(format!("nobody serves `{subject}` right now")));
    }
    if let Some(code) = message.headers.as_ref().and_then(|headers| headers.get(ERROR_HEADER)) {
        return Err(Fault::new(ErrorCode::from_name(code.as_str()), String::from_utf8_lossy(&message.payload)));
    }
    R::decode(message.payload).map_err(|error| Fault::internal(format!("the answer on `{subject}` is not readable: {error}")))
}

/// Headers and payload of a reply that is a fault.
pub(crate) fn seal(fault: Fault) -> (HeaderMap, Vec<u8>) {
    let mut headers = HeaderMap::new();
    headers.insert(ERROR_HEADER, fault.code.name());
    (headers, fault.text.into_bytes())
}
