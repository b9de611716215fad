//! What happens to messages while the vault lends no keys.

use actix::{Actor, Context, Handler};
use argentum_bus::{Bus, Call, Caller, Credential, Fault, Serving};
use argentum_proto::{
    channel::v1::{Outcome, accept_message_response::Answer},
    vault::v1::{LeaseSecretRequest, LeaseSecretResponse},
};
use argentum_provider_router::{Config, Provider};
use argentum_service::sealing::{self, SecretBytes};
use argentum_testkit::{Sandbox, run, until, vendor::FakeVendor};
use tempfile::TempDir;

use crate::page::Page;

/// Lends the same key to everybody, for so long.
struct FakeVault {
    ttl_ms: u64,
}

impl Actor for FakeVault {
    type Context = Context<Self>;
}

impl Handler<Call<LeaseSecretRequest>> for FakeVault {
    type Result = Result<LeaseSecretResponse, Fault>;

    fn handle(&mut self, Call { address: Caller(service), body, .. }: Call<LeaseSecretRequest>, _: &mut Context<Self>) -> Self::Result {
        let context = sealing::lease_context(service.token(), &body.name);
        let sealed = sealing::seal(&body.public_key, &context, &SecretBytes::new(b"sk-acme".to_vec())).unwrap();
        Ok(LeaseSecretResponse { sealed: Some(sealed), ttl_ms: self.ttl_ms })
    }
}

async fn vault(sandbox: &Sandbox, ttl_ms: u64) -> (Bus, Serving) {
    let bus = sandbox.connect(Credential::Vault).await;
    let serving = bus.serve(FakeVault::create(|_| FakeVault { ttl_ms }).recipient(), 8).await.unwrap();
    bus.barrier().await.unwrap();
    (bus, serving)
}

async fn router(sandbox: &Sandbox, folder: &TempDir, vendor: &FakeVendor) {
    let provider = Provider {
        base_url: Some(vendor.base_url()),
        key: Some("vault:provider/acme".to_owned()),
        models: vec!["small".to_owned()],
        ..Provider::default()
    };
    let config = Config { providers: [("acme".to_owned(), provider)].into(), local_servers: Vec::new(), ..Config::default() };
    let tenant = sandbox.tenant(Credential::ProviderRouter, folder.path()).await;
    argentum_provider_router::start(config, tenant.bus.clone(), tenant.process).await.unwrap();
    tenant.bus.barrier().await.unwrap();
}

/// Asks in conversations of their own until one is answered as `wanted` says.
async fn until_answered(page: &Page, prefix: &str, wanted: fn(&Answer) -> bool) {
    let mut number = 0;
    until("another answer to a new message", async || {
        number += 1;
        let answer = page.ask(&format!("{prefix}{number}"), &format!("{prefix}{number}"), "hello").await.unwrap();
        wanted(&answer).then_some(())
    })
    .await;
}

#[test]
fn without_a_vault_accepted_turns_wait_and_new_messages_are_not_taken() {
    run(async {
        let (sandbox, folder, vendor) = (Sandbox::start().await, TempDir::new().unwrap(), FakeVendor::start());
        router(&sandbox, &folder, &vendor).await;
        let page = Page::open(&sandbox).await;
        assert!(matches!(page.ask("c", "m1", "hello").await, Ok(Answer::Accepted(_))));
        until_answered(&page, "closed", |answer: &Answer| matches!(answer, Answer::RetryAfter(_))).await;
        assert!(page.conversation("c").await.turns.is_empty(), "it waits");
        let _vault = vault(&sandbox, 900_000).await;
        until_answered(&page, "open", |answer| matches!(answer, Answer::Accepted(_))).await;
        assert_eq!(page.finished("c", 1).await.turns[0].outcome(), Outcome::Answered);
    });
}

#[test]
fn a_live_lease_keeps_the_intake_open() {
    run(async {
        let (sandbox, folder, vendor) = (Sandbox::start().await, TempDir::new().unwrap(), FakeVendor::start());
        let (bus, serving) = vault(&sandbox, 900_000).await;
        router(&sandbox, &folder, &vendor).await;
        let page = Page::open(&sandbox).await;
        page.ask("c", "m1", "hello").await.unwrap();
        page.finished("c", 1).await;
        drop(serving);
        bus.close().await;
        for number in 2..5 {
            assert!(matches!(page.ask("c", &format!("m{number}"), "again").await, Ok(Answer::Accepted(_))));
            page.finished("c", number).await;
        }
    });
}
