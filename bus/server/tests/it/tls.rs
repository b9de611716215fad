//! Encrypted connections, with certificates made for the test.

use std::path::PathBuf;
use std::time::Duration;

use argentum_bus_server::{Handshake, Options, Server, Tls, TlsError};
use async_nats::ConnectOptions;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use crate::support::{PATIENCE, Wire, options};

/// An authority, a server for loopback and a client, as files.
struct Certificates {
    folder: TempDir,
}

// === impl Certificates ===

impl Certificates {
    fn new() -> Self {
        let certificates = Self { folder: TempDir::new().expect("a folder") };
        let mut authority = CertificateParams::new(Vec::new()).expect("no names");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        certificates.write("ca.pem", &authority.self_signed(&key).expect("a certificate").pem());
        let issuer = Issuer::new(authority, key);
        for (name, subject) in [("server", "127.0.0.1"), ("client", "client")] {
            let key = KeyPair::generate().expect("a key");
            let certificate =
                CertificateParams::new(vec![subject.to_owned()]).expect("a name").signed_by(&key, &issuer).expect("a certificate");
            certificates.write(&format!("{name}.pem"), &certificate.pem());
            certificates.write(&format!("{name}-key.pem"), &key.serialize_pem());
        }
        certificates
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tls(&self, verifies: bool) -> Tls {
        let authority = self.path("ca.pem");
        Tls::from_files(&self.path("server.pem"), &self.path("server-key.pem"), verifies.then_some(&*authority)).expect("good files")
    }

    async fn server(&self, verifies: bool, handshake: Handshake) -> Server {
        let mut tls = self.tls(verifies);
        tls.handshake = handshake;
        Server::start(Options { tls: Some(tls), ..options() }).await.expect("a free port")
    }

    fn client(&self) -> ConnectOptions {
        ConnectOptions::new().add_root_certificates(self.path("ca.pem")).require_tls(true)
    }
}

async fn echoes(client: &async_nats::Client) -> bool {
    use futures::StreamExt as _;
    let mut messages = client.subscribe("a").await.expect("the connection lives");
    client.publish("a", "x".repeat(100_000).into()).await.expect("the connection lives");
    let message = tokio::time::timeout(PATIENCE, messages.next()).await.expect("the server answers");
    message.is_some_and(|message| message.payload.len() == 100_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_upgrade_after_info() {
    let certificates = Certificates::new();
    let server = certificates.server(false, Handshake::AfterInfo).await;
    let client = certificates.client().connect(server.local_addr().to_string()).await.unwrap();
    assert!(echoes(&client).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handshake_can_come_first_or_either_way() {
    let certificates = Certificates::new();
    for handshake in [Handshake::First, Handshake::FirstWithin(Duration::from_secs(5))] {
        let server = certificates.server(false, handshake).await;
        let client = certificates.client().tls_first().connect(server.local_addr().to_string()).await.unwrap();
        assert!(echoes(&client).await, "{handshake:?}");
    }
    let server = certificates.server(false, Handshake::FirstWithin(Duration::from_millis(10))).await;
    let client = certificates.client().connect(server.local_addr().to_string()).await.unwrap();
    assert!(echoes(&client).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_must_show_a_certificate_where_they_are_verified() {
    let certificates = Certificates::new();
    let server = certificates.server(true, Handshake::AfterInfo).await;
    let address = server.local_addr().to_string();
    assert!(certificates.client().connect(&address).await.is_err());
    let known = certificates.client().add_client_certificate(certificates.path("client.pem"), certificates.path("client-key.pem"));
    assert!(echoes(&known.connect(&address).await.unwrap()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_is_not_obeyed() {
    let certificates = Certificates::new();
    let server = certificates.server(false, Handshake::AfterInfo).await;
    let mut wire = Wire::connect(server.local_addr()).await;
    assert!(wire.info.contains("\"tls_required\":true"));
    wire.send("CONNECT {}\r\nPING\r\n").await;
    assert!(!wire.rest_bytes().await.windows(4).any(|bytes| bytes == b"PONG"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_does_not_come_ends_the_connection() {
    let certificates = Certificates::new();
    let mut tls = certificates.tls(false);
    tls.timeout = Duration::from_millis(20);
    let server = Server::start(Options { tls: Some(tls), ..options() }).await.unwrap();
    let wire = Wire::connect(server.local_addr()).await;
    assert_eq!(wire.rest().await, "");
}

#[test]
fn bad_files_say_why() {
    let certificates = Certificates::new();
    let load = |certificate: &str, key: &str| Tls::from_files(&certificates.path(certificate), &certificates.path(key), None);
    certificates.write("empty.pem", "");
    assert!(matches!(load("nowhere.pem", "server-key.pem"), Err(TlsError::Read { .. })));
    assert!(matches!(load("empty.pem", "server-key.pem"), Err(TlsError::Empty { .. })));
    assert!(matches!(load("server.pem", "client-key.pem"), Err(TlsError::Server(_))));
}
