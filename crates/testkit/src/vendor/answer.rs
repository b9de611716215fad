//! How a vendor answers, well or badly.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::{Value, json};

use super::{http, protocol::Protocol};

/// How often a silent vendor looks whether the asker is still there.
const LOOK: Duration = Duration::from_millis(10);

/// One answer, in the protocol of whoever asks.
#[derive(Clone, Debug)]
pub struct Answer {
    kind: Kind,
    headers: Vec<(String, String)>,
    pause: Duration,
    end: End,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Pieces of text, and whether the end is told.
    Text { pieces: Vec<String>, is_whole: bool },
    /// A good head, pieces of text, then an error.
    Stumble { pieces: Vec<String> },
    /// Server-sent events, as they are.
    Events(Vec<u8>),
    /// A status, with an error in the body.
    Status(u16),
    /// Anything else.
    Raw { status: u16, content_type: String, body: String },
    /// Not even a head.
    Nothing,
}

/// What comes after the last piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The end of the connection.
    Close,
    /// Nothing, until the asker hangs up.
    Silence,
}

// === impl Answer ===

impl Answer {
    fn new(kind: Kind) -> Self {
        Self { kind, headers: Vec::new(), pause: Duration::ZERO, end: End::Close }
    }

    /// A whole answer in these pieces.
    pub fn text<const N: usize>(pieces: [&str; N]) -> Self {
        Self::new(Kind::Text { pieces: pieces.map(str::to_owned).to_vec(), is_whole: true })
    }

    /// A whole answer, after which the connection stays open until the asker hangs up.
    pub fn text_then_silence<const N: usize>(pieces: [&str; N]) -> Self {
        Self { end: End::Silence, ..Self::text(pieces) }
    }

    /// The beginning of an answer; then the connection ends.
    pub fn half<const N: usize>(pieces: [&str; N]) -> Self {
        Self::new(Kind::Text { pieces: pieces.map(str::to_owned).to_vec(), is_whole: false })
    }

    /// The beginning of an answer; then nothing more, until the asker hangs up.
    pub fn half_then_silence<const N: usize>(pieces: [&str; N]) -> Self {
        Self { end: End::Silence, ..Self::half(pieces) }
    }

    /// The beginning of an answer; then an error.
    pub fn half_then_error<const N: usize>(pieces: [&str; N]) -> Self {
        Self::new(Kind::Stumble { pieces: pieces.map(str::to_owned).to_vec() })
    }

    /// A good head, then an error instead of an answer.
    pub fn error_event() -> Self {
        Self::half_then_error([])
    }

    /// These bytes as a stream of events.
    pub fn events(bytes: impl AsRef<[u8]>) -> Self {
        Self::new(Kind::Events(bytes.as_ref().to_owned()))
    }

    /// A call of one tool, in two pieces, as OpenAI streams it.
    pub fn tool_call(id: &str, name: &str, arguments: &str) -> Self {
        let chunk = |delta: Value, finish_reason: Option<&str>| {
            format!("data: {}\n\n", json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": finish_reason }] }))
        };
        let call = |call: Value| chunk(json!({ "tool_calls": [call] }), None);
        let begin = call(json!({ "index": 0, "id": id, "type": "function", "function": { "name": name, "arguments": "" } }));
        let rest = call(json!({ "index": 0, "function": { "arguments": arguments } }));
        Self::events(format!("{begin}{rest}{}data: [DONE]\n\n", chunk(json!({}), Some("tool_calls"))))
    }

    /// A refusal.
    pub fn status(status: u16) -> Self {
        Self::new(Kind::Status(status))
    }

    /// Something else altogether.
    pub fn raw(status: u16, content_type: &str, body: &str) -> Self {
        Self::new(Kind::Raw { status, content_type: content_type.to_owned(), body: body.to_owned() })
    }

    /// Nothing at all, until the asker hangs up.
    pub fn nothing() -> Self {
        Self { end: End::Silence, ..Self::new(Kind::Nothing) }
    }

    /// The same with a header more.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with a pause before each piece.
    pub fn paced(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    pub(super) fn give(&self, protocol: Protocol, stream: &mut TcpStream, is_over: &AtomicBool) -> io::Result<()> {
        match &self.kind {
            Kind::Nothing => {}
            Kind::Status(status) => {
                let body = protocol.error(&format!("scripted {status}"), "scripted");
                http::write(stream, *status, "application/json", &self.headers, &body)?;
            }
            Kind::Raw { status, content_type, body } => http::write(stream, *status, content_type, &self.headers, body)?,
            Kind::Text { pieces, is_whole } => {
                let end = if *is_whole { protocol.end(pieces.len()) } else { Vec::new() };
                self.stream([protocol.begin(pieces), end].concat().iter().map(String::as_bytes), stream)?;
            }
            Kind::Stumble { pieces } => {
                self.stream([protocol.begin(pieces), vec![protocol.error_event()]].concat().iter().map(String::as_bytes), stream)?;
            }
            Kind::Events(bytes) => self.stream([bytes.as_slice()].into_iter(), stream)?,
        }
        if self.end == End::Silence { until_hung_up(stream, is_over) } else { Ok(()) }
    }

    fn stream<'a>(&self, events: impl Iterator<Item = &'a [u8]>, stream: &mut TcpStream) -> io::Result<()> {
        http::write_head(stream, 200, "text/event-stream", &self.headers)?;
        for event in events {
            std::thread::sleep(self.pause);
            stream.write_all(event)?;
        }
        Ok(())
    }
}

fn until_hung_up(stream: &mut TcpStream, is_over: &AtomicBool) -> io::Result<()> {
    stream.set_read_timeout(Some(LOOK))?;
    while !is_over.load(Ordering::SeqCst) {
        match stream.read(&mut [0; 64]) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
