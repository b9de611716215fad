//! A memory with a router and an operator that ask it.

use std::time::Duration;

use argentum_bus::{Bus, Caller, Credential, Fault, Rpc};
use argentum_memory::{Config, start};
use argentum_proto::{
    channel::v1::{Outcome, Sender},
    control::v1::SignedRight,
    ids::TurnId,
    memory::v1::{Audience, Conversation, RecallRequest, RememberFactRequest, RememberTurnRequest},
};
use argentum_service::unix_ms;
use argentum_testkit::{Life, Sandbox};
use tempfile::TempDir;
use ulid::Ulid;

pub(crate) struct Household {
    sandbox: Sandbox,
    router: Bus,
    operator: Bus,
    folder: TempDir,
    memory: Option<Life>,
}

/// Who speaks, and where.
#[derive(Clone, Copy)]
pub(crate) struct Voice {
    pub(crate) room: &'static str,
    pub(crate) audience: Audience,
    pub(crate) person: &'static str,
}

/// Ann with the model, Ann in a group, Bob with the model.
pub(crate) const ANN: Voice = Voice { room: "ann's", audience: Audience::Direct, person: "ann" };
pub(crate) const ANN_IN_GROUP: Voice = Voice { room: "hall", audience: Audience::Group, person: "ann" };
pub(crate) const BOB: Voice = Voice { room: "bob's", audience: Audience::Direct, person: "bob" };

impl Voice {
    pub(crate) fn conversation(self) -> Option<Conversation> {
        let (gateway, platform_conversation_id) = ("chat".to_owned(), self.room.to_owned());
        Some(Conversation { gateway, platform_conversation_id, title: String::new(), audience: self.audience.into() })
    }

    pub(crate) fn sender(self) -> Option<Sender> {
        Some(Sender { platform_id: self.person.to_owned(), display_name: self.person.to_owned() })
    }
}

/// A turn on 9 September 2001.
pub(crate) fn turn(number: u128, voice: Voice, question: &str, answer: &str) -> RememberTurnRequest {
    RememberTurnRequest {
        turn_id: TurnId::new(Ulid(number)).to_string(),
        conversation: voice.conversation(),
        sender: voice.sender(),
        question: question.to_owned(),
        answer: answer.to_owned(),
        outcome: Outcome::Answered.into(),
        model: String::new(),
        asked_at_ms: 1_000_000_000_000,
        answered_at_ms: 1_000_000_000_000,
    }
}

impl Household {
    pub(crate) async fn new() -> Self {
        let sandbox = Sandbox::start().await;
        let (router, operator) = (sandbox.connect(Credential::ProviderRouter).await, sandbox.connect(Credential::Orchestrator).await);
        let mut household = Self { sandbox, router, operator, folder: TempDir::new().unwrap(), memory: None };
        household.start().await;
        household
    }

    async fn start(&mut self) {
        let config = Config { index_commit_interval: Duration::from_millis(20), ..Config::default() };
        let data_dir = self.folder.path().to_owned();
        let life = Life::begin(&self.sandbox, Credential::Memory, data_dir, |bus, process| start(config, bus, process)).await;
        self.memory = Some(life);
    }

    pub(crate) async fn restart(&mut self) {
        if let Some(life) = self.memory.take() {
            life.end();
        }
        self.start().await;
    }

    /// Asks as the router.
    pub(crate) async fn ask<Q: Rpc<Address = Caller>>(&self, request: &Q) -> Result<Q::Reply, Fault> {
        self.router.request(&Caller(Credential::ProviderRouter), request).await
    }

    /// Asks as the operator.
    pub(crate) async fn order<Q: Rpc<Address = Caller>>(&self, request: &Q) -> Result<Q::Reply, Fault> {
        self.operator.request(&Caller(Credential::Orchestrator), request).await
    }

    pub(crate) fn right(&self, verb: &str) -> Option<SignedRight> {
        Some(self.sandbox.operator.sign(verb, Credential::Memory, unix_ms()).unwrap())
    }

    pub(crate) async fn tell(&self, number: u128, voice: Voice, question: &str) {
        self.ask(&turn(number, voice, question, "")).await.unwrap();
    }

    pub(crate) async fn tell_fact(&self, id: &str, voice: Voice, text: &str) -> String {
        let (conversation, sender) = (voice.conversation(), voice.sender());
        let request = RememberFactRequest { fact_id: id.to_owned(), conversation, sender, text: text.to_owned(), said_at_ms: 1 };
        self.ask(&request).await.unwrap().record_id
    }

    /// Texts without their dates.
    pub(crate) async fn recall(&self, voice: Voice, query: &str) -> Vec<String> {
        let (conversation, sender) = (voice.conversation(), voice.sender());
        let request = RecallRequest { conversation, sender, query: query.to_owned(), ..RecallRequest::default() };
        let records = self.ask(&request).await.unwrap().records;
        records.into_iter().map(|record| record.text[11..].to_owned()).collect()
    }
}
