//! Who gets a secret, and for how long.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, Context, Handler, ResponseFuture};
use argentum_bus::{Bus, Call, Caller, Credential, ErrorCode, Fault, Serving};
use argentum_proto::vault::v1::{LeaseSecretRequest, LeaseSecretResponse};
use argentum_service::{
    leases::Leases,
    sealing::{self, SecretBytes},
};
use argentum_testkit::{Sandbox, run, until};

use crate::workshop::Workshop;

#[test]
fn a_secret_is_lent_to_the_service_that_it_is_for_and_to_no_other() {
    run(async {
        let workshop = Workshop::open().await;
        workshop.put("provider/acme", "open sesame").await.unwrap();
        let router = workshop.leases(Credential::ProviderRouter).await;
        assert!(router.secret("provider/acme").await.is_ok_and(|secret| secret.expose() == b"open sesame"));
        let gateway = workshop.leases(Credential::ChannelGateway).await;
        assert_eq!(gateway.secret("provider/acme").await.err().map(|fault| fault.code), Some(ErrorCode::Forbidden));
    });
}

#[test]
fn a_live_lease_goes_on_while_the_vault_is_down() {
    run(async {
        let mut workshop = Workshop::open().await;
        workshop.put("provider/acme", "open sesame").await.unwrap();
        let router = workshop.leases(Credential::ProviderRouter).await;
        router.secret("provider/acme").await.unwrap_or_else(|fault| panic!("{fault}"));
        workshop.stop();
        assert!(router.secret("provider/acme").await.is_ok());
        let late = workshop.leases(Credential::ProviderRouter).await;
        assert_eq!(late.secret("provider/acme").await.err().map(|fault| fault.code), Some(ErrorCode::Unavailable));
    });
}

#[test]
fn a_secret_is_there_after_a_restart_until_it_is_removed() {
    run(async {
        let mut workshop = Workshop::open().await;
        workshop.put("provider/acme", "one").await.unwrap();
        assert_eq!(workshop.put("provider/acme", "two").await.unwrap(), 2);
        workshop.restart().await;
        let router = workshop.leases(Credential::ProviderRouter).await;
        assert!(router.secret("provider/acme").await.is_ok_and(|secret| secret.expose() == b"two"));
        workshop.remove("provider/acme").await.unwrap();
        let next = workshop.leases(Credential::ProviderRouter).await;
        assert_eq!(next.secret("provider/acme").await.err().map(|fault| fault.code), Some(ErrorCode::NotFound));
    });
}

/// A vault that lends for so long, or hears and says nothing.
struct FakeVault {
    ttl_ms: Option<u64>,
}

impl Actor for FakeVault {
    type Context = Context<Self>;
}

impl Handler<Call<LeaseSecretRequest>> for FakeVault {
    type Result = ResponseFuture<Result<LeaseSecretResponse, Fault>>;

    fn handle(&mut self, Call { address: Caller(service), body, .. }: Call<LeaseSecretRequest>, _: &mut Context<Self>) -> Self::Result {
        let Some(ttl_ms) = self.ttl_ms else { return Box::pin(std::future::pending()) };
        let context = sealing::lease_context(service.token(), &body.name);
        let sealed = sealing::seal(&body.public_key, &context, &SecretBytes::new(b"open sesame".to_vec())).unwrap();
        Box::pin(std::future::ready(Ok(LeaseSecretResponse { sealed: Some(sealed), ttl_ms })))
    }
}

async fn fake_vault(sandbox: &Sandbox, ttl_ms: Option<u64>) -> (Bus, Serving) {
    let bus = sandbox.connect(Credential::Vault).await;
    let serving = bus.serve(FakeVault::create(|_| FakeVault { ttl_ms }).recipient(), 32).await.unwrap();
    bus.barrier().await.unwrap();
    (bus, serving)
}

#[test]
fn whoever_waits_for_a_silent_vault_waits_once() {
    run(async {
        let sandbox = Sandbox::start().await;
        let _vault = fake_vault(&sandbox, None).await;
        let leases = Leases::new(sandbox.connect(Credential::ProviderRouter).await);
        let began = Instant::now();
        let (a, again, b, c) = tokio::join!(
            leases.secret("provider/a"),
            leases.secret("provider/a"),
            leases.secret("provider/b"),
            leases.secret("provider/c"),
        );
        let codes = [a, again, b, c].map(|outcome| outcome.err().map(|fault| fault.code));
        assert_eq!(codes, [Some(ErrorCode::Timeout); 4]);
        // The deadline of one request is two seconds.
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    });
}

#[test]
fn a_secret_whose_lease_is_over_is_wiped_also_where_nobody_asks() {
    run(async {
        let sandbox = Sandbox::start().await;
        let (_bus, serving) = fake_vault(&sandbox, Some(300)).await;
        let leases = Leases::new(sandbox.connect(Credential::ProviderRouter).await);
        let secret = leases.secret("provider/a").await.unwrap_or_else(|fault| panic!("{fault}"));
        drop(serving);
        let seen = Arc::downgrade(&secret);
        drop(secret);
        until("the end of the secret", async || seen.upgrade().is_none().then_some(())).await;
    });
}

#[test]
fn a_secret_that_was_refused_is_asked_for_anew() {
    run(async {
        let sandbox = Sandbox::start().await;
        let _vault = fake_vault(&sandbox, Some(60_000)).await;
        let leases = Leases::new(sandbox.connect(Credential::ProviderRouter).await);
        let secret = async || leases.secret("provider/a").await.unwrap_or_else(|fault| panic!("{fault}"));
        let (first, again) = (secret().await, secret().await);
        leases.refused("provider/a", &first);
        let renewed = secret().await;
        // Somebody who still holds the old one comes too late.
        leases.refused("provider/a", &first);
        let kept = secret().await;
        assert_eq!([&again, &renewed, &kept].map(|other| Arc::ptr_eq(&first, other)), [true, false, false]);
        assert!(Arc::ptr_eq(&renewed, &kept));
    });
}
