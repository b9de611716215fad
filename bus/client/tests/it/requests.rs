//! Requests, replies, faults and events between two identities.

use std::time::{Duration, Instant};

use actix::{Actor, Context, Handler};
use argentum_bus::{Account, Bus, Call, Caller, Credential, Delivery, ErrorCode, Everyone, Fault};
use argentum_proto::{
    channel::v1::{ListConversationsRequest, ListConversationsResponse},
    control::v1::{BundleStatusChanged, GetStatusRequest, GetStatusResponse},
};
use tokio::sync::mpsc;

use argentum_testkit::{Sandbox, run, web};

/// Answers status requests with the number of the request, slowly, or refuses.
struct Server {
    answered: u32,
    pause: Duration,
    refuses: bool,
}

impl Actor for Server {
    type Context = Context<Self>;
}

impl Server {
    fn answer(&mut self) -> Result<u32, Fault> {
        self.answered += 1;
        if self.refuses { Err(Fault::new(ErrorCode::Conflict, "not now")) } else { Ok(self.answered) }
    }
}

impl Handler<Call<GetStatusRequest>> for Server {
    type Result = actix::ResponseFuture<Result<GetStatusResponse, Fault>>;

    fn handle(&mut self, _: Call<GetStatusRequest>, _: &mut Context<Self>) -> Self::Result {
        let (answer, pause) = (self.answer(), self.pause);
        Box::pin(async move {
            tokio::time::sleep(pause).await;
            Ok(GetStatusResponse { pid: answer?, ..GetStatusResponse::default() })
        })
    }
}

impl Handler<Call<ListConversationsRequest>> for Server {
    type Result = Result<ListConversationsResponse, Fault>;

    fn handle(&mut self, call: Call<ListConversationsRequest>, _: &mut Context<Self>) -> Self::Result {
        Err(Fault::new(ErrorCode::NotFound, call.address.0.to_string()))
    }
}

/// Hands events to a test.
struct Listener(mpsc::Sender<u32>);

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<Delivery<BundleStatusChanged>> for Listener {
    type Result = ();

    fn handle(&mut self, Delivery { body, .. }: Delivery<BundleStatusChanged>, _: &mut Context<Self>) {
        self.0.try_send(body.status.unwrap_or_default().pid).unwrap();
    }
}

fn server(pause: Duration, refuses: bool) -> actix::Addr<Server> {
    Server::create(|_| Server { answered: 0, pause, refuses })
}

async fn ask(bus: &Bus) -> Result<u32, Fault> {
    bus.request(&Caller(Credential::ChannelGateway), &GetStatusRequest {}).await.map(|status| status.pid)
}

#[test]
fn a_request_is_answered_by_the_actor_in_charge() {
    run(async {
        let sandbox = Sandbox::start().await;
        let (orchestrator, gateway) = (sandbox.connect(Credential::Orchestrator).await, sandbox.connect(Credential::ChannelGateway).await);
        let _serving = orchestrator.serve::<GetStatusRequest>(server(Duration::ZERO, false).recipient(), 4).await.unwrap();
        orchestrator.barrier().await.unwrap();
        assert_eq!(ask(&gateway).await, Ok(1));
    });
}

#[test]
fn a_fault_arrives_with_its_code_and_text() {
    run(async {
        let sandbox = Sandbox::start().await;
        let (orchestrator, gateway) = (sandbox.connect(Credential::Orchestrator).await, sandbox.connect(Credential::ChannelGateway).await);
        let _serving = orchestrator.serve::<GetStatusRequest>(server(Duration::ZERO, true).recipient(), 4).await.unwrap();
        orchestrator.barrier().await.unwrap();
        assert_eq!(ask(&gateway).await, Err(Fault::new(ErrorCode::Conflict, "not now")));
    });
}

#[test]
fn a_request_that_nobody_serves_fails_at_once() {
    run(async {
        let sandbox = Sandbox::start().await;
        let gateway = sandbox.connect(Credential::ChannelGateway).await;
        let began = Instant::now();
        assert_eq!(ask(&gateway).await.unwrap_err().code, ErrorCode::Unavailable);
        assert!(began.elapsed() < Duration::from_secs(1));
    });
}

#[test]
fn a_request_that_the_matrix_denies_is_forbidden_at_once() {
    run(async {
        let sandbox = Sandbox::start().await;
        let router = sandbox.connect(Credential::ProviderRouter).await;
        let began = Instant::now();
        assert_eq!(ask(&router).await.unwrap_err().code, ErrorCode::Forbidden);
        assert!(began.elapsed() < Duration::from_secs(1));
    });
}

#[test]
fn too_many_requests_at_once_are_told_to_wait() {
    run(async {
        let sandbox = Sandbox::start().await;
        let (orchestrator, gateway) = (sandbox.connect(Credential::Orchestrator).await, sandbox.connect(Credential::ChannelGateway).await);
        let _serving = orchestrator.serve::<GetStatusRequest>(server(Duration::from_millis(200), false).recipient(), 1).await.unwrap();
        orchestrator.barrier().await.unwrap();
        let (first, second) = futures::join!(ask(&gateway), ask(&gateway));
        assert_eq!((first, second.map_err(|fault| fault.code)), (Ok(1), Err(ErrorCode::RateLimited)));
    });
}

#[test]
fn an_account_is_answered_in_its_own_inbox_by_its_own_name() {
    run(async {
        let sandbox = Sandbox::start().await;
        let (router, gateway) = (sandbox.connect(Credential::ProviderRouter).await, sandbox.connect(Credential::ChannelGateway).await);
        let _serving = router.serve::<ListConversationsRequest>(server(Duration::ZERO, false).recipient(), 4).await.unwrap();
        router.barrier().await.unwrap();
        let account = gateway.account(web()).await.unwrap();
        let answer = account.request(&Account(web()), &ListConversationsRequest::default()).await;
        assert_eq!(answer.unwrap_err(), Fault::new(ErrorCode::NotFound, "web"));
    });
}

#[test]
fn a_request_whose_reply_would_go_to_another_is_dropped() {
    run(async {
        let sandbox = Sandbox::start().await;
        let router = sandbox.connect(Credential::ProviderRouter).await;
        let _serving = router.serve::<ListConversationsRequest>(server(Duration::ZERO, false).recipient(), 4).await.unwrap();
        router.barrier().await.unwrap();
        // The gateway asks in the name of its account and names its own inbox, which is not the account's.
        let seed = sandbox.seed(Credential::ChannelGateway);
        let raw = async_nats::ConnectOptions::with_nkey(seed).connect(sandbox.address()).await.unwrap();
        use futures::StreamExt;
        let mut replies = raw.subscribe("_INBOX.channel-gateway.*").await.unwrap();
        raw.publish_with_reply("argentum.v1.conversation.list.web", "_INBOX.channel-gateway.mine", "".into()).await.unwrap();
        // What comes back first is what was sent last, so nothing came in between.
        raw.publish("_INBOX.channel-gateway.marker", "".into()).await.unwrap();
        assert_eq!(replies.next().await.unwrap().subject.as_str(), "_INBOX.channel-gateway.marker");
        let later = tokio::time::timeout(Duration::from_millis(200), replies.next()).await;
        assert!(later.is_err(), "answered: {later:?}");
    });
}

#[test]
fn an_event_reaches_its_listener() {
    run(async {
        let sandbox = Sandbox::start().await;
        let (orchestrator, gateway) = (sandbox.connect(Credential::Orchestrator).await, sandbox.connect(Credential::ChannelGateway).await);
        let (sender, mut events) = mpsc::channel(4);
        let _listening = gateway.listen::<BundleStatusChanged>(Listener::create(|_| Listener(sender)).recipient()).await.unwrap();
        gateway.barrier().await.unwrap();
        let event = BundleStatusChanged { status: Some(GetStatusResponse { pid: 7, ..GetStatusResponse::default() }) };
        orchestrator.publish(&Everyone, &event).await.unwrap();
        assert_eq!(events.recv().await, Some(7));
    });
}

#[test]
fn a_new_identity_cuts_the_one_before() {
    run(async {
        let sandbox = Sandbox::start().await;
        let orchestrator = sandbox.connect(Credential::Orchestrator).await;
        let _serving = orchestrator.serve::<GetStatusRequest>(server(Duration::ZERO, false).recipient(), 4).await.unwrap();
        orchestrator.barrier().await.unwrap();
        let zombie = sandbox.connect(Credential::ChannelGateway).await;
        assert_eq!(ask(&zombie).await, Ok(1));
        let heir = sandbox.connect(Credential::ChannelGateway).await;
        assert!(ask(&zombie).await.is_err(), "the old identity still speaks");
        assert_eq!(ask(&heir).await, Ok(2));
    });
}
