//! Framing, verbs and options, as nats-server answers them on the wire.

use argentum_bus_server::{Options, Server};

use crate::support::{QUIET, REQUESTER, Wire, open_server, options};

/// What the server says until it closes, after its INFO.
async fn last_words(server: &Server, text: &str) -> String {
    let mut wire = Wire::connect(server.local_addr()).await;
    wire.send(text).await;
    wire.rest().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_info_says_what_clients_need() {
    let server = open_server().await;
    let info = Wire::connect(server.local_addr()).await.info;
    let json = info.strip_prefix("INFO ").expect("INFO comes first").to_owned();
    for part in [
        "\"proto\":1",
        "\"headers\":true",
        "\"jetstream\":false",
        "\"go\":",
        "\"max_payload\":1048576",
        "\"client_id\":1",
        "\"server_id\":\"N",
        &format!("\"port\":{}", server.local_addr().port()),
    ] {
        assert!(json.contains(part), "{part} in {json}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_come_in_any_case_and_spacing() {
    let server = open_server().await;
    let mut wire = Wire::open(server.local_addr(), "connect \t {\"verbose\":false,\"pedantic\":false} \n").await;
    wire.exchange("sUb\ta  1\nPub a\t 2 \r\nhi\r\nPONG\r\n", "MSG a 1 2\r\nhi\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_options_are_on() {
    let server = open_server().await;
    let mut wire = Wire::connect(server.local_addr()).await;
    wire.exchange(
        "CONNECT {}\r\nSUB a 1\r\nPUB a 1\r\nx\r\nPUB a.* 0\r\n\r\nUNSUB 1\r\n",
        "+OK\r\n+OK\r\n+OK\r\nMSG a 1 1\r\nx\r\n-ERR 'Invalid Publish Subject'\r\n+OK\r\n+OK\r\n",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_server_serves_before_connect() {
    let server = open_server().await;
    let mut wire = Wire::connect(server.local_addr()).await;
    wire.exchange("SUB a 1\r\nPUB a 0\r\n\r\n", "+OK\r\n+OK\r\nMSG a 1 0\r\n\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_operations_and_bad_bodies_close_with_text() {
    let server = open_server().await;
    for text in ["FOO\r\n", "\r\n", "PUB a 3\r\nabcde\r\n", "PUB a 2\nhi\nPING\r\n"] {
        assert_eq!(last_words(&server, &format!("{QUIET}{text}")).await, "-ERR 'Unknown Protocol Operation'\r\n", "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_arguments_close_without_text() {
    let server = open_server().await;
    for text in [
        "PUB a\r\n",
        "PUB a b c 2\r\n",
        "PUB a -1\r\n",
        "SUB a\r\n",
        "UNSUB 1 2 3\r\n",
        "HPUB a 0 0\r\n\r\n",
        "-ERR 'no'\r\n",
        "CONNECT {\r\n",
    ] {
        assert_eq!(last_words(&server, &format!("{QUIET}{text}")).await, "", "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_line_has_a_limit() {
    let server = open_server().await;
    let subject = "a".repeat(5000);
    for text in [format!("PUB {subject} 0\r\n\r\n"), format!("PUB {subject}")] {
        assert_eq!(last_words(&server, &format!("{QUIET}{text}")).await, "-ERR 'maximum control line exceeded'\r\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_payload_is_refused_before_its_body_comes() {
    let server = Server::start(Options { payload_bytes_max: 8, ..options() }).await.unwrap();
    assert_eq!(last_words(&server, &format!("{QUIET}PUB a 9\r\n")).await, "-ERR 'Maximum Payload Violation'\r\n");
    assert_eq!(last_words(&server, &format!("{REQUESTER}HPUB a 4 9\r\n")).await, "-ERR 'Maximum Payload Violation'\r\n");
    let mut wire = Wire::open(server.local_addr(), QUIET).await;
    wire.exchange("SUB a 1\r\nPUB a 8\r\n12345678\r\n", "MSG a 1 8\r\n12345678\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_protocol_and_header_options_are_checked() {
    let server = open_server().await;
    assert_eq!(last_words(&server, "CONNECT {\"verbose\":false,\"protocol\":2}\r\n").await, "-ERR 'invalid client protocol'\r\n");
    assert_eq!(
        last_words(&server, "CONNECT {\"verbose\":false,\"no_responders\":true}\r\n").await,
        "-ERR 'no responders requires headers support'\r\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn info_comes_again_right_after_the_first_pong() {
    let server = open_server().await;
    let mut wire = Wire::connect(server.local_addr()).await;
    wire.send("CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING\r\nPING\r\n").await;
    wire.expect("PONG\r\n").await;
    assert!(wire.line().await.contains("\"connect_info\":true"));
    wire.expect("PONG\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_connect_ends_the_subscriptions_of_the_first() {
    let server = open_server().await;
    let mut wire = Wire::open(server.local_addr(), &format!("{QUIET}SUB a 1\r\n")).await;
    wire.exchange("CONNECT {\"verbose\":true}\r\nPUB a 0\r\n\r\n", "+OK\r\n+OK\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reserved_subjects_are_refused() {
    let server = open_server().await;
    let mut wire = Wire::open(server.local_addr(), QUIET).await;
    wire.exchange("PUB a _R_.x 0\r\n\r\n", "-ERR 'Permissions Violation for Publish with Reply of \"_R_.x\"'\r\n").await;
    wire.exchange("PUB $NRG.a 0\r\n\r\n", "-ERR 'Permissions Violation for Publish to \"$NRG.a\"'\r\n").await;
}
