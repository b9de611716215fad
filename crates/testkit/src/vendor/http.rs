//! As much HTTP/1.1 as one request per connection takes.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Instant,
};

use serde_json::Value;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    headers: Vec<(String, String)>,
    pub body: String,
    pub at: Instant,
}

// === impl Request ===

impl Request {
    /// The value of a parameter in the path.
    pub fn query(&self, name: &str) -> Option<&str> {
        let parameters = self.path.split_once('?')?.1.split('&');
        parameters.filter_map(|parameter| parameter.split_once('=')).find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// What was asked last, without what was recalled for it.
    pub fn question(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let mut messages = body["messages"].as_array().into_iter().flatten().rev();
        let content = messages.find(|said| said["role"] == "user").map(|said| &said["content"]);
        let text = content.and_then(Value::as_str).unwrap_or_default();
        text.rsplit_once("</recalled>\n\n").map_or(text, |(_, question)| question).to_owned()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

pub(super) fn read(stream: &TcpStream) -> io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let first = line(&mut reader)?;
    let mut words = first.split_whitespace().map(str::to_owned);
    let (method, path) = words.next().zip(words.next()).ok_or(io::ErrorKind::InvalidData)?;
    let mut headers = Vec::new();
    loop {
        let line = line(&mut reader)?;
        match line.split_once(':') {
            Some((name, value)) => headers.push((name.trim().to_owned(), value.trim().to_owned())),
            None => break,
        }
    }
    let mut request = Request { method, path, headers, body: String::new(), at: Instant::now() };
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    reader.take(length).read_to_string(&mut request.body)?;
    Ok(request)
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

/// A head for a body that ends with the connection.
pub(super) fn write_head(stream: &mut TcpStream, status: u16, content_type: &str, more: &[(String, String)]) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {status} Scripted\r\nConnection: close\r\nContent-Type: {content_type}\r\n");
    for (name, value) in more {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    write!(stream, "{head}\r\n")
}

pub(super) fn write(stream: &mut TcpStream, status: u16, content_type: &str, more: &[(String, String)], body: &str) -> io::Result<()> {
    let length = [("Content-Length".to_owned(), body.len().to_string())];
    write_head(stream, status, content_type, &[&length, more].concat())?;
    stream.write_all(body.as_bytes())
}
