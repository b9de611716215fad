//! A plain HTTP client that can hang up in the middle.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
};

use argentum_testkit::PATIENCE;
use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A request whose answer is under way. Dropping it hangs up.
pub(crate) struct Exchange(BufReader<TcpStream>);

// === impl Exchange ===

impl Exchange {
    /// Sends one request on a connection of its own. `headers` are whole lines.
    pub(crate) fn begin(address: SocketAddr, request_line: &str, headers: &[String], body: &str) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut head = format!("{request_line} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        if !headers.iter().any(|line| line.starts_with("Host:")) {
            head.push_str(&format!("Host: {address}\r\n"));
        }
        headers.iter().for_each(|line| head.push_str(&format!("{line}\r\n")));
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        // Who refuses a body does not read it, so not all of it may get there.
        let _ = stream.write_all(body.as_bytes());
        Self(BufReader::new(stream))
    }

    /// Reads until `text` has come, and not further than its line.
    pub(crate) fn read_until(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "`{text}` never came");
        }
    }

    /// The whole answer.
    pub(crate) fn finish(mut self) -> Response {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).unwrap();
        let answer = String::from_utf8(bytes).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let is_chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        let body = if is_chunked { joined(body) } else { body.to_owned() };
        Response { status, head: head.to_ascii_lowercase(), body }
    }
}

/// The body without its chunked coding (RFC 9112, section 7.1).
fn joined(mut coded: &str) -> String {
    let mut body = String::new();
    while let Some((size, rest)) = coded.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        body.push_str(&rest[..size]);
        coded = rest.get(size + 2..).unwrap_or_default();
    }
    body
}

// === impl Response ===

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What the events of a stream say; the last is `[DONE]` where the answer is whole.
    pub(crate) fn events(&self) -> Vec<String> {
        self.body.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).map(str::to_owned).collect()
    }
}
