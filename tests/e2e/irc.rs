//! IRC through a real server, ngircd, which nobody here wrote, and a second client, which shares no code with ours.

use std::{
    ffi::OsString,
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::bundle::{Bundle, peer, until};

/// A server. Dropping it ends it.
struct Ngircd {
    program: OsString,
    config: PathBuf,
    child: Child,
    port: u16,
}

/// Ada, in `#tea`.
struct Ada {
    child: Child,
    input: ChildStdin,
    heard: Arc<Mutex<Vec<Value>>>,
}

// === impl Ngircd ===

impl Ngircd {
    /// Starts one in a folder; `None` where this machine has none.
    fn start(folder: &TempDir) -> Option<Self> {
        let program = peer("NGIRCD")?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = folder.path().join("ngircd.conf");
        let text = format!(
            "[Global]\nName=irc.test.local\nListen=127.0.0.1\nPorts={port}\nAdminInfo1=test\n[Limits]\nMaxPenaltyTime=0\nMaxNickLength=16\n\
             [Options]\nDNS=no\nIdent=no\nPAM=no\n"
        );
        fs::write(&config, text).unwrap();
        let child = Self::spawn(&program, &config);
        Some(Self { program, config, child, port })
    }

    fn spawn(program: &OsString, config: &PathBuf) -> Child {
        let libraries = PathBuf::from(program).parent().unwrap().join("../lib");
        let mut command = Command::new(program);
        command.args(["-n", "-f"]).arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Unpacked beside it are the libraries that the machine may lack.
        command.env(
            "LD_LIBRARY_PATH",
            std::env::join_paths([libraries.join(format!("{}-linux-gnu", std::env::consts::ARCH)), libraries]).unwrap(),
        );
        command.spawn().unwrap()
    }

    fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn start_again(&mut self) {
        self.child = Self::spawn(&self.program, &self.config);
    }
}

impl Drop for Ngircd {
    fn drop(&mut self) {
        // Fails where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// === impl Ada ===

impl Ada {
    fn join(port: u16) -> Option<Self> {
        let python = peer("PYTHON")?;
        Some(until("Ada in the channel", || Self::try_join(&python, port)))
    }

    /// The server may not listen yet.
    fn try_join(python: &OsString, port: u16) -> Option<Self> {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/peers/irc_client.py");
        let mut child = Command::new(python)
            .arg(script)
            .args([&port.to_string(), "Ada", "#tea"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let Some(Ok(_joined)) = lines.next() else {
            child.wait().unwrap();
            return None;
        };
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = Arc::clone(&heard);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                hearing.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        let input = child.stdin.take().unwrap();
        Some(Self { child, input, heard })
    }

    fn say(&mut self, target: &str, text: &str) {
        writeln!(self.input, "{target} {text}").unwrap();
    }

    /// Everything heard of us, oldest first.
    fn heard(&self, is_notice: bool) -> Vec<Value> {
        let heard = self.heard.lock().unwrap();
        let is_ours = |heard: &&Value| heard["nick"] == "argentum" && heard["event"] == "heard" && heard["notice"] == is_notice;
        heard.iter().filter(is_ours).cloned().collect()
    }

    /// Times that we came into the channel since she is there.
    fn joins(&self) -> usize {
        self.heard.lock().unwrap().iter().filter(|heard| heard["event"] == "joined" && heard["nick"] == "argentum").count()
    }

    /// Asks once we are there, and waits for the answer; returns all that we said.
    fn ask(&mut self) -> Vec<Value> {
        until("us in the channel", || (self.joins() != 0).then_some(()));
        let before = self.heard(false).len();
        self.say("#tea", "argentum: why?");
        until("an answer", || Some(self.heard(false)).filter(|heard| before < heard.len()))
    }
}

impl Drop for Ada {
    fn drop(&mut self) {
        // Fails where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A bundle with an account on this server.
fn bundle(port: u16) -> Bundle {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    let config = format!(
        "[channel_gateway.channels.irc-test]\nkind = \"irc\"\nserver = \"127.0.0.1\"\nport = {port}\ntls = false\nchannels = [\"#tea\"]\n\
         allow = [\"#tea\"]\nflood_burst = 50\nflood_refill = \"10ms\"\n"
    );
    fs::write(folder.path().join("data/argentum.toml"), config).unwrap();
    Bundle::start_in(folder)
}

#[test]
fn a_mention_is_answered_in_lines_that_fit() {
    let folder = TempDir::new().unwrap();
    let Some(server) = Ngircd::start(&folder) else { return };
    let Some(mut ada) = Ada::join(server.port) else { return };
    let _bundle = bundle(server.port);
    let heard = ada.ask();
    assert!(heard[0]["text"].as_str().unwrap().starts_with("Ada: "), "{heard:?}");
    assert!(heard.iter().all(|heard| heard["bytes"].as_u64().unwrap() <= 512 && heard["target"] == "#tea"), "{heard:?}");
}

#[test]
fn a_stranger_in_private_is_told_a_code_by_a_notice() {
    let folder = TempDir::new().unwrap();
    let Some(server) = Ngircd::start(&folder) else { return };
    let Some(mut ada) = Ada::join(server.port) else { return };
    let _bundle = bundle(server.port);
    ada.ask();
    ada.say("argentum", "hello");
    let told = until("a code", || Some(ada.heard(true)).filter(|heard| !heard.is_empty()));
    assert!(told[0]["text"].as_str().unwrap().contains("argentum pair approve") && told[0]["target"] == "Ada", "{told:?}");
}

#[test]
fn after_the_servers_restart_we_are_back_and_state_the_gap_once() {
    let folder = TempDir::new().unwrap();
    let Some(mut server) = Ngircd::start(&folder) else { return };
    let Some(mut ada) = Ada::join(server.port) else { return };
    let bundle = bundle(server.port);
    ada.ask();
    server.stop();
    // Pauses double: in the one after these tries there is time for her to be there first, and to hear what we say first.
    until("tries", || (4 <= bundle.log().matches("not connected to IRC").count()).then_some(()));
    server.start_again();
    let Some(mut ada) = Ada::join(server.port) else { return };
    let gap = until("the stated gap", || Some(ada.heard(true)).filter(|heard| !heard.is_empty()));
    assert!(gap[0]["text"].as_str().unwrap().contains("away"), "{gap:?}");
    ada.ask();
    assert_eq!((ada.heard(true).len(), ada.joins()), (1, 1));
}

#[test]
fn after_our_own_death_the_gap_is_stated_and_questions_are_answered() {
    let folder = TempDir::new().unwrap();
    let Some(server) = Ngircd::start(&folder) else { return };
    let Some(mut ada) = Ada::join(server.port) else { return };
    let first = bundle(server.port);
    ada.ask();
    let _second = Bundle::start_in(first.kill());
    until("us in the channel again", || (ada.joins() == 2).then_some(()));
    until("the stated gap", || Some(ada.heard(true)).filter(|heard| heard.len() == 1));
    ada.ask();
}
