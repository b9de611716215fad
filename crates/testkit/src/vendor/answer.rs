//! How a vendor answers, well or badly.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::{Value, json};

use super::http::{self, Request};

/// How often a silent vendor looks whether the asker is still there.
const LOOK: Duration = Duration::from_millis(10);

/// One answer.
#[derive(Clone, Debug)]
pub struct Answer {
    kind: Kind,
    headers: Vec<(String, String)>,
    pause: Duration,
    end: End,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Server-sent events, as they are.
    Events(Vec<String>),
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

/// The answer to a request for the models.
pub(super) fn models(names: &[&str]) -> String {
    let models: Vec<Value> = names.iter().map(|name| json!({ "id": name, "object": "model", "owned_by": "fake" })).collect();
    json!({ "object": "list", "data": models }).to_string()
}

/// Why a real vendor would not take this question, if so.
pub(super) fn refusal(request: &Request) -> Option<String> {
    let body: Option<Value> = serde_json::from_str(&request.body).ok();
    let is_question = body.is_some_and(|body| {
        let has_messages = body["messages"]
            .as_array()
            .is_some_and(|messages| !messages.is_empty() && messages.iter().all(|said| said["role"].is_string()));
        has_messages && body["model"].as_str().is_some_and(|model| !model.is_empty()) && body["stream"] == true
    });
    (!is_question).then(|| json!({ "error": { "message": "not a streamed question", "type": "invalid_request_error" } }).to_string())
}

fn delta(delta: &Value, finish_reason: Option<&str>) -> String {
    let chunk = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fake",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish_reason }],
    });
    format!("data: {chunk}\n\n")
}

// === impl Answer ===

impl Answer {
    fn new(kind: Kind) -> Self {
        Self { kind, headers: Vec::new(), pause: Duration::ZERO, end: End::Close }
    }

    /// A whole answer in these pieces.
    pub fn text<const N: usize>(pieces: [&str; N]) -> Self {
        let mut answer = Self::half(pieces);
        if let Kind::Events(events) = &mut answer.kind {
            events.push(delta(&json!({}), Some("stop")));
            let usage = json!({ "choices": [], "usage": { "prompt_tokens": 11, "completion_tokens": N, "total_tokens": 11 + N } });
            events.push(format!("data: {usage}\n\n"));
            events.push("data: [DONE]\n\n".to_owned());
        }
        answer
    }

    /// The beginning of an answer; then the connection ends.
    pub fn half<const N: usize>(pieces: [&str; N]) -> Self {
        let begin = delta(&json!({ "role": "assistant", "content": "" }), None);
        let pieces = pieces.iter().map(|piece| delta(&json!({ "content": piece }), None));
        Self::new(Kind::Events(std::iter::once(begin).chain(pieces).collect()))
    }

    /// The beginning of an answer; then nothing more, until the asker hangs up.
    pub fn half_then_silence<const N: usize>(pieces: [&str; N]) -> Self {
        Self { end: End::Silence, ..Self::half(pieces) }
    }

    /// A good head, then an error instead of an answer.
    pub fn error_event() -> Self {
        let error = json!({ "error": { "message": "the engine stumbled", "type": "server_error", "code": null } });
        Self::new(Kind::Events(vec![format!("data: {error}\n\n")]))
    }

    /// These bytes as a stream of events.
    pub fn events(bytes: &str) -> Self {
        Self::new(Kind::Events(vec![bytes.to_owned()]))
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

    pub(super) fn give(&self, stream: &mut TcpStream, is_over: &AtomicBool) -> io::Result<()> {
        match &self.kind {
            Kind::Nothing => {}
            Kind::Status(status) => {
                let body = json!({ "error": { "message": format!("scripted {status}"), "type": "scripted", "code": null } }).to_string();
                http::write(stream, *status, "application/json", &self.headers, &body)?;
            }
            Kind::Raw { status, content_type, body } => http::write(stream, *status, content_type, &self.headers, body)?,
            Kind::Events(events) => {
                http::write_head(stream, 200, "text/event-stream", &self.headers)?;
                for event in events {
                    std::thread::sleep(self.pause);
                    stream.write_all(event.as_bytes())?;
                }
            }
        }
        if self.end == End::Silence { until_hung_up(stream, is_over) } else { Ok(()) }
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
