//! A gateway with one account at a Telegram, and a router: in one process, over a real bus.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeMap,
    fmt::Display,
    sync::{Arc, Mutex},
};

use argentum_bus::{Account, AccountBus, Caller, Credential};
use argentum_channel_gateway::{
    Channel, Config, Telegram,
    channels::{self, Fetching, Secrets},
};
use argentum_proto::channel::v1::{ApprovePairingRequest, GetConversationRequest, GetConversationResponse};
use argentum_provider_router::{Config as Routing, Provider};
use argentum_service::{sealing::SecretBytes, unix_ms};
use argentum_testkit::{
    Sandbox, Tenant, chat,
    telegram::{FakeTelegram, TOKEN},
    until,
    vendor::FakeVendor,
};
use tempfile::TempDir;

/// A vault with one token.
struct Token(Mutex<String>);

/// Gateway and router.
pub(crate) struct Home {
    bus: AccountBus,
    gateway: Tenant,
    token: Arc<Token>,
    _router: Option<Tenant>,
    /// Where a gateway keeps what it keeps, if nobody else does.
    _folder: Option<TempDir>,
}

impl Secrets for Token {
    fn secret<'a>(&'a self, name: &'a str) -> Fetching<'a> {
        assert_eq!(name, "channel/chat");
        let token = self.0.lock().unwrap().clone().into_bytes();
        Box::pin(async move { Ok(Arc::new(SecretBytes::new(token))) })
    }
}

// === impl Home ===

impl Home {
    /// Starts both; `allowed` are let in from the start.
    pub(crate) async fn start(sandbox: &Sandbox, folder: &TempDir, telegram: &FakeTelegram, allowed: &[i64]) -> Self {
        let mut home = Self::without_router(sandbox, folder, telegram, allowed).await;
        home.start_router(sandbox, folder, Routing::default()).await;
        home
    }

    /// Starts both with this token, and lets the person with the id 1 in.
    pub(crate) async fn with_token(sandbox: &Sandbox, folder: &TempDir, telegram: &FakeTelegram, token: &str) -> Self {
        let mut home = Self::open(sandbox, folder, telegram, &[1], token).await;
        home.start_router(sandbox, folder, Routing::default()).await;
        home
    }

    pub(crate) async fn without_router(sandbox: &Sandbox, folder: &TempDir, telegram: &FakeTelegram, allowed: &[i64]) -> Self {
        Self::open(sandbox, folder, telegram, allowed, TOKEN).await
    }

    async fn open(sandbox: &Sandbox, folder: &TempDir, telegram: &FakeTelegram, allowed: &[i64], token: &str) -> Self {
        let gateway = sandbox.tenant(Credential::ChannelGateway, folder.path()).await;
        let token = Arc::new(Token(Mutex::new(token.to_owned())));
        let account = Telegram {
            token: "vault:channel/chat".to_owned(),
            api_url: Some(telegram.api_url()),
            allow: allowed.iter().map(ToString::to_string).collect(),
            ..Telegram::default()
        };
        let config = Config { channels: BTreeMap::from([(chat().to_string(), Channel::Telegram(account))]) };
        channels::start(&config, &gateway.bus, &gateway.process, Arc::clone(&token) as Arc<dyn Secrets>).await.unwrap();
        Self { bus: gateway.bus.account(chat()).await.unwrap(), gateway, token, _router: None, _folder: None }
    }

    /// A configuration that asks this vendor.
    pub(crate) fn asking(vendor: &FakeVendor) -> Routing {
        let provider = Provider { base_url: Some(vendor.base_url()), models: vec!["small".to_owned()], ..Provider::default() };
        Routing {
            providers: BTreeMap::from([("acme".to_owned(), provider)]),
            default_model: "acme/small".to_owned(),
            local_servers: Vec::new(),
            ..Routing::default()
        }
    }

    pub(crate) async fn start_router(&mut self, sandbox: &Sandbox, folder: &TempDir, routing: Routing) {
        let router = sandbox.tenant(Credential::ProviderRouter, folder.path()).await;
        argentum_provider_router::start(routing, router.bus.clone(), router.process.clone()).await.unwrap();
        router.bus.barrier().await.unwrap();
        self._router = Some(router);
    }

    /// Ends this gateway where it stands, and starts one that knows nothing of it.
    pub(crate) async fn succeed(self, sandbox: &Sandbox, telegram: &FakeTelegram, allowed: &[i64]) -> Self {
        self.gateway.process.quiescing().cancel();
        let folder = TempDir::new().unwrap();
        let next = Self::without_router(sandbox, &folder, telegram, allowed).await;
        Self { _router: self._router, _folder: Some(folder), ..next }
    }

    pub(crate) fn set_token(&self, token: &str) {
        token.clone_into(&mut self.token.0.lock().unwrap());
    }

    /// Approves a code as the operator; returns id and name.
    pub(crate) async fn approve(&self, sandbox: &Sandbox, code: &str) -> (String, String) {
        let right = sandbox.operator.sign("pair-approve", Credential::ChannelGateway, unix_ms()).unwrap();
        let request = ApprovePairingRequest { right: Some(right), code: code.to_owned(), ..ApprovePairingRequest::default() };
        let operator = sandbox.connect(Credential::Orchestrator).await;
        let approved = operator.request(&Caller(Credential::Orchestrator), &request).await.unwrap();
        (approved.id, approved.name)
    }

    pub(crate) async fn conversation(&self, id: impl Display) -> GetConversationResponse {
        let request = GetConversationRequest { platform_conversation_id: id.to_string() };
        self.bus.request(&Account(chat()), &request).await.unwrap()
    }

    /// Waits until so many turns are answered and delivered, or reported as failed; returns the last answer.
    pub(crate) async fn over(&self, id: impl Display, turns: usize) -> String {
        let settled = async || {
            let now = self.conversation(&id).await;
            (now.running.is_none() && now.queued.is_empty() && now.turns.len() == turns).then_some(now)
        };
        until("delivery", settled).await.turns.pop().unwrap().answer
    }
}
