//! The client library that Argentum uses, against this server.

use std::time::Duration;

use argentum_bus_server::{Credential, Permissions, Rules, Server, User};
use async_nats::{ConnectOptions, Event};
use futures::StreamExt;
use nkeys::KeyPair;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::support::{PATIENCE, closed_server, open_server};

async fn connect(server: &Server) -> async_nats::Client {
    async_nats::connect(server.local_addr().to_string()).await.expect("an open server")
}

/// A round trip: what was asked before is in force at the server.
async fn barrier(client: &async_nats::Client) {
    let inbox = client.new_inbox();
    let mut marker = client.subscribe(inbox.clone()).await.expect("the connection lives");
    client.publish(inbox, "".into()).await.expect("the connection lives");
    timeout(PATIENCE, marker.next()).await.expect("the server answers").expect("the connection lives");
}

#[tokio::test(flavor = "multi_thread")]
async fn publishes_and_subscribes_with_wildcards() {
    let server = open_server().await;
    let (publisher, subscriber) = (connect(&server).await, connect(&server).await);
    let mut messages = subscriber.subscribe("orders.*.new").await.unwrap();
    barrier(&subscriber).await;
    for number in 0..1000 {
        publisher.publish(format!("orders.{number}.new"), number.to_string().into()).await.unwrap();
    }
    for number in 0..1000 {
        let message = timeout(PATIENCE, messages.next()).await.unwrap().unwrap();
        assert_eq!(message.payload, number.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_with_headers() {
    let server = open_server().await;
    let (asker, service) = (connect(&server).await, connect(&server).await);
    let mut requests = service.subscribe("echo").await.unwrap();
    barrier(&service).await;
    tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            let headers = request.headers.unwrap_or_default();
            service.publish_with_headers(request.reply.unwrap(), headers, request.payload).await.unwrap();
        }
    });
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("traceparent", "00-1");
    let reply = asker.request_with_headers("echo", headers, "hi".into()).await.unwrap();
    assert_eq!((&reply.payload[..], reply.headers.unwrap().get("traceparent").unwrap().as_str()), (&b"hi"[..], "00-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_responders_fails_at_once() {
    let server = open_server().await;
    let client = connect(&server).await;
    let error = timeout(Duration::from_secs(5), client.request("nobody", "".into())).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), async_nats::RequestErrorKind::NoResponders);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_group_shares_the_messages() {
    let server = open_server().await;
    let (first, second, publisher) = (connect(&server).await, connect(&server).await, connect(&server).await);
    let mut ones = first.queue_subscribe("work", "q".into()).await.unwrap();
    let mut twos = second.queue_subscribe("work", "q".into()).await.unwrap();
    barrier(&first).await;
    barrier(&second).await;
    for _ in 0..200 {
        publisher.publish("work", "".into()).await.unwrap();
    }
    let mut counts = (0, 0);
    while counts.0 + counts.1 < 200 {
        tokio::select! {
            Some(_) = ones.next() => counts.0 += 1,
            Some(_) = twos.next() => counts.1 += 1,
            () = tokio::time::sleep(PATIENCE) => panic!("only {counts:?}"),
        }
    }
    assert!(0 < counts.0 && 0 < counts.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_nkey_opens_and_another_does_not() {
    let (key, stranger) = (KeyPair::new_user(), KeyPair::new_user());
    let user = User { name: "router".into(), credential: Credential::Nkey(key.public_key()), permissions: Permissions::all() };
    let server = closed_server([user]).await;
    let client = ConnectOptions::with_nkey(key.seed().unwrap()).connect(server.local_addr().to_string()).await.unwrap();
    barrier(&client).await;
    let refused = ConnectOptions::with_nkey(stranger.seed().unwrap()).connect(server.local_addr().to_string()).await.unwrap_err();
    assert_eq!(refused.kind(), async_nats::ConnectErrorKind::AuthorizationViolation);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_publication_is_an_event_and_a_revoked_user_is_cut() {
    let key = KeyPair::new_user();
    let permissions = Permissions { publish: Rules::only(["own.>"]), subscribe: Rules::only(["_INBOX.>", "own.>"]), allow_responses: None };
    let server = closed_server([User { name: "web".into(), credential: Credential::Nkey(key.public_key()), permissions }]).await;
    let (sender, mut events) = mpsc::channel(64);
    let client = ConnectOptions::with_nkey(key.seed().unwrap())
        .event_callback(move |event| {
            let sender = sender.clone();
            async move { drop(sender.try_send(event)) }
        })
        .connect(server.local_addr().to_string())
        .await
        .unwrap();
    client.publish("foreign", "".into()).await.unwrap();
    let violation = async {
        while let Some(event) = events.recv().await {
            if event.to_string().to_lowercase().contains("permissions violation for publish to \"foreign\"") {
                return;
            }
        }
    };
    timeout(PATIENCE, violation).await.expect("the violation is reported");
    server.users().revoke("web").await;
    let cut = async { while !matches!(events.recv().await, Some(Event::Disconnected) | None) {} };
    timeout(PATIENCE, cut).await.expect("the connection is cut");
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_loses_nothing() {
    let server = open_server().await;
    let (publisher, subscriber) = (connect(&server).await, connect(&server).await);
    let mut messages = subscriber.subscribe("a").await.unwrap();
    barrier(&subscriber).await;
    for _ in 0..1000 {
        publisher.publish("a", "x".into()).await.unwrap();
    }
    barrier(&publisher).await;
    messages.drain().await.unwrap();
    let mut count = 0;
    while timeout(PATIENCE, messages.next()).await.expect("the stream ends").is_some() {
        count += 1;
    }
    assert_eq!(count, 1000);
}
