//! An independent client, written by nobody here, at our bus: allowed and denied.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use nkeys::KeyPair;
use tempfile::TempDir;

use crate::bundle::{Bundle, argentum, peer};

/// Exit codes of `tests/peers/bus_client.py`.
const DENIED: i32 = 3;
const NO_RESPONDERS: i32 = 4;
const UNAUTHENTICATED: i32 = 5;

/// `argentum bus` alone. Dropping it ends it.
struct BusAlone {
    child: Child,
    address: String,
}

impl BusAlone {
    fn start(arguments: &[&str]) -> Self {
        let mut child = argentum().args(["bus", "-a", "127.0.0.1", "-p", "-1"]).args(arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("Listening for client connections on ") {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "the bus ended");
        }
        // Somebody has to read what it goes on to say.
        std::thread::spawn(move || log.read_to_end(&mut Vec::new()));
        Self { address: line.trim().rsplit(' ').next().unwrap().to_owned(), child }
    }
}

impl Drop for BusAlone {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The independent client; `None` where this machine has none.
fn client(address: &str, arguments: &[&str]) -> Option<Output> {
    let python = peer("PYTHON")?;
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/peers/bus_client.py");
    Some(Command::new(python).arg(script).args(["--address", address]).args(arguments).output().unwrap())
}

fn seed_file(folder: &Path) -> (KeyPair, String) {
    let pair = KeyPair::new_user();
    let path = folder.join("seed");
    fs::write(&path, pair.seed().unwrap()).unwrap();
    (pair, path.to_str().unwrap().to_owned())
}

#[test]
fn a_stranger_is_not_let_onto_the_bundles_bus() {
    let bundle = Bundle::start();
    let address = bundle.status().unwrap()["bus"].as_str().unwrap().to_owned();
    let (_, seed) = seed_file(&bundle.data_dir());
    for credential in [&[][..], &["--seed-file", &seed]] {
        let Some(output) = client(&address, &[credential, &["publish", "argentum.v1.control.changed", "x"]].concat()) else { return };
        assert_eq!(output.status.code(), Some(UNAUTHENTICATED), "{output:?}");
    }
    assert_eq!(bundle.status().unwrap()["state"], "ready");
}

#[test]
fn an_independent_client_speaks_on_an_open_bus() {
    let bus = BusAlone::start(&[]);
    let Some(published) = client(&bus.address, &["publish", "a.b", "hello"]) else { return };
    assert!(published.status.success(), "{published:?}");
    let unanswered = client(&bus.address, &["request", "nobody.here", "hello"]).unwrap();
    assert_eq!(unanswered.status.code(), Some(NO_RESPONDERS), "{unanswered:?}");
}

#[test]
fn an_independent_client_is_held_to_its_permissions() {
    let folder = TempDir::new().unwrap();
    let (pair, seed) = seed_file(folder.path());
    let config = folder.path().join("bus.conf");
    let user = format!("{{ nkey: {}, permissions: {{ publish: [\"in.>\"], subscribe: [\"_INBOX.>\"] }} }}", pair.public_key());
    fs::write(&config, format!("authorization {{ users: [ {user} ] }}\n")).unwrap();
    let bus = BusAlone::start(&["-c", config.to_str().unwrap()]);
    let Some(allowed) = client(&bus.address, &["--seed-file", &seed, "publish", "in.a", "hello"]) else { return };
    assert!(allowed.status.success(), "{allowed:?}");
    let denied = client(&bus.address, &["--seed-file", &seed, "publish", "out.a", "hello"]).unwrap();
    assert_eq!(denied.status.code(), Some(DENIED), "{denied:?}");
    let stranger = client(&bus.address, &["publish", "in.a", "hello"]).unwrap();
    assert_eq!(stranger.status.code(), Some(UNAUTHENTICATED), "{stranger:?}");
}

#[test]
fn a_configuration_that_the_bus_does_not_know_is_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("bus.conf");
    fs::write(&config, "jetstream: enabled\n").unwrap();
    let output = argentum().args(["bus", "-p", "-1", "-c"]).arg(&config).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("jetstream"), "{output:?}");
}
