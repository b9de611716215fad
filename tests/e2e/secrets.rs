//! A secret leaves no trace: hunted in every file, log line, argument list, environment and on the wire.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
};

use argentum_testkit::vendor::{Answer, FakeVendor};

use crate::{
    bundle::{Bundle, peer},
    page::{Page, ulid},
};

const CANARY: &str = "sk-canary-c1d94e07ab53f268";
/// Another one, since the packets of loopback are everybody's.
const REPEATED: &str = "sk-repeated-8f02bb6417ce9d35";

/// Looks at all that goes over loopback.
struct Capture(Child);

impl Capture {
    /// `None` where this machine does not let us look.
    fn start(text: &str) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers/capture.py");
        let mut child = Command::new(peer("PYTHON")?).arg(script).arg(text).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        if line.trim() == "ready" {
            return Some(Self(child));
        }
        eprintln!("NOT RUN: a capture of loopback (it takes CAP_NET_RAW)");
        child.wait().unwrap();
        None
    }

    /// Packets that were seen, and how many of them held the text.
    fn end(mut self) -> (u64, u64) {
        drop(self.0.stdin.take());
        let mut told = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut told).unwrap();
        self.0.wait().unwrap();
        let numbers: Vec<u64> = told.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        (numbers[0], numbers[1])
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Every file below `folder` that holds `text`.
pub(crate) fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if path.is_file() && holds(&fs::read(&path).unwrap(), text) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// What the process table tells of a process.
fn told_by_proc(pid: u32) -> Vec<u8> {
    ["cmdline", "environ"].iter().flat_map(|name| fs::read(format!("/proc/{pid}/{name}")).unwrap()).collect()
}

#[test]
fn a_vendor_that_repeats_the_key_does_not_get_it_into_the_log() {
    let (bundle, vendor) = (Bundle::start(), FakeVendor::start());
    assert!(bundle.verb_with(&["provider", "add", "acme", "--base-url", &vendor.base_url()], REPEATED).status.success());
    assert!(bundle.verb(&["model", "use", "acme/small"]).status.success());
    let page = Page::log_in(&bundle);
    let conversation = ulid();
    let complaint = format!("{{\"error\":{{\"message\":\"no such key: {REPEATED}\",\"code\":\"invalid_api_key\"}}}}");
    vendor.script([Answer::events(format!("data: {complaint}\n\n")), Answer::raw(401, "application/json", &complaint)]);
    for (turns, text) in [(1, "hello"), (2, "again")] {
        page.send(&conversation, &ulid(), text);
        page.finished(&conversation, turns);
    }
    let log = bundle.log();
    assert_eq!(log.matches("no such key: <key>").count(), 2, "{log}");
    assert!(!log.contains(REPEATED), "{log}");
    assert!(files_with(&bundle.data_dir(), REPEATED).is_empty());
}

#[test]
fn a_key_is_nowhere_but_in_the_request_to_its_vendor() {
    let bundle = Bundle::start();
    let vendor = FakeVendor::start();
    // The vendor has to be told the key, so what goes to it over loopback holds it: one hit for each request, and no more.
    let capture = Capture::start(CANARY);
    let added = bundle.verb_with(&["provider", "add", "acme", "--base-url", &vendor.base_url()], CANARY);
    assert!(added.status.success(), "{added:?}");
    assert!(bundle.verb(&["model", "use", "acme/small"]).status.success());
    let page = Page::log_in(&bundle);
    let conversation = ulid();
    vendor.script([Answer::status(401), Answer::text(["Yes."])]);
    for (turns, text) in [(1, "hello"), (2, "again")] {
        page.send(&conversation, &ulid(), text);
        page.finished(&conversation, turns);
    }
    let said: Vec<u8> = [&added.stdout, &added.stderr, &bundle.verb(&["secret", "list"]).stdout, &bundle.verb(&["vault", "audit"]).stdout]
        .into_iter()
        .chain([&bundle.verb(&["config", "show"]).stdout, &bundle.verb(&["logs", "-n", "0"]).stdout])
        .flatten()
        .copied()
        .collect();
    assert!(!holds(&said, CANARY), "a verb tells it");
    assert!(holds(&said, "provider/acme"), "the search finds what is there");
    for pid in bundle.pids().into_iter().chain([bundle.pid()]) {
        assert!(!holds(&told_by_proc(pid), CANARY), "process {pid} shows it");
    }
    assert!(!holds(bundle.log().as_bytes(), CANARY), "the log tells it");
    assert_eq!(files_with(&bundle.data_dir(), CANARY), Vec::<String>::new());
    assert!(vendor.requests().iter().all(|request| request.header("authorization").is_some_and(|value| value.ends_with(CANARY))));
    if let Some(capture) = capture {
        let (packets, hits) = capture.end();
        let asked = vendor.asked();
        assert!(100 < packets, "{packets} packets");
        // Loopback shows each packet to a capture as it leaves and as it arrives.
        assert_eq!(hits, 2 * asked, "in {packets} packets, for {asked} requests to the vendor");
    }
}
