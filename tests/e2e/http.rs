//! The page answers, and is told what happens to the services while it is open.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use rustix::process::Signal;
use serde_json::Value;
use tungstenite::{Message, stream::MaybeTlsStream};

use crate::bundle::{Bundle, PATIENCE, pid_of, signal};

/// The response to a plain GET, head and body.
pub(crate) fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

/// The next event of a page's WebSocket for which `wanted` holds.
fn next_event(socket: &mut tungstenite::WebSocket<MaybeTlsStream<TcpStream>>, wanted: impl Fn(&Value) -> bool) -> Value {
    loop {
        if let Message::Text(text) = socket.read().unwrap() {
            let event: Value = serde_json::from_str(&text).unwrap();
            if wanted(&event) {
                return event;
            }
        }
    }
}

#[test]
fn the_page_loads_nothing_from_elsewhere_and_runs_nothing_inline() {
    let bundle = Bundle::start();
    let response = get(&bundle.http(), "/");
    assert!(response.contains("<title>Argentum</title>"), "{response}");
    assert!(response.to_ascii_lowercase().contains("content-security-policy: default-src 'none'; script-src 'self';"), "{response}");
}

#[test]
fn a_page_sees_a_service_die_and_come_back() {
    let bundle = Bundle::start();
    let (mut socket, _) = tungstenite::connect(format!("ws://{}/api/v1/events", bundle.http())).unwrap();
    let MaybeTlsStream::Plain(stream) = socket.get_mut() else { unreachable!("the page is plain HTTP on loopback") };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let models = next_event(&mut socket, |event| event["type"] == "models");
    assert_eq!(models["models"][0]["name"], "offline/offline");
    signal(pid_of(&bundle.service("provider-router")), Signal::KILL);
    let router = |event: &Value| {
        event["services"].as_array().and_then(|services| services.iter().find(|service| service["name"] == "provider-router").cloned())
    };
    next_event(&mut socket, |event| router(event).is_some_and(|router| router["state"] == "backoff"));
    next_event(&mut socket, |event| router(event).is_some_and(|router| router["state"] == "ready" && router["restarts"] == 1));
}
