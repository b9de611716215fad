//! Who may connect.

use std::time::Duration;

use argentum_bus_server::{Credential, Options, Permissions, Server, StartError, User};
use data_encoding::BASE64URL_NOPAD;
use nkeys::KeyPair;

use crate::support::{Wire, closed_server, login, options, user};

const REFUSED: &str = "-ERR 'Authorization Violation'\r\n";

async fn answer(server: &Server, text: &str) -> String {
    let mut wire = Wire::connect(server.local_addr()).await;
    wire.send(text).await;
    wire.rest().await
}

fn nonce(info: &str) -> &str {
    info.split("\"nonce\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a nonce where credentials are required")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_opens_and_everything_else_is_refused() {
    let server = closed_server([user("ann", Permissions::all())]).await;
    let mut wire = Wire::open(server.local_addr(), &login("ann")).await;
    wire.settle().await;
    assert_eq!(server.connections()[0].user, "ann");
    for text in [
        "CONNECT {}\r\n",
        "CONNECT {\"user\":\"ann\",\"pass\":\"no\"}\r\n",
        "CONNECT {\"user\":\"bob\",\"pass\":\"pw\"}\r\n",
        "PING\r\n",
        "SUB a 1\r\n",
    ] {
        assert_eq!(answer(&server, text).await, REFUSED, "{text:?}");
    }
    assert_eq!(server.statistics().authentication_failures, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens() {
    let token = User { name: "ops".into(), credential: Credential::Token("t0ken".into()), permissions: Permissions::all() };
    let server = closed_server([token]).await;
    Wire::open(server.local_addr(), "CONNECT {\"verbose\":false,\"auth_token\":\"t0ken\"}\r\n").await;
    assert_eq!(answer(&server, "CONNECT {\"auth_token\":\"other\"}\r\n").await, REFUSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_nkey_must_sign_the_nonce_of_its_own_connection() {
    let key = KeyPair::new_user();
    let server =
        closed_server([User { name: "vault".into(), credential: Credential::Nkey(key.public_key()), permissions: Permissions::all() }])
            .await;
    let connect = |nonce: &str| {
        let signature = BASE64URL_NOPAD.encode(&key.sign(nonce.as_bytes()).unwrap());
        format!("CONNECT {{\"verbose\":false,\"nkey\":\"{}\",\"sig\":\"{signature}\"}}\r\n", key.public_key())
    };
    let mut wire = Wire::connect(server.local_addr()).await;
    let replayed = connect(nonce(&wire.info));
    wire.send(&replayed).await;
    wire.settle().await;
    assert_eq!(answer(&server, &replayed).await, REFUSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bcrypt_hash_opens_for_its_password_only() {
    let hash = bcrypt::hash("secret", 4).unwrap();
    let credential = Credential::PasswordHash { user: "ann".into(), hash: hash.clone() };
    let server = closed_server([User { name: "ann".into(), credential, permissions: Permissions::all() }]).await;
    Wire::open(server.local_addr(), "CONNECT {\"verbose\":false,\"user\":\"ann\",\"pass\":\"secret\"}\r\n").await;
    assert_eq!(answer(&server, &format!("CONNECT {{\"user\":\"ann\",\"pass\":\"{hash}\"}}\r\n")).await, REFUSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_must_come_in_time() {
    let server = Server::start(Options { auth_required: true, auth_timeout: Duration::from_millis(50), ..options() }).await.unwrap();
    assert_eq!(answer(&server, "CONN").await, "-ERR 'Authentication Timeout'\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anonymous_user_needs_required_credentials() {
    let refused = Server::start(Options { anonymous_user: Some("guest".into()), ..options() }).await;
    assert!(matches!(refused, Err(StartError::AnonymousWithoutAuth)));
    let server = Server::start(Options { auth_required: true, anonymous_user: Some("guest".into()), ..options() }).await.unwrap();
    server.users().insert(user("guest", Permissions::default()));
    let mut wire = Wire::open(server.local_addr(), "CONNECT {\"verbose\":false}\r\n").await;
    wire.exchange("SUB a 1\r\n", "-ERR 'Permissions Violation for Subscription to \"a\"'\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_address_is_an_error() {
    let server = closed_server([]).await;
    let second = Server::start(Options { address: server.local_addr(), ..options() }).await;
    assert!(matches!(second, Err(StartError::Bind { address, .. }) if address == server.local_addr()));
}
