//! A model server that answers at once: enough of OpenAI's chat completions for one streamed answer.

use anyhow::Result;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

const ANSWER: &str = concat!(
    "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"model\":\"instant\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Fine, \"}}]}\n\n",
    "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"model\":\"instant\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"thank you.\"},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"model\":\"instant\",\"choices\":[],\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":3,\"total_tokens\":7}}\n\n",
    "data: [DONE]\n\n",
);
const MODELS: &str = "{\"object\":\"list\",\"data\":[{\"id\":\"instant\",\"object\":\"model\"}]}";

/// Answers until the process ends.
pub(super) struct Vendor(SocketAddr);

impl Vendor {
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A connection that breaks is the other side's wish.
                thread::spawn(move || answer_all(&stream));
            }
        });
        Ok(Self(address))
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://{}/v1", self.0)
    }
}

fn answer_all(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    loop {
        let (mut line, mut length, mut is_question) = (String::new(), 0, false);
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        is_question |= line.starts_with("POST");
        while line.trim() != "" {
            line.clear();
            reader.read_line(&mut line)?;
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        let (kind, body) = if is_question { ("text/event-stream", ANSWER) } else { ("application/json", MODELS) };
        write!(&mut &*stream, "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    }
}
