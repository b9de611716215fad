//! The log is never worth a message: nothing that happens to standard error holds up or ends the bundle.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    process::Stdio,
};

use tempfile::TempDir;

use crate::bundle::{Bundle, run, until, up_command};

/// Starts `up` with standard error to `stderr`; returns the process and its data directory.
fn up_with(folder: &TempDir, stderr: impl Into<Stdio>) -> Bundle {
    Bundle::adopt(
        folder.path(),
        up_command(folder.path()).args(["--listen", "127.0.0.1:0"]).stdout(Stdio::null()).stderr(stderr).spawn().unwrap(),
    )
}

#[test]
fn a_full_disk_behind_the_log_ends_nothing() {
    let folder = TempDir::new().unwrap();
    let bundle = up_with(&folder, OpenOptions::new().write(true).open("/dev/full").unwrap());
    bundle.until_state("ready");
    assert!(bundle.verb(&["stop"]).status.success());
    assert_eq!(bundle.wait().0.code(), Some(0));
}

#[test]
fn a_reader_of_the_log_that_goes_away_ends_nothing() {
    let folder = TempDir::new().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    let bundle = up_with(&folder, writer);
    bundle.until_state("ready");
    drop(reader);
    assert!(bundle.verb(&["restart", "provider-router"]).status.success());
    until("restart", || (bundle.service("provider-router")["restarts"] == 1).then_some(()));
    bundle.until_state("ready");
}

#[test]
fn a_reader_of_the_log_that_stops_reading_holds_up_nothing() {
    let folder = TempDir::new().unwrap();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut stuffed = writer.try_clone().unwrap();
    let bundle = up_with(&folder, writer);
    bundle.until_state("ready");
    // Fills the pipe to the brim, so that whoever writes to it waits.
    let stuffing = std::thread::spawn(move || {
        let _ = stuffed.write_all(&vec![b'x'; 1024 * 1024]);
    });
    let child = bundle.service("provider-router")["pid"].as_u64().unwrap();
    let mut child_stderr = File::options().write(true).open(format!("/proc/{child}/fd/2")).unwrap();
    for _ in 0..500 {
        writeln!(child_stderr, "{}", "noise ".repeat(100)).unwrap();
    }
    assert_eq!(bundle.status().unwrap()["state"], "ready");
    assert!(bundle.verb(&["stop"]).status.success());
    drop(bundle);
    let _ = reader.read(&mut [0; 1024]);
    drop(reader);
    stuffing.join().unwrap();
}

#[test]
fn long_lines_of_a_service_can_be_read() {
    let bundle = Bundle::start();
    let child = bundle.service("provider-router")["pid"].as_u64().unwrap();
    let mut child_stderr = File::options().write(true).open(format!("/proc/{child}/fd/2")).unwrap();
    for number in 0..300 {
        writeln!(child_stderr, "{number} {}", "long ".repeat(2_400)).unwrap();
    }
    let kept = || {
        let output = run(&bundle.data_dir(), &["logs", "provider-router", "-n", "0"]);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().lines().filter(|line| line.contains("long long")).count()
    };
    until("all lines", || (kept() == 300).then_some(()));
}
