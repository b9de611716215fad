//! A person at the page, without the browser.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tungstenite::client::IntoClientRequest;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};
use ulid::Ulid;

const PATIENCE: Duration = Duration::from_secs(60);

/// A session.
pub(super) struct Page {
    address: String,
    cookie: String,
}

/// A connection on which messages are sent.
pub(super) struct Sender<'p> {
    page: &'p Page,
    reader: BufReader<TcpStream>,
}

/// What a page hears.
pub(super) struct Events(WebSocket<MaybeTlsStream<TcpStream>>);

// === impl Page ===

impl Page {
    /// By what `argentum status` and `argentum login` answered.
    pub(super) fn log_in(status: &Value, login: &Value) -> Result<Self> {
        let url = status["http"].as_str().context("the status names no address")?;
        let token = login["link"].as_str().and_then(|link| link.split_once("#login=")).context("no login link")?.1;
        let mut page = Self { address: url.trim_start_matches("http://").to_owned(), cookie: String::new() };
        let (status, head) = page.connect()?.post("/api/v1/session", &[], &json!({ "token": token }))?;
        ensure!(status == 204, "the page let nobody in: {status}");
        let cookie = head.lines().find_map(|line| line.to_ascii_lowercase().starts_with("set-cookie:").then_some(&line[11..]));
        page.cookie = cookie.context("no cookie")?.split(';').next().unwrap_or_default().trim().to_owned();
        Ok(page)
    }

    pub(super) fn connect(&self) -> Result<Sender<'_>> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Sender { page: self, reader: BufReader::new(stream) })
    }
}

// === impl Sender ===

impl Sender<'_> {
    /// Sends a message, waits until it is accepted and tells its key.
    pub(super) fn send(&mut self, conversation: &str, text: &str) -> Result<String> {
        let path = format!("/api/v1/conversations/{conversation}/messages");
        let key = Ulid::new().to_string();
        let (status, _) = self.post(&path, &[("Idempotency-Key", &key)], &json!({ "text": text }))?;
        ensure!(status == 202, "a message was not accepted: {status}");
        Ok(key)
    }

    /// Status and head of the answer.
    fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &Value) -> Result<(u16, String)> {
        let body = body.to_string();
        let Page { address, cookie } = self.page;
        let mut request = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\nContent-Type: application/json\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        self.reader.get_mut().write_all(request.as_bytes())?;
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let start = head.len();
            ensure!(self.reader.read_line(&mut head)? != 0, "the page hung up");
            if let Some((name, value)) = head[start..].split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        self.reader.read_exact(&mut vec![0; length])?;
        let status = head.split_whitespace().nth(1).context("no status")?.parse()?;
        Ok((status, head))
    }
}

// === impl Events ===

impl Events {
    pub(super) fn open(page: &Page) -> Result<Self> {
        let mut request = format!("ws://{}/api/v1/events", page.address).into_client_request()?;
        request.headers_mut().insert("Cookie", page.cookie.parse()?);
        request.headers_mut().insert("Origin", format!("http://{}", page.address).parse()?);
        let stream = MaybeTlsStream::Plain(TcpStream::connect(&page.address)?);
        if let MaybeTlsStream::Plain(stream) = &stream {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
        }
        let (socket, _) = tungstenite::client(request, stream).map_err(|error| anyhow::anyhow!("no WebSocket: {error}"))?;
        Ok(Self(socket))
    }

    /// Watches a conversation, from what it holds now.
    pub(super) fn watch(&mut self, conversation: &str) -> Result<()> {
        self.0.send(Message::text(json!({ "type": "watch", "conversation": conversation }).to_string()))?;
        while self.next()?["type"] != "conversation" {}
        Ok(())
    }

    /// Waits for the first word of the answer to `message`, or else for its end. Events may be lost: then the conversation is told as it stands.
    pub(super) fn wait(&mut self, message: &str, is_first_enough: bool) -> Result<()> {
        loop {
            let event = self.next()?;
            let is_reached = match event["type"].as_str() {
                Some("delta") => is_first_enough,
                Some("ended") => true,
                Some("conversation") => {
                    let has_ended = event["turns"].as_array().and_then(|ended| ended.last()).is_some_and(|turn| turn["message"] == message);
                    has_ended || is_first_enough && event["running"]["text"].as_str().is_some_and(|text| !text.is_empty())
                }
                _ => false,
            };
            if is_reached {
                return Ok(());
            }
        }
    }

    /// Something must come now and then: the page says that it lives.
    fn next(&mut self) -> Result<Value> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            match self.0.read()? {
                Message::Text(text) => return Ok(serde_json::from_str(&text)?),
                Message::Close(_) => bail!("the page closed its events"),
                _ => {}
            }
        }
        bail!("the page has nothing to say for {PATIENCE:?}")
    }
}
