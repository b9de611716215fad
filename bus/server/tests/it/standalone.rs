//! The server as a program: arguments, configuration, log lines, signals.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output};

use tempfile::TempDir;

use crate::support::{QUIET, Wire, until};

/// A running program with its folder; killed when the test ends.
struct Program {
    child: Child,
    folder: TempDir,
}

fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    test.parent().and_then(Path::parent).expect("it is built into a folder").join("examples/nats-server")
}

fn once(arguments: &[&str]) -> Output {
    Command::new(program()).args(arguments).output().expect("the example is built beside the tests")
}

// === impl Program ===

impl Program {
    /// Starts with a configuration on a free port and waits until it listens.
    async fn start(conf: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        std::fs::write(folder.path().join("bus.conf"), conf).expect("a file");
        let arguments = ["-a", "127.0.0.1", "-p", "-1", "-l", "log", "-P", "pid", "-c", "bus.conf"];
        let child =
            Command::new(program()).args(arguments).current_dir(folder.path()).spawn().expect("the example is built beside the tests");
        let program = Self { child, folder };
        until("it is ready", || program.log().contains("[INF] Server is ready")).await;
        program
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The address as the official suites read it.
    fn address(&self) -> SocketAddr {
        let log = self.log();
        let address = log.split("Listening for client connections on ").nth(1).and_then(|rest| rest.lines().next());
        address.expect("the line is there").parse().expect("an address")
    }

    fn configure(&self, conf: &str) {
        std::fs::File::create(self.folder.path().join("bus.conf")).and_then(|mut file| file.write_all(conf.as_bytes())).expect("a file");
    }

    fn signal(&self, command: &str) {
        let pid = self.folder.path().join("pid");
        let output = once(&["--signal", &format!("{command}={}", pid.display())]);
        assert!(output.status.success(), "{output:?}");
    }

    async fn end(&mut self) -> ExitStatus {
        for _ in 0..5000 {
            if let Some(status) = self.child.try_wait().expect("our child") {
                return status;
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        panic!("it does not end: {}", self.log());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that ended already cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_as_configured_logs_as_nats_server_and_quits() {
    let mut program = Program::start("max_payload: 1KB").await;
    let wire = Wire::connect(program.address()).await;
    assert!(wire.info.contains("\"max_payload\":1024"));
    let pid = std::fs::read_to_string(program.folder.path().join("pid")).unwrap();
    assert_eq!(pid, program.child.id().to_string());
    assert!(program.log().starts_with(&format!("[{pid}] 20")));
    program.signal("quit");
    assert!(program.end().await.success());
    assert!(program.log().contains("[INF] Server Exiting..") && !program.folder.path().join("pid").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_changes_users_and_says_what_it_cannot_change() {
    let users = |users: &str| format!("authorization {{ users: [ {users} ] }}");
    let program = Program::start(&users("{user: a, password: x}, {user: b, password: x}")).await;
    let login = |name: &str, password: &str| format!("CONNECT {{\"verbose\":false,\"user\":\"{name}\",\"pass\":\"{password}\"}}\r\n");
    let removed = Wire::open(program.address(), &login("a", "x")).await;
    let mut kept = Wire::open(program.address(), &login("b", "x")).await;
    program.configure(&format!("max_payload: 8\n{}", users("{user: b, password: x}, {user: c, password: y}")));
    program.signal("reload");
    assert_eq!(removed.rest().await, "-ERR 'Authorization Violation'\r\n");
    kept.settle().await;
    until("the reload is done", || program.log().contains("[INF] Reloaded: authorization users: 1 added or changed, 1 removed")).await;
    Wire::open(program.address(), &login("c", "y")).await;
    assert!(program.log().contains("[WRN] Reload: `max_payload` cannot be changed while running"));
    program.configure("nonsense: 1");
    program.signal("reload");
    until("the failure is logged", || {
        program.log().contains("[ERR] Failed to reload server configuration: bus.conf:1:1: unknown field `nonsense`")
    })
    .await;
    kept.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lame_duck_says_so_and_a_terminate_does_not_cut_it_short() {
    let mut program = Program::start("lame_duck_grace_period: 100ms").await;
    let mut wire = Wire::connect(program.address()).await;
    wire.send("CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING\r\n").await;
    wire.expect("PONG\r\n").await;
    wire.line().await;
    program.signal("ldm");
    assert!(wire.line().await.contains("\"ldm\":true"));
    program.signal("term");
    assert_eq!(wire.rest().await, "");
    assert!(program.end().await.success() && program.log().contains("[INF] Closing existing clients"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_file_is_opened_again() {
    let program = Program::start("debug: true").await;
    let (log, moved) = (program.folder.path().join("log"), program.folder.path().join("log.1"));
    std::fs::rename(&log, &moved).unwrap();
    program.signal("reopen");
    until("a new file is there", || log.exists()).await;
    let address = std::fs::read_to_string(&moved).unwrap();
    let address: SocketAddr = address.split("connections on ").nth(1).and_then(|rest| rest.lines().next()).unwrap().parse().unwrap();
    Wire::open(address, QUIET).await;
    until("it is written", || program.log().contains("[DBG] client connection created")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_shows_operations_without_their_secrets() {
    let program = Program::start("trace: true, authorization { user: a, password: hidden }").await;
    Wire::open(program.address(), "CONNECT {\"verbose\":false,\"user\":\"a\",\"pass\":\"hidden\"}\r\nSUB x q 1\r\n").await;
    until("the operation is traced", || program.log().contains("<<- [SUB x q 1]")).await;
    assert!(program.log().contains("[TRC] <<- [CONNECT]") && !program.log().contains("hidden"));
}

#[test]
fn bad_starts_say_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = once(&["-a", "127.0.0.1", "-p", &port]);
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("[FTL] Error listening on port"), "{output:?}");
    let output = once(&["-js"]);
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("-js is not supported"), "{output:?}");
}

#[test]
fn a_configuration_can_be_tested_without_a_start() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bus.conf");
    std::fs::write(&path, "port: 4222").unwrap();
    let good = once(&["-t", "-c", path.to_str().unwrap()]);
    assert!(good.status.success() && String::from_utf8_lossy(&good.stdout).contains("is valid"));
    std::fs::write(&path, "prt: 4222").unwrap();
    let bad = once(&["-t", "-c", path.to_str().unwrap()]);
    assert!(!bad.status.success() && String::from_utf8_lossy(&bad.stderr).contains("bus.conf:1:1: unknown field `prt`"));
}
