//! The same wire text for this server and for the real nats-server: their answers must be equal.
//!
//! The real one is named by `ARGENTUM_PEER_NATS_SERVER`. Without it nothing is compared and the tests say NOT RUN; where `ARGENTUM_PEERS` is
//! `required` that is a failure.

mod play;
mod scripts;

use std::path::{Path, PathBuf};

use play::{Program, play};
use scripts::{Script, closed, open};

fn ours() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    test.parent().and_then(Path::parent).expect("it is built into a folder").join("examples/nats-server")
}

fn real() -> Option<PathBuf> {
    let path = std::env::var_os("ARGENTUM_PEER_NATS_SERVER").map(PathBuf::from);
    if path.is_none() {
        let is_required = std::env::var("ARGENTUM_PEERS").is_ok_and(|value| value == "required");
        assert!(!is_required, "peers are required: name a nats-server in ARGENTUM_PEER_NATS_SERVER");
        println!("NOT RUN: nats-server");
    }
    path
}

/// Plays every script on both and gathers the differences.
fn compare(conf: &str, scripts: &[Script]) {
    let Some(real) = real() else { return };
    let (ours, real) = (Program::start(&ours(), conf), Program::start(&real, conf));
    let mut differences = Vec::new();
    for script in scripts {
        let (mine, theirs) = (play(ours.address(), script), play(real.address(), script));
        if mine != theirs {
            differences.push(format!("{}\n  ours: {mine:?}\n  real: {theirs:?}", script.name));
        }
    }
    assert!(differences.is_empty(), "{} of {} scripts differ:\n{}", differences.len(), scripts.len(), differences.join("\n"));
}

#[test]
fn an_open_server_answers_like_the_real_one() {
    compare("max_payload: 1KB", &open());
}

#[test]
fn a_server_with_users_and_permissions_answers_like_the_real_one() {
    compare(scripts::USERS, &closed());
}
