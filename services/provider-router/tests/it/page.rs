//! What a gateway does for a page: the asking side of every test.

use actix::{Actor, Context, Handler};
use argentum_bus::{Account, AccountBus, AccountConversation, Credential, Delivery, Fault, Serving};
use argentum_proto::{
    channel::v1::{
        AcceptMessageRequest, AcceptMessageResponse, GetConversationRequest, GetConversationResponse, Question, Sender, StopTurnRequest,
        TurnProgressed, accept_message_request::Content, accept_message_response::Answer,
    },
    ids::ConversationId,
};
use argentum_testkit::{Sandbox, until, web};
use tokio::sync::mpsc;

/// A gateway with one account, `web`.
pub(crate) struct Page {
    bus: AccountBus,
    _listening: Serving,
    progress: mpsc::UnboundedReceiver<TurnProgressed>,
}

/// Hands progress to the test.
struct Listener(mpsc::UnboundedSender<TurnProgressed>);

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<Delivery<TurnProgressed>> for Listener {
    type Result = ();

    fn handle(&mut self, Delivery { body, .. }: Delivery<TurnProgressed>, _: &mut Context<Self>) {
        self.0.send(body).unwrap();
    }
}

impl Page {
    pub(crate) async fn open(sandbox: &Sandbox) -> Self {
        let gateway = sandbox.connect(Credential::ChannelGateway).await;
        let bus = gateway.account(web()).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test reads all that comes, however much")]
        let (sender, progress) = mpsc::unbounded_channel();
        let _listening = bus.listen(Listener::create(|_| Listener(sender)).recipient()).await.unwrap();
        gateway.barrier().await.unwrap();
        Self { bus, _listening, progress }
    }

    /// Asks the router to accept a question.
    pub(crate) async fn ask(&self, conversation: &str, message: &str, text: &str) -> Result<Answer, Fault> {
        let id: ConversationId = conversation.parse().unwrap();
        let request = AcceptMessageRequest {
            platform_conversation_id: conversation.to_owned(),
            platform_message_id: message.to_owned(),
            sender: Some(Sender { platform_id: "operator".to_owned(), display_name: String::new() }),
            platform_time_ms: 1_800_000_000_000,
            content: Some(Content::Question(Question { text: text.to_owned(), ..Question::default() })),
            ..AcceptMessageRequest::default()
        };
        let address = AccountConversation { gateway: web(), conversation: id.token() };
        self.bus.request(&address, &request).await.map(|AcceptMessageResponse { answer }| answer.unwrap())
    }

    pub(crate) async fn conversation(&self, conversation: &str) -> GetConversationResponse {
        let request = GetConversationRequest { platform_conversation_id: conversation.to_owned() };
        self.bus.request(&Account(web()), &request).await.unwrap()
    }

    /// Stops the running turn; returns its id, empty where none was.
    pub(crate) async fn stop(&self, conversation: &str) -> String {
        let request = StopTurnRequest { platform_conversation_id: conversation.to_owned(), turn_id: String::new() };
        self.bus.request(&Account(web()), &request).await.unwrap().stopped_turn_id
    }

    /// Waits until the conversation has so many finished turns.
    pub(crate) async fn finished(&self, conversation: &str, turns: usize) -> GetConversationResponse {
        until("finished turns", async || Some(self.conversation(conversation).await).filter(|answer| answer.turns.len() >= turns)).await
    }

    /// The next change for which `wanted` holds.
    pub(crate) async fn progress(&mut self, wanted: impl Fn(&TurnProgressed) -> bool) -> TurnProgressed {
        loop {
            let progress = tokio::time::timeout(argentum_testkit::PATIENCE, self.progress.recv()).await.unwrap().unwrap();
            if wanted(&progress) {
                return progress;
            }
        }
    }
}
