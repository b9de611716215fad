//! A plain HTTP client, and a page's WebSocket.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::Value;
use tungstenite::{Message, WebSocket, client::IntoClientRequest, stream::MaybeTlsStream};

use crate::bundle::PATIENCE;

/// What came back.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    /// The value of a header, as it came.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let pairs = self.head.lines().filter_map(|line| line.split_once(": "));
        pairs.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Sends one request on a connection of its own; `None` where it broke off before an answer.
pub(crate) fn request(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Response> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| *name == "Host") {
        head.push_str(&format!("Host: {address}\r\n"));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    write!(stream, "{head}\r\n{body}").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?.parse().ok()?;
    Some(Response { status, head: head.to_owned(), body: body.to_owned() })
}

/// Sends a request and leaves the answer to whoever reads the connection.
pub(crate) fn begin(address: &str, head: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{head}\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    stream
}

/// The response to a plain GET.
pub(crate) fn get(address: &str, path: &str) -> Response {
    request(address, "GET", path, &[], "").unwrap()
}

/// A page's WebSocket.
pub(crate) struct Events(WebSocket<MaybeTlsStream<TcpStream>>);

impl Events {
    pub(crate) fn open(address: &str, cookie: &str) -> Self {
        let mut request = format!("ws://{address}/api/v1/events").into_client_request().unwrap();
        request.headers_mut().insert("Cookie", cookie.parse().unwrap());
        request.headers_mut().insert("Origin", format!("http://{address}").parse().unwrap());
        let (mut socket, _) = tungstenite::connect(request).unwrap();
        let MaybeTlsStream::Plain(stream) = socket.get_mut() else { unreachable!("the page is plain HTTP on loopback") };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    pub(crate) fn watch(&mut self, conversation: &str) {
        let said = serde_json::json!({ "type": "watch", "conversation": conversation }).to_string();
        self.0.send(Message::text(said)).unwrap();
    }

    /// The next event for which `wanted` holds.
    pub(crate) fn next(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            if let Message::Text(text) = self.0.read().unwrap() {
                let event: Value = serde_json::from_str(&text).unwrap();
                if wanted(&event) {
                    return event;
                }
            }
        }
    }
}
