//! One client of the fake server, from its first line to its last.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use data_encoding::BASE64;
use rustls::{ServerConnection, StreamOwned};

use super::{CLIENT_HOST, Mishap, Said, Shared, lock};

/// How long a client is listened to before it is told what there is.
const POLL: Duration = Duration::from_millis(5);

/// Bytes both ways, on a socket whose patience can be set.
pub(super) trait Wire: Read + Write {
    fn socket(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Wire for StreamOwned<ServerConnection, TcpStream> {
    fn socket(&self) -> &TcpStream {
        &self.sock
    }
}

/// A client.
pub(super) struct Client<'a, W> {
    shared: &'a Shared,
    wire: W,
    nick: String,
    user: Option<String>,
    capabilities: Vec<String>,
    is_negotiating: bool,
    is_in: bool,
}

// === impl Client ===

impl<'a, W: Wire> Client<'a, W> {
    pub(super) fn new(shared: &'a Shared, wire: W) -> Self {
        Self { shared, wire, nick: String::new(), user: None, capabilities: Vec::new(), is_negotiating: false, is_in: false }
    }

    /// Serves until the connection ends.
    pub(super) fn run(mut self) -> io::Result<()> {
        self.wire.socket().set_read_timeout(Some(POLL))?;
        let (mut bytes, mut chunk) = (Vec::new(), [0; 4_096]);
        while !self.shared.is_ending() {
            match self.wire.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(count) => bytes.extend_from_slice(&chunk[..count]),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                Err(error) => return Err(error),
            }
            while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = bytes.drain(..=end).collect();
                let line = String::from_utf8(line).unwrap().trim_end().to_owned();
                lock(&self.shared.lines).push(line.clone());
                self.line(&line)?;
            }
            // Only somebody who is in hears others.
            while let Some(line) = self.is_in.then(|| lock(&self.shared.outbox).pop_front()).flatten() {
                self.pass(line)?;
            }
        }
        Ok(())
    }

    /// Passes on what somebody said, as far as the client may hear it.
    fn pass(&mut self, line: String) -> io::Result<()> {
        let target = line.split_once(" PRIVMSG ").and_then(|(_, rest)| rest.split(' ').next()).unwrap_or_default();
        if target.starts_with('#') && !lock(&self.shared.joined).contains(&target.to_ascii_lowercase()) {
            return Ok(());
        }
        self.send(&line)?;
        let connection = lock(&self.shared.ends).len();
        lock(&self.shared.heard).push((Instant::now(), connection, line));
        Ok(())
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        match command {
            "CAP" => self.negotiate(rest)?,
            "AUTHENTICATE" => self.authenticate(rest)?,
            "NICK" if self.shared.manners.taken.contains(&rest) => self.reply(433, &format!("{rest} :Nickname is already in use"))?,
            "NICK" if self.is_in => {
                self.send(&format!(":{} NICK :{rest}", self.prefix()))?;
                rest.clone_into(&mut self.nick);
            }
            "NICK" => rest.clone_into(&mut self.nick),
            "USER" => self.user = rest.split(' ').next().map(str::to_owned),
            "PING" => self.send(&format!(":irc.test PONG irc.test {rest}"))?,
            _ if !self.is_in => self.reply(451, ":You have not registered")?,
            "JOIN" => rest.split(',').try_for_each(|channel| self.join(channel))?,
            "PRIVMSG" | "NOTICE" => self.say(command, rest)?,
            "WHOIS" => self.reply(311, &format!("{0} {1} {CLIENT_HOST} * :x", self.nick, self.shown_user()))?,
            _ => {}
        }
        if !self.is_in && !self.is_negotiating && !self.nick.is_empty() && self.user.is_some() {
            self.welcome()?;
        }
        Ok(())
    }

    fn negotiate(&mut self, rest: &str) -> io::Result<()> {
        let sasl = self.shared.manners.account.map_or("", |_| " sasl=PLAIN");
        let offered = format!("{}{sasl}", self.shared.manners.capabilities);
        self.is_negotiating = rest != "END";
        match rest.split_once(" :") {
            _ if rest.starts_with("LS") => self.send(&format!(":irc.test CAP * LS :{}", offered.trim())),
            Some(("REQ", names)) => {
                let is_offered = |name: &str| offered.split([' ', '=']).any(|offered| offered == name);
                let answer = if names.split(' ').all(is_offered) { "ACK" } else { "NAK" };
                if answer == "ACK" {
                    self.capabilities.extend(names.split(' ').map(str::to_owned));
                }
                self.send(&format!(":irc.test CAP * {answer} :{names}"))
            }
            _ => Ok(()),
        }
    }

    fn authenticate(&mut self, rest: &str) -> io::Result<()> {
        if rest == "PLAIN" {
            return self.send("AUTHENTICATE +");
        }
        let (account, password) = self.shared.manners.account.unwrap();
        let expected = BASE64.encode(format!("\0{account}\0{password}").as_bytes());
        if rest == expected { self.reply(903, ":SASL authentication successful") } else { self.reply(904, ":SASL authentication failed") }
    }

    fn welcome(&mut self) -> io::Result<()> {
        self.is_in = true;
        self.shared.connections.fetch_add(1, Ordering::SeqCst);
        self.reply(1, ":Welcome")?;
        self.reply(5, "CASEMAPPING=rfc1459 NICKLEN=16 CHANTYPES=# BOT=B :are supported by this server")?;
        self.reply(422, ":MOTD File is missing")
    }

    fn join(&mut self, channel: &str) -> io::Result<()> {
        self.send(&format!(":{} JOIN {channel}", self.prefix()))?;
        lock(&self.shared.joined).insert(channel.to_ascii_lowercase());
        Ok(())
    }

    fn say(&mut self, command: &str, rest: &str) -> io::Result<()> {
        let (target, text) = rest.split_once(" :").unwrap();
        let relayed = format!(":{} {command} {target} :{text}\r\n", self.prefix());
        assert!(relayed.len() <= 512, "others would get a line of {} bytes", relayed.len());
        if target.starts_with('#') && !lock(&self.shared.joined).contains(&target.to_ascii_lowercase()) {
            return self.reply(404, &format!("{target} :Cannot send to channel"));
        }
        let mishap = lock(&self.shared.script).pop_front();
        if let Some(Mishap::Refuse(code)) = mishap {
            return self.reply(code, &format!("{target} :Refused"));
        }
        if mishap != Some(Mishap::Drop) {
            let said = Said { target: target.to_owned(), text: text.to_owned(), is_notice: command == "NOTICE" };
            lock(&self.shared.said).push((Instant::now(), said));
        }
        if mishap.is_some() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if self.capabilities.iter().any(|name| name == "echo-message") {
            self.send(relayed.trim_end())?;
        }
        Ok(())
    }

    fn prefix(&self) -> String {
        format!("{}!{}@{CLIENT_HOST}", self.nick, self.shown_user())
    }

    fn shown_user(&self) -> String {
        format!("~{}", self.user.as_deref().unwrap_or_default())
    }

    fn reply(&mut self, code: u16, rest: &str) -> io::Result<()> {
        let nick = if self.nick.is_empty() { "*" } else { &self.nick };
        self.send(&format!(":irc.test {code:03} {nick} {rest}"))
    }

    fn send(&mut self, line: &str) -> io::Result<()> {
        self.wire.write_all(format!("{line}\r\n").as_bytes())?;
        self.wire.flush()
    }
}
