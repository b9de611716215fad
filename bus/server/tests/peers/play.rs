//! Playing a script over raw sockets and writing down the answers in a comparable form.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::scripts::{Order, Script};

const PATIENCE: Duration = Duration::from_secs(5);

/// A server process; killed when dropped.
pub(crate) struct Program {
    child: Child,
    folder: TempDir,
}

struct Connection {
    stream: TcpStream,
    heard: Vec<u8>,
    pongs: usize,
    is_ended: bool,
}

// === impl Program ===

impl Program {
    pub(crate) fn start(path: &Path, conf: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        std::fs::write(folder.path().join("conf"), conf).expect("a file");
        let arguments = ["-a", "127.0.0.1", "-p", "-1", "-l", "log", "-c", "conf"];
        let child = Command::new(path).args(arguments).current_dir(folder.path()).stderr(Stdio::null()).spawn().expect("the server starts");
        let program = Self { child, folder };
        let start = Instant::now();
        while !program.log().contains("Server is ready") {
            assert!(start.elapsed() < PATIENCE, "it is not ready: {}", program.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        program
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let log = self.log();
        let address = log.split("Listening for client connections on ").nth(1).and_then(|rest| rest.lines().next());
        address.expect("the line is there").parse().expect("an address")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that ended already cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What each connection of the script heard, normalised.
pub(crate) fn play(address: SocketAddr, script: &Script) -> Vec<String> {
    let count = script.steps.iter().map(|(connection, _)| connection + 1).max().unwrap_or(0);
    let mut connections: Vec<Connection> = (0..count).map(|_| Connection::open(address)).collect();
    for (at, text) in &script.steps {
        let is_last = script.steps.iter().rfind(|(connection, _)| connection == at).is_some_and(|step| std::ptr::eq(&step.1, text));
        connections[*at].say(text);
        if is_last && script.ends {
            connections[*at].hear_to_the_end();
        } else {
            connections[*at].barrier();
        }
    }
    for connection in connections.iter_mut().filter(|connection| !connection.is_ended) {
        connection.barrier();
    }
    let answers = connections.iter().map(|connection| normalise(&connection.heard, script.order)).collect();
    connections.iter_mut().for_each(Connection::leave);
    answers
}

// === impl Connection ===

impl Connection {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket option");
        Self { stream, heard: Vec::new(), pongs: 0, is_ended: false }
    }

    fn say(&mut self, text: &str) {
        // One that is closed already hears nothing: that is part of the answer.
        let _ = self.stream.write_all(text.as_bytes());
    }

    /// Everything that was caused so far has arrived after this.
    fn barrier(&mut self) {
        self.say("PING\r\n");
        self.pongs += 1;
        while !self.is_ended && count(&self.heard, b"PONG\r\n") < self.pongs {
            self.hear();
        }
    }

    /// Takes the subscriptions back: a closed socket is noticed later, and the next script must not find them.
    fn leave(&mut self) {
        if !self.is_ended {
            let all: String = (0..10).map(|sid| format!("UNSUB {sid}\r\n")).collect();
            self.say(&all);
            self.barrier();
        }
    }

    fn hear_to_the_end(&mut self) {
        while !self.is_ended {
            self.hear();
        }
    }

    fn hear(&mut self) {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes) {
            Ok(0) => self.end("<closed>"),
            Ok(count) => self.heard.extend_from_slice(&bytes[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => self.end("<silent>"),
            Err(_) => self.end("<closed>"),
        }
    }

    fn end(&mut self, how: &str) {
        self.heard.extend_from_slice(how.as_bytes());
        self.is_ended = true;
    }
}

fn count(bytes: &[u8], needle: &[u8]) -> usize {
    bytes.windows(needle.len()).filter(|window| *window == needle).count()
}

/// Hides what two servers cannot have in common: the content of INFO, and what the script says is chance.
fn normalise(heard: &[u8], order: Order) -> String {
    let text = String::from_utf8_lossy(heard);
    let mut lines: Vec<String> =
        text.split("\r\n").map(|line| if line.starts_with("INFO ") { "INFO".to_owned() } else { line.to_owned() }).collect();
    match order {
        Order::Exact => {}
        Order::AnySubscription => lines.sort(),
        Order::AnyMember => lines.iter_mut().filter(|line| line.starts_with("MSG ")).for_each(|line| *line = without_sid(line)),
    }
    lines.join("|")
}

fn without_sid(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').enumerate().map(|(at, word)| if at == 2 { "?" } else { word }).collect();
    words.join(" ")
}
