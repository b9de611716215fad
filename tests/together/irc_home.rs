//! A gateway with one account on an IRC network, and a router: in one process, over a real bus.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use argentum_bus::{Account, AccountBus, Credential};
use argentum_channel_gateway::{
    Channel, Config, Irc,
    channels::{self, Fetching, Secrets},
};
use argentum_proto::channel::v1::{GetConversationRequest, GetConversationResponse};
use argentum_provider_router::Config as Routing;
use argentum_service::sealing::SecretBytes;
use argentum_testkit::{
    Sandbox, Tenant, chat,
    irc::{FakeIrc, Said},
    until,
};
use tempfile::TempDir;

/// The password that the vault holds.
pub(crate) const PASSWORD: &str = "tea at five";

struct Vault;

/// Gateway and router.
pub(crate) struct IrcHome {
    bus: AccountBus,
    gateway: Tenant,
    _router: Tenant,
}

impl Secrets for Vault {
    fn secret<'a>(&'a self, name: &'a str) -> Fetching<'a> {
        assert_eq!(name, "channel/chat");
        Box::pin(async { Ok(Arc::new(SecretBytes::new(PASSWORD.as_bytes().to_vec()))) })
    }
}

// === impl IrcHome ===

impl IrcHome {
    /// An account on this server: in `#tea`, where everybody may write, as may Ada in private; and in a hurry.
    pub(crate) fn account(irc: &FakeIrc) -> Irc {
        Irc {
            server: "localhost".to_owned(),
            port: irc.port(),
            tls: false,
            channels: vec!["#Tea".to_owned()],
            allow: vec!["#tea".to_owned(), "ada!a@h".to_owned()],
            flood_burst: 100,
            flood_refill: Duration::from_millis(1),
            ..Irc::default()
        }
    }

    /// Starts both, and waits until we are in the channel.
    pub(crate) async fn joined(sandbox: &Sandbox, folder: &TempDir, irc: &FakeIrc, routing: Routing) -> Self {
        let home = Self::start(sandbox, folder, Self::account(irc), routing).await;
        until("the channel", async || irc.is_joined("#tea").then_some(())).await;
        home
    }

    pub(crate) async fn start(sandbox: &Sandbox, folder: &TempDir, account: Irc, routing: Routing) -> Self {
        let router = sandbox.tenant(Credential::ProviderRouter, folder.path()).await;
        argentum_provider_router::start(routing, router.bus.clone(), router.process.clone()).await.unwrap();
        router.bus.barrier().await.unwrap();
        let gateway = sandbox.tenant(Credential::ChannelGateway, folder.path()).await;
        let config = Config { channels: BTreeMap::from([(chat().to_string(), Channel::Irc(Box::new(account)))]) };
        channels::start(&config, &gateway.bus, &gateway.process, Arc::new(Vault)).await.unwrap();
        Self { bus: gateway.bus.account(chat()).await.unwrap(), gateway, _router: router }
    }

    /// No new work is taken from now on.
    pub(crate) fn quiesce(&self) {
        self.gateway.process.quiescing().cancel();
    }

    pub(crate) async fn conversation(&self, id: &str) -> GetConversationResponse {
        let request = GetConversationRequest { platform_conversation_id: id.to_owned() };
        self.bus.request(&Account(chat()), &request).await.unwrap()
    }

    /// Waits until so many turns are answered and delivered, or reported as failed; returns the last answer.
    pub(crate) async fn over(&self, id: &str, turns: usize) -> String {
        let settled = async || {
            let now = self.conversation(id).await;
            (now.running.is_none() && now.queued.is_empty() && now.turns.len() == turns).then_some(now)
        };
        until("delivery", settled).await.turns.pop().unwrap().answer
    }
}

/// Waits until the client said so much.
pub(crate) async fn said(irc: &FakeIrc, count: usize) -> Vec<Said> {
    until("lines of the client", async || Some(irc.said()).filter(|said| count <= said.len())).await
}
