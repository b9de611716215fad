//! A channel over the fake platform, and a person who writes there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use argentum_bus::{Account, AccountBus, AccountConversation, Credential};
use argentum_channel_gateway::{
    channel::{Sender, Sending},
    deliver,
    outbox::{Outcome, Part, Split},
};
use argentum_proto::{
    channel::v1::{
        AcceptMessageRequest, AcceptMessageResponse, GetConversationRequest, GetConversationResponse, Question, Sender as Author,
        accept_message_request::Content, accept_message_response::Answer,
    },
    ids::ConversationId,
};
use argentum_testkit::{Behaviour, FakePlatform, Posted, Sandbox, Tenant, chat, until};
use tempfile::TempDir;

/// Bytes of a part on this platform.
pub(crate) const PART_BYTES: usize = 200;

struct FakeChannel(Arc<FakePlatform>);

/// Router and gateway with one account, `chat`, on a platform.
pub(crate) struct Chat {
    bus: AccountBus,
    gateway: Tenant,
    pub(crate) platform: Arc<FakePlatform>,
}

impl Sender for FakeChannel {
    fn split(&self) -> Split {
        |rest, _| (1..=PART_BYTES.min(rest.len())).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(rest.len())
    }

    fn send(&self, part: Part) -> Sending {
        let platform = Arc::clone(&self.0);
        Box::pin(async move {
            let name = format!("{}/{}", part.id.outbound, part.id.first_byte);
            match platform.post(Posted { name: name.clone(), text: part.text, is_labelled: part.maybe_sent }) {
                Behaviour::Store => Outcome::Sent { platform_message_ids: vec![name] },
                Behaviour::StoreSilently | Behaviour::LoseSilently => Outcome::Unknown,
                Behaviour::Unreachable => Outcome::NeverLeft { retry_after_ms: Some(10) },
                Behaviour::Refuse => Outcome::Refused { code: "403".to_owned(), text: "blocked".to_owned() },
                Behaviour::StoreAndBreak => panic!("as the script says"),
            }
        })
    }
}

// === impl Chat ===

impl Chat {
    /// Starts router and gateway; the platform misbehaves as `script` says.
    pub(crate) async fn start(sandbox: &Sandbox, folder: &TempDir, script: &[Behaviour]) -> Self {
        let chat = Self::without_outbox(sandbox, folder, script).await;
        chat.open_outbox().await;
        chat
    }

    /// The same, but nothing is delivered yet.
    pub(crate) async fn without_outbox(sandbox: &Sandbox, folder: &TempDir, script: &[Behaviour]) -> Self {
        let router = sandbox.tenant(Credential::ProviderRouter, folder.path()).await;
        argentum_provider_router::start(Default::default(), router.bus.clone(), router.process).await.unwrap();
        router.bus.barrier().await.unwrap();
        let gateway = sandbox.tenant(Credential::ChannelGateway, folder.path()).await;
        let platform = Arc::new(FakePlatform::that(script.iter().copied()));
        Self { bus: gateway.bus.account(chat()).await.unwrap(), gateway, platform }
    }

    pub(crate) async fn open_outbox(&self) {
        let channel = Arc::new(FakeChannel(Arc::clone(&self.platform)));
        deliver(self.bus.clone(), channel, &self.gateway.process).wait().await.unwrap();
    }

    /// Writes a message in the one conversation.
    pub(crate) async fn write(&self, message: &str) {
        let conversation: ConversationId = "room".parse().unwrap();
        let request = AcceptMessageRequest {
            platform_conversation_id: conversation.to_string(),
            platform_message_id: message.to_owned(),
            sender: Some(Author { platform_id: "ada".to_owned(), display_name: "Ada".to_owned() }),
            platform_time_ms: 1_800_000_000_000,
            content: Some(Content::Question(Question { text: "why?".to_owned(), ..Question::default() })),
            ..AcceptMessageRequest::default()
        };
        let address = AccountConversation { gateway: chat(), conversation: conversation.token() };
        let AcceptMessageResponse { answer } = self.bus.request(&address, &request).await.unwrap();
        assert!(matches!(answer, Some(Answer::Accepted(_))), "{answer:?}");
    }

    pub(crate) async fn conversation(&self) -> GetConversationResponse {
        let request = GetConversationRequest { platform_conversation_id: "room".to_owned() };
        self.bus.request(&Account(chat()), &request).await.unwrap()
    }

    /// Waits until so many turns are answered and delivered, or reported as failed; returns the last answer.
    pub(crate) async fn delivered(&self, turns: usize) -> String {
        let settled = async || {
            Some(self.conversation().await).filter(|now| now.running.is_none() && now.queued.is_empty() && now.turns.len() == turns)
        };
        until("delivery", settled).await.turns.pop().unwrap().answer
    }
}

/// The text of the parts that stand without a label, put together.
pub(crate) fn plain_text(posted: &[Posted]) -> String {
    posted.iter().filter(|posted| !posted.is_labelled).map(|posted| posted.text.as_str()).collect()
}

/// Names of the parts that stand more than once without a label.
pub(crate) fn unlabelled_duplicates(posted: &[Posted]) -> Vec<&str> {
    let mut names: Vec<&str> = posted.iter().filter(|posted| !posted.is_labelled).map(|posted| posted.name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect()
}
