//! What permissions refuse, with nats-server's texts, and what they filter.

use argentum_bus_server::{Permissions, Responses, Rules};

use crate::support::{Wire, closed_server, login, until, user};

fn rules(allow: &[&str], deny: &[&str]) -> Rules {
    Rules { allow: allow.iter().map(ToString::to_string).collect(), deny: deny.iter().map(ToString::to_string).collect() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_rules_may_do_nothing() {
    let server = closed_server([user("ann", Permissions::default())]).await;
    let mut wire = Wire::open(server.local_addr(), &login("ann")).await;
    wire.exchange("PUB a 0\r\n\r\n", "-ERR 'Permissions Violation for Publish to \"a\"'\r\n").await;
    wire.exchange("SUB a 1\r\n", "-ERR 'Permissions Violation for Subscription to \"a\"'\r\n").await;
    wire.exchange("SUB a q 1\r\n", "-ERR 'Permissions Violation for Subscription to \"a\" using queue \"q\"'\r\n").await;
    assert_eq!(server.statistics().permission_violations, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wildcard_subscription_is_filtered_where_a_part_is_denied() {
    let permissions = Permissions { publish: Rules::all(), subscribe: rules(&["in.>", "r"], &["in.secret"]), allow_responses: None };
    let server = closed_server([user("ann", permissions)]).await;
    let mut wire = Wire::open(server.local_addr(), &format!("{}SUB in.> 1\r\nSUB r 2\r\n", login("ann"))).await;
    wire.exchange("PUB in.open 0\r\n\r\nPUB in.secret 0\r\n\r\n", "MSG in.open 1 0\r\n\r\n").await;
    wire.exchange("PUB in.secret r 0\r\n\r\n", "HMSG r 2 41 41\r\nNATS/1.0 503\r\nNats-Subject: in.secret\r\n\r\n\r\n").await;
    wire.exchange("SUB in.secret 3\r\n", "-ERR 'Permissions Violation for Subscription to \"in.secret\"'\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_responder_may_answer_what_it_was_asked_once() {
    let responder =
        Permissions { subscribe: rules(&["service"], &[]), allow_responses: Some(Responses::default()), ..Permissions::default() };
    let server = closed_server([user("service", responder), user("ann", Permissions::all())]).await;
    let mut service = Wire::open(server.local_addr(), &format!("{}SUB service 1\r\n", login("service"))).await;
    let mut asker = Wire::open(server.local_addr(), &format!("{}SUB reply 1\r\n", login("ann"))).await;
    asker.exchange("PUB service reply 0\r\n\r\n", "").await;
    service.expect("MSG service 1 reply 0\r\n\r\n").await;
    service
        .exchange(
            "PUB reply 2\r\nok\r\nPUB reply 2\r\nno\r\nPUB other 0\r\n\r\n",
            "-ERR 'Permissions Violation for Publish to \"reply\"'\r\n-ERR 'Permissions Violation for Publish to \"other\"'\r\n",
        )
        .await;
    asker.expect("MSG reply 1 2\r\nok\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_a_user_cuts_its_connections_and_no_other() {
    let server = closed_server([user("ann", Permissions::all()), user("bob", Permissions::all())]).await;
    let ann = Wire::open(server.local_addr(), &format!("{}SUB a 1\r\n", login("ann"))).await;
    let second = Wire::open(server.local_addr(), &login("ann")).await;
    let mut bob = Wire::open(server.local_addr(), &format!("{}SUB r 1\r\n", login("bob"))).await;
    server.users().revoke("ann").await;
    assert_eq!((server.connections().len(), server.statistics().subscriptions), (1, 1));
    bob.exchange("PUB a r 0\r\n\r\n", "HMSG r 1 33 33\r\nNATS/1.0 503\r\nNats-Subject: a\r\n\r\n\r\n").await;
    for wire in [ann, second] {
        assert_eq!(wire.rest().await, "-ERR 'Authorization Violation'\r\n");
    }
    let mut again = Wire::connect(server.local_addr()).await;
    again.send(&login("ann")).await;
    assert_eq!(again.rest().await, "-ERR 'Authorization Violation'\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_user_must_connect_again() {
    let server = closed_server([user("ann", Permissions::all())]).await;
    let wire = Wire::open(server.local_addr(), &login("ann")).await;
    server.users().insert(user("ann", Permissions::default()));
    assert_eq!(wire.rest().await, "-ERR 'Authorization Violation'\r\n");
    until("the old connection is gone", || server.connections().is_empty()).await;
    let mut again = Wire::open(server.local_addr(), &login("ann")).await;
    again.exchange("PUB a 0\r\n\r\n", "-ERR 'Permissions Violation for Publish to \"a\"'\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_star_never_allows_what_is_wider() {
    let permissions = Permissions { publish: Rules::all(), subscribe: rules(&["*", "x.*"], &[]), allow_responses: None };
    let server = closed_server([user("ann", permissions)]).await;
    let mut wire = Wire::open(server.local_addr(), &login("ann")).await;
    wire.exchange("SUB > 1\r\n", "-ERR 'Permissions Violation for Subscription to \">\"'\r\n").await;
    wire.exchange("SUB x.> 1\r\n", "-ERR 'Permissions Violation for Subscription to \"x.>\"'\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_revoked_user_comes_after_the_revocation() {
    let server = closed_server([user("zombie", Permissions::all()), user("ann", Permissions::all())]).await;
    let mut subscriber = Wire::open(server.local_addr(), &format!("{}SUB a 1\r\n", login("ann"))).await;
    let mut zombie = Wire::open(server.local_addr(), &login("zombie")).await;
    let flood = tokio::spawn(async move { while zombie.try_send(&"PUB a 1\r\nx\r\n".repeat(100)).await {} });
    while subscriber.line().await != "x\r\n" {}
    server.users().revoke("zombie").await;
    subscriber.send("PING\r\n").await;
    while subscriber.line().await != "PONG\r\n" {}
    flood.await.unwrap();
    subscriber.settle().await;
}
