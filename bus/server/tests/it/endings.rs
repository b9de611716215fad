//! How connections and servers end.

use std::time::Duration;

use argentum_bus_server::{LameDuck, Options, Server};
use tokio::net::TcpStream;

use crate::support::{QUIET, Wire, open_server, options, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_connection_is_pinged_and_then_stale() {
    let server = Server::start(Options { ping_interval: Duration::from_millis(20), ..options() }).await.unwrap();
    let wire = Wire::open(server.local_addr(), QUIET).await;
    assert_eq!(wire.rest().await, "PING\r\nPING\r\n-ERR 'Stale Connection'\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_answers_pings_stays() {
    let server = Server::start(Options { ping_interval: Duration::from_millis(10), ..options() }).await.unwrap();
    let mut wire = Wire::connect(server.local_addr()).await;
    wire.send(QUIET).await;
    for _ in 0..5 {
        wire.expect("PING\r\n").await;
        wire.send("PONG\r\n").await;
    }
    assert_eq!(server.connections().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_does_not_read_is_closed_and_the_others_go_on() {
    let server = Server::start(Options { pending_bytes_max: 1024 * 1024, ..options() }).await.unwrap();
    let _slow = Wire::open(server.local_addr(), &format!("{QUIET}SUB a 1\r\n")).await;
    let mut publisher = Wire::open(server.local_addr(), QUIET).await;
    let portion = format!("PUB a 100000\r\n{}\r\n", "x".repeat(100_000));
    while server.statistics().slow_consumers == 0 {
        publisher.exchange(&portion, "").await;
    }
    until("only the publisher is left", || server.connections().len() == 1).await;
    publisher.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_past_its_deadline_closes_the_connection() {
    let options = Options { write_deadline: Duration::from_millis(50), ..options() };
    let server = Server::start(options).await.unwrap();
    let _slow = Wire::open(server.local_addr(), &format!("{QUIET}SUB a 1\r\n")).await;
    let mut publisher = Wire::open(server.local_addr(), QUIET).await;
    let portion = format!("PUB a 1000000\r\n{}\r\n", "x".repeat(1_000_000));
    publisher.exchange(&portion.repeat(16), "").await;
    until("the slow consumer is closed", || server.statistics().slow_consumers == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_is_refused() {
    let server = Server::start(Options { connections_max: 1, ..options() }).await.unwrap();
    let mut first = Wire::open(server.local_addr(), QUIET).await;
    let second = Wire::connect(server.local_addr()).await;
    assert_eq!(second.info, "-ERR 'maximum connections exceeded'\r\n");
    first.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_subscription_too_many_is_refused() {
    let server = Server::start(Options { subscriptions_max: Some(1), ..options() }).await.unwrap();
    let mut wire = Wire::open(server.local_addr(), &format!("{QUIET}SUB a 1\r\n")).await;
    wire.exchange("SUB b 2\r\nPUB a 0\r\n\r\n", "-ERR 'maximum subscriptions exceeded'\r\nMSG a 1 0\r\n\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lame_duck_tells_its_clients_and_then_closes_them() {
    let server = open_server().await;
    let mut wire = Wire::connect(server.local_addr()).await;
    wire.send("CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING\r\n").await;
    wire.expect("PONG\r\n").await;
    wire.line().await;
    server.lame_duck(LameDuck { grace_period: Duration::from_millis(20), duration: Duration::from_millis(40) }).await;
    assert!(wire.line().await.contains("\"ldm\":true"));
    assert_eq!(wire.rest().await, "");
    assert!(TcpStream::connect(server.local_addr()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_delivers_what_is_queued_and_leaves_nothing_running() {
    let server = open_server().await;
    let address = server.local_addr();
    let mut wire = Wire::open(address, &format!("{QUIET}SUB a 1\r\n")).await;
    let mut publisher = Wire::open(address, QUIET).await;
    publisher.exchange("PUB a 2\r\nhi\r\n", "").await;
    server.stop().await;
    wire.expect("MSG a 1 2\r\nhi\r\n").await;
    assert_eq!(wire.rest().await, "");
    assert!(TcpStream::connect(address).await.is_err());
}
