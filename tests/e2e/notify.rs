//! What a service manager is told by sd_notify(3), and what the children must not learn of it.

use std::{fs, os::unix::net::UnixDatagram};

use tempfile::TempDir;

use crate::bundle::{Bundle, PATIENCE, until};

/// The manager's end, in `folder`.
struct Manager(UnixDatagram);

// === impl Manager ===

impl Manager {
    fn listen(folder: &TempDir) -> Self {
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    /// Everything told until a message holds `line`.
    fn until(&self, line: &str) -> Vec<String> {
        let mut told = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let length = self.0.recv(&mut buffer).unwrap_or_else(|error| panic!("no `{line}` but {told:?}: {error}"));
            told.extend(String::from_utf8(buffer[..length].to_vec()).unwrap().lines().map(str::to_owned));
            if told.iter().any(|told| told == line) {
                return told;
            }
        }
    }
}

fn begin(folder: &TempDir) -> Bundle {
    Bundle::begin_by(folder.path(), |up| up.args(["--listen", "127.0.0.1:0"]).env("NOTIFY_SOCKET", folder.path().join("notify")))
}

#[test]
fn the_service_manager_learns_of_ready_and_of_the_drain() {
    let folder = TempDir::new().unwrap();
    let manager = Manager::listen(&folder);
    let bundle = begin(&folder);
    let starting = manager.until("READY=1");
    assert!(starting.iter().any(|line| line.starts_with("STATUS=starting: 0 of ")), "{starting:?}");
    assert_eq!(bundle.status().unwrap()["state"], "ready");
    assert!(bundle.verb(&["stop"]).status.success());
    let ending = manager.until("STOPPING=1");
    assert!(ending.iter().any(|line| line.starts_with("STATUS=draining: ")), "{ending:?}");
}

#[test]
fn no_child_can_speak_to_the_service_manager() {
    let folder = TempDir::new().unwrap();
    let manager = Manager::listen(&folder);
    let bundle = begin(&folder);
    manager.until("READY=1");
    for pid in bundle.pids() {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
        assert!(!String::from_utf8_lossy(&environment).contains("NOTIFY_SOCKET"));
    }
}

#[test]
fn a_manager_that_is_not_there_holds_up_nothing() {
    let folder = TempDir::new().unwrap();
    let bundle = begin(&folder);
    bundle.until_state("ready");
    until("a warning", || bundle.log().contains("service manager").then_some(()));
}
