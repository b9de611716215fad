//! Who gets a secret, and for how long.

use argentum_bus::{Credential, ErrorCode};
use argentum_testkit::run;

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
