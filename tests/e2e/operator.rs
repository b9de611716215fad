//! The operator's verbs against a running bundle.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::bundle::{Bundle, pid_of, run, signal, until};

#[test]
fn a_service_is_restarted_by_hand_with_a_new_process() {
    let bundle = Bundle::start();
    let before = bundle.service("provider-router");
    assert!(bundle.verb(&["restart", "provider-router"]).status.success());
    let after = until("restart", || {
        Some(bundle.service("provider-router")).filter(|service| service["state"] == "ready" && service["restarts"] == 1)
    });
    assert_ne!(pid_of(&after), pid_of(&before));
}

#[test]
fn a_restart_of_something_unknown_names_what_there_is() {
    let bundle = Bundle::start();
    let output = bundle.verb(&["restart", "router"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("channel-gateway, provider-router"), "{output:?}");
}

#[test]
fn the_logs_of_a_service_can_be_read() {
    let bundle = Bundle::start();
    let output = bundle.verb(&["logs", "provider-router", "--json"]);
    let lines: Vec<Value> = String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["text"].as_str().unwrap().contains("ready")), "{lines:?}");
    assert!(lines.iter().all(|line| line["service"] == "provider-router"));
}

#[test]
fn the_version_is_the_same_everywhere() {
    let bundle = Bundle::start();
    let version: Value = serde_json::from_slice(&bundle.verb(&["version", "--json"]).stdout).unwrap();
    assert_eq!(version["version"], bundle.status().unwrap()["version"]);
}

#[test]
fn a_checked_configuration_tells_all_faults_and_a_shown_one_its_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("argentum.toml");
    fs::write(&config, "[bus]\nlissten = 1\n[vualt]\n").unwrap();
    let check = run(folder.path(), &["config", "check", "--json", "--config", config.to_str().unwrap()]);
    assert_eq!(check.status.code(), Some(78));
    let told: Value = serde_json::from_slice(&check.stdout).unwrap();
    let lines: Vec<_> = told["faults"].as_array().unwrap().iter().map(|fault| fault["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 3]);
    fs::write(&config, "[bus]\nlisten = '127.0.0.1:1'\n").unwrap();
    let show = run(folder.path(), &["config", "show", "--json", "--config", config.to_str().unwrap()]);
    let shown: Value = serde_json::from_slice(&show.stdout).unwrap();
    assert_eq!((&shown["bus"]["listen"], &shown["http"]["listen"]), (&"127.0.0.1:1".into(), &"127.0.0.1:4747".into()));
}

#[test]
fn a_health_check_is_green_only_while_the_bundle_is_ready() {
    let bundle = Bundle::start();
    assert!(bundle.verb(&["status", "--ready"]).status.success());
    // A stopped gateway cannot drain, so the bundle takes a while to end.
    signal(pid_of(&bundle.service("channel-gateway")), Signal::STOP);
    signal(bundle.pid(), Signal::TERM);
    bundle.until_state("draining");
    assert_eq!(bundle.verb(&["status", "--ready"]).status.code(), Some(69));
}
