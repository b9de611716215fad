//! A bundle starts, is alone on its data, ends in order, and leaves nobody behind.

use std::{
    fs,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::bundle::{Bundle, is_running, run, signal, until};

#[test]
fn the_services_are_direct_children_of_up() {
    let bundle = Bundle::start();
    let parents: Vec<u32> = bundle.pids().into_iter().map(parent_of).collect();
    assert!(!parents.is_empty() && parents.iter().all(|parent| *parent == bundle.pid()), "{parents:?}");
}

#[test]
fn ctrl_c_ends_the_bundle_in_order_with_code_0() {
    let bundle = Bundle::start();
    let children = bundle.pids();
    signal(bundle.pid(), Signal::INT);
    let (status, folder) = bundle.wait();
    assert_eq!(status.code(), Some(0));
    assert!(!children.into_iter().any(is_running));
    assert!(!folder.path().join("data/control.sock").exists());
}

#[test]
fn stop_returns_when_the_bundle_is_gone() {
    let bundle = Bundle::start();
    let output = bundle.verb(&["stop"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(bundle.verb(&["status"]).status.code(), Some(69));
}

#[test]
fn a_killed_orchestrator_takes_its_children_along_within_a_second() {
    let bundle = Bundle::start();
    let children = bundle.pids();
    signal(bundle.pid(), Signal::KILL);
    let killed = Instant::now();
    until("end of the children", || (!children.iter().any(|pid| is_running(*pid))).then_some(()));
    assert!(killed.elapsed() < Duration::from_secs(1), "{:?}", killed.elapsed());
}

#[test]
fn a_start_after_a_kill_needs_no_cleaning_up() {
    let folder = Bundle::start().kill();
    let bundle = Bundle::start_in(folder);
    assert_eq!(bundle.service("provider-router")["restarts"], 0);
}

#[test]
fn a_second_start_names_the_first_and_changes_nothing() {
    let bundle = Bundle::start();
    let second = run(&bundle.data_dir(), &["up", "--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(75));
    let text = String::from_utf8(second.stderr).unwrap();
    assert!(text.contains(&format!("process {}", bundle.pid())), "{text}");
    assert_eq!(bundle.status().unwrap()["state"], "ready");
}

#[test]
fn a_start_while_the_old_bundle_ends_waits_for_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_owned();
    let old = Bundle::start_in(folder);
    // A stopped gateway cannot drain, so the old bundle takes a while to end.
    let gateway = old.service("channel-gateway")["pid"].as_u64().unwrap();
    signal(gateway.try_into().unwrap(), Signal::STOP);
    signal(old.pid(), Signal::TERM);
    old.until_state("draining");
    let new = Bundle::begin_on(&path);
    let (status, _folder) = old.wait();
    assert_eq!(status.code(), Some(0));
    new.until_state("ready");
}

#[test]
fn a_second_ctrl_c_waits_no_longer() {
    let bundle = Bundle::start();
    let gateway = bundle.service("channel-gateway")["pid"].as_u64().unwrap();
    signal(gateway.try_into().unwrap(), Signal::STOP);
    signal(bundle.pid(), Signal::INT);
    bundle.until_state("draining");
    let asked = Instant::now();
    signal(bundle.pid(), Signal::INT);
    bundle.wait();
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
}

fn parent_of(pid: u32) -> u32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap()
}
