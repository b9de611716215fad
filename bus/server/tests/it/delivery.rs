//! Who gets a message, in which form, and in which order.

use crate::support::{QUIET, REQUESTER, Wire, open_server, until};

#[tokio::test(flavor = "multi_thread")]
async fn wildcards_match_whole_tokens_only() {
    let server = open_server().await;
    let mut wire = Wire::open(server.local_addr(), &format!("{QUIET}SUB foo* 1\r\nSUB a.* 2\r\nSUB b.> 3\r\n")).await;
    wire.exchange("PUB foox 0\r\n\r\nPUB foo* 0\r\n\r\n", "MSG foo* 1 0\r\n\r\n").await;
    wire.exchange("PUB a 0\r\n\r\nPUB a.x.y 0\r\n\r\nPUB a.x 0\r\n\r\n", "MSG a.x 2 0\r\n\r\n").await;
    wire.exchange("PUB b 0\r\n\r\nPUB b.x.y 0\r\n\r\n", "MSG b.x.y 3 0\r\n\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_subscription_subject_is_refused_and_the_connection_stays() {
    let server = open_server().await;
    let mut wire = Wire::open(server.local_addr(), QUIET).await;
    wire.exchange(
        "SUB a..b 1\r\nSUB a.>.b 1\r\nSUB a 1\r\nPUB a 0\r\n\r\n",
        "-ERR 'Invalid Subject'\r\n-ERR 'Invalid Subject'\r\nMSG a 1 0\r\n\r\n",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_subscription_of_a_sid_stays() {
    let server = open_server().await;
    let mut wire = Wire::open(server.local_addr(), &format!("{QUIET}SUB a 1\r\nSUB b 1\r\n")).await;
    wire.exchange("PUB b 0\r\n\r\nPUB a 0\r\n\r\nUNSUB 1\r\nPUB a 0\r\n\r\nUNSUB 9\r\n", "MSG a 1 0\r\n\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unsubscribe_with_a_maximum_counts_from_the_subscription() {
    let server = open_server().await;
    let mut wire = Wire::open(server.local_addr(), &format!("{QUIET}SUB a 1\r\n")).await;
    let publish = "PUB a 0\r\n\r\n";
    let message = "MSG a 1 0\r\n\r\n";
    wire.exchange(&format!("{publish}UNSUB 1 3\r\n{publish}{publish}{publish}"), &message.repeat(3)).await;
    wire.exchange(&format!("SUB a 1\r\n{publish}UNSUB 1 1\r\n{publish}"), message).await;
    assert_eq!(server.statistics().subscriptions, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn echo_off_keeps_own_messages_away() {
    let server = open_server().await;
    let mut other = Wire::open(server.local_addr(), &format!("{QUIET}SUB a q 7\r\n")).await;
    let mut wire =
        Wire::open(server.local_addr(), "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\nSUB a 1\r\nSUB a q 2\r\n").await;
    wire.exchange(&"PUB a 0\r\n\r\n".repeat(20), "").await;
    other.expect(&"MSG a 7 0\r\n\r\n".repeat(20)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_pass_byte_exact_and_are_stripped_for_those_who_cannot_read_them() {
    let server = open_server().await;
    let mut plain = Wire::open(server.local_addr(), &format!("{QUIET}SUB a 1\r\n")).await;
    let mut wire = Wire::open(server.local_addr(), &format!("{REQUESTER}SUB a 1\r\n")).await;
    wire.exchange("HPUB a r 23 25\r\nNATS/1.0\r\nA:b\r\nA: c\r\n\r\nhi\r\n", "HMSG a 1 r 23 25\r\nNATS/1.0\r\nA:b\r\nA: c\r\n\r\nhi\r\n")
        .await;
    plain.expect("MSG a 1 r 2\r\nhi\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_name_gets_one_delivery_across_all_matching_subjects() {
    let server = open_server().await;
    let subscriptions = "SUB foo q 1\r\nSUB fo.* q 2\r\nSUB * q 3\r\nSUB foo r 4\r\nSUB foo 5\r\n";
    let mut wire = Wire::open(server.local_addr(), &format!("{QUIET}{subscriptions}")).await;
    let mut counts = [0; 6];
    wire.send(&"PUB foo 0\r\n\r\n".repeat(100)).await;
    for _ in 0..300 {
        let line = wire.line().await;
        let sid = line.split(' ').nth(2).and_then(|sid| sid.parse::<usize>().ok()).expect("a MSG line");
        counts[sid] += 1;
        wire.expect("\r\n").await;
    }
    wire.settle().await;
    let is_spread = counts[1] != 0 && counts[3] != 0;
    assert!(is_spread && counts[1] + counts[3] == 100 && counts[2] == 0 && counts[4..] == [100, 100], "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_responders_gets_one_503() {
    let server = open_server().await;
    let mut wire = Wire::open(server.local_addr(), &format!("{REQUESTER}SUB r.* 1\r\nSUB r.> q 2\r\n")).await;
    wire.exchange("PUB a r.x 0\r\n\r\n", "HMSG r.x 1 33 33\r\nNATS/1.0 503\r\nNats-Subject: a\r\n\r\n\r\n").await;
    wire.exchange("PUB a elsewhere 0\r\n\r\nPUB a 0\r\n\r\n", "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_after_the_pong_that_follows_an_unsubscription() {
    let server = open_server().await;
    let address = server.local_addr();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let flood = tokio::spawn(async move {
        let mut publisher = Wire::open(address, QUIET).await;
        while !*stopped.borrow() {
            publisher.exchange(&"PUB a 1\r\nx\r\n".repeat(50), "").await;
        }
    });
    let mut wire = Wire::open(address, QUIET).await;
    wire.send("SUB a 0\r\n").await;
    for round in 0..50 {
        wire.send(&format!("UNSUB {round}\r\nPING\r\n")).await;
        while wire.line().await != "PONG\r\n" {}
        wire.send(&format!("SUB a {}\r\n", round + 1)).await;
        wire.expect(&format!("MSG a {} 1\r\nx\r\n", round + 1)).await;
    }
    stop.send_replace(true);
    flood.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn large_messages_reach_every_subscriber_whole() {
    let server = open_server().await;
    let mut subscribers = Vec::new();
    for _ in 0..3 {
        subscribers.push(Wire::open(server.local_addr(), &format!("{QUIET}SUB big 1\r\nSUB small 2\r\n")).await);
    }
    let body: String = ('a'..='z').cycle().take(500_000).collect();
    let mut publisher = Wire::open(server.local_addr(), QUIET).await;
    publisher.exchange(&format!("PUB small 2\r\nhi\r\nPUB big 500000\r\n{body}\r\nPUB small 2\r\nyo\r\n"), "").await;
    for mut subscriber in subscribers {
        subscriber.expect(&format!("MSG small 2 2\r\nhi\r\nMSG big 1 500000\r\n{body}\r\nMSG small 2 2\r\nyo\r\n")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_connection_held_is_gone_with_it() {
    let server = open_server().await;
    let wire = Wire::open(server.local_addr(), &format!("{QUIET}SUB a 1\r\nSUB b.> q 2\r\n")).await;
    assert_eq!((server.statistics().subscriptions, server.connections().len()), (2, 1));
    drop(wire);
    until("the connection is forgotten", || server.statistics().subscriptions == 0 && server.connections().is_empty()).await;
}

/// Publishes numbered messages on a subject of its own.
async fn publish_numbers(address: std::net::SocketAddr, publisher: usize, count: usize) {
    let mut wire = Wire::open(address, QUIET).await;
    for portion in (0..count).collect::<Vec<_>>().chunks(50) {
        let text: String =
            portion.iter().map(|number| format!("PUB p.{publisher} 0\r\n\r\nPUB n.{publisher}.{number} 0\r\n\r\n")).collect();
        wire.send(&text).await;
    }
    wire.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_publishers_keep_their_order_and_lose_nothing() {
    let server = open_server().await;
    let address = server.local_addr();
    let mut subscribers = Vec::new();
    for _ in 0..2 {
        subscribers.push(Wire::open(address, &format!("{QUIET}SUB n.> 1\r\n")).await);
    }
    let publishers: Vec<_> = (0..4).map(|publisher| tokio::spawn(publish_numbers(address, publisher, 500))).collect();
    for subscriber in &mut subscribers {
        let mut next = [0; 4];
        for _ in 0..2000 {
            let line = subscriber.line().await;
            let mut tokens = line.split(['.', ' ']).skip(2).map(|token| token.parse::<usize>().unwrap());
            let (publisher, number) = (tokens.next().unwrap(), tokens.next().unwrap());
            assert_eq!(number, next[publisher]);
            next[publisher] += 1;
            subscriber.expect("\r\n").await;
        }
        subscriber.settle().await;
    }
    for publisher in publishers {
        publisher.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_gets_each_message_once_whoever_publishes() {
    let server = open_server().await;
    let address = server.local_addr();
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(Wire::open(address, &format!("{QUIET}SUB n.> q 1\r\n")).await);
    }
    let publishers: Vec<_> = (0..4).map(|publisher| tokio::spawn(publish_numbers(address, publisher, 500))).collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }
    let mut seen = std::collections::HashSet::new();
    for member in &mut members {
        member.send("PING\r\n").await;
        loop {
            let line = member.line().await;
            if line == "PONG\r\n" {
                break;
            }
            assert!(line == "\r\n" || seen.insert(line));
        }
    }
    assert_eq!(seen.len(), 2000);
}
