//! What an operator may do, and nobody else.

use argentum_bus::ErrorCode;
use argentum_proto::vault::v1::{ListSecretsRequest, OfferIntakeRequest, PutSecretRequest, ReadAuditRequest, RemoveSecretRequest};
use argentum_service::sealing::{self, SecretBytes};
use argentum_testkit::run;

use crate::workshop::Workshop;

#[test]
fn without_the_operators_right_nothing_is_done() {
    run(async {
        let workshop = Workshop::open().await;
        workshop.put("provider/acme", "x").await.unwrap();
        // A right for another verb is none for this one.
        let right = workshop.right("secret-list");
        let codes = [
            workshop.ask(&OfferIntakeRequest { right: None }).await.unwrap_err().code,
            workshop.ask(&ListSecretsRequest { right: None }).await.unwrap_err().code,
            workshop.ask(&ReadAuditRequest { right: right.clone(), ..ReadAuditRequest::default() }).await.unwrap_err().code,
            workshop.ask(&RemoveSecretRequest { right: right.clone(), name: "provider/acme".to_owned() }).await.unwrap_err().code,
            workshop.ask(&PutSecretRequest { right, ..PutSecretRequest::default() }).await.unwrap_err().code,
        ];
        assert_eq!(codes, [ErrorCode::Forbidden; 5]);
    });
}

#[test]
fn an_offered_key_is_good_for_one_secret_and_its_name() {
    run(async {
        let workshop = Workshop::open().await;
        let intake = workshop.ask(&OfferIntakeRequest { right: workshop.right("secret-intake") }).await.unwrap();
        let sealed = sealing::seal(&intake.public_key, &sealing::intake_context("provider/a"), &SecretBytes::new(b"x".to_vec())).unwrap();
        let put = async |name: &str| {
            let (right, intake_id) = (workshop.right("secret-put"), intake.intake_id.clone());
            workshop.ask(&PutSecretRequest { right, name: name.to_owned(), intake_id, sealed: Some(sealed.clone()) }).await
        };
        assert_eq!(put("provider/b").await.unwrap_err().code, ErrorCode::InvalidArgument, "sealed for another name");
        assert_eq!(put("provider/a").await.unwrap_err().code, ErrorCode::Conflict, "used already");
    });
}

#[test]
fn names_and_sizes_are_checked() {
    run(async {
        let workshop = Workshop::open().await;
        for (name, text) in [("", "x"), ("Provider/a", "x"), ("a//b", "x"), ("provider/a", ""), ("provider/a", &*"x".repeat(65_537))] {
            assert_eq!(workshop.put(name, text).await.unwrap_err().code, ErrorCode::InvalidArgument, "{name:?}");
        }
        assert!(workshop.put("provider/a", &"x".repeat(65_536)).await.is_ok());
    });
}

#[test]
fn the_log_tells_who_did_what() {
    run(async {
        let workshop = Workshop::open().await;
        workshop.put("provider/acme", "x").await.unwrap();
        let gateway = workshop.leases(argentum_bus::Credential::ChannelGateway).await;
        gateway.secret("provider/acme").await.err().unwrap();
        workshop.remove("provider/acme").await.unwrap();
        let request = ReadAuditRequest { right: workshop.right("vault-audit"), count_max: 10, before_sequence: 0 };
        let entries = workshop.ask(&request).await.unwrap().entries;
        let told: Vec<_> = entries.iter().map(|entry| [&*entry.actor, &*entry.action, &*entry.name, &*entry.outcome]).collect();
        let expected = [
            ["operator", "put", "provider/acme", "done"],
            ["channel-gateway", "lease", "provider/acme", "forbidden"],
            ["operator", "remove", "provider/acme", "done"],
        ];
        assert_eq!(told, expected);
    });
}
