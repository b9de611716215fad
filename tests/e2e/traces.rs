//! What the bundle tells an OpenTelemetry receiver: one message is one trace, also where a process dies in the middle.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use argentum_testkit::{
    telegram::{FakeTelegram, TOKEN},
    vendor::{Answer, FakeVendor},
};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::{
    bundle::{Bundle, peer, pid_of, signal, until},
    http,
    page::{Page, ulid},
    provider::introduce,
};

/// A person, and her private chat.
const ADA: i64 = 4_711;
/// What a message says; no receiver may ever see it.
const SECRET_WORDS: &str = "the marmalade is hidden behind the clock";

/// A real receiver, which prints what it is sent.
struct Receiver {
    agent: Child,
    log: PathBuf,
    endpoint: String,
}

/// A span, as the receiver prints it.
#[derive(Debug, Default)]
struct Span {
    service: String,
    pid: String,
    trace: String,
    id: String,
    parent: String,
    name: String,
}

// === impl Receiver ===

impl Receiver {
    /// `None` where this machine has none.
    fn start(folder: &Path) -> Option<Self> {
        let python = peer("ROTEL")?;
        let found = Command::new(python).args(["-c", "import rotel; print(rotel.__path__[0])"]).output().unwrap();
        let program = Path::new(String::from_utf8(found.stdout).unwrap().trim()).join("rotel-agent");
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let (http, grpc, log) = (free(), free(), folder.join("receiver.log"));
        let output = File::create(&log).unwrap();
        let agent = Command::new(program)
            .args(["start", "--exporter", "blackhole", "--otlp-http-endpoint", &http, "--otlp-grpc-endpoint", &grpc])
            .args(["--debug-log", "traces", "--debug-log", "metrics", "--debug-log", "logs", "--debug-log-verbosity", "detailed"])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        until("a receiver", || std::net::TcpStream::connect(&http).ok());
        Some(Self { agent, log, endpoint: format!("http://{http}") })
    }

    fn told(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// All spans so far.
    fn spans(&self) -> Vec<Span> {
        let (mut resource, mut is_resource, mut spans) = (BTreeMap::new(), false, Vec::new());
        for line in self.told().lines().map(str::trim) {
            if line == "Resource attributes:" {
                resource.clear();
                is_resource = true;
            }
            is_resource &= !line.starts_with("Scope");
            if let Some((key, value)) = line.strip_prefix("-> ").and_then(|attribute| attribute.split_once(": ")) {
                if is_resource {
                    let value = value.split_once('(').map_or(value, |(_, value)| value.trim_end_matches(')'));
                    resource.insert(key.to_owned(), value.to_owned());
                }
                continue;
            }
            let Some((key, value)) = line.split_once(':').map(|(key, value)| (key.trim(), value.trim().to_owned())) else { continue };
            match (key, spans.last_mut()) {
                ("Trace ID", _) => spans.push(Span {
                    service: resource.get("service.name").cloned().unwrap_or_default(),
                    pid: resource.get("process.pid").cloned().unwrap_or_default(),
                    trace: value,
                    ..Span::default()
                }),
                ("Parent ID", Some(span)) => span.parent = value,
                ("ID", Some(span)) => span.id = value,
                ("Name", Some(span)) if span.name.is_empty() => span.name = value,
                _ => {}
            }
        }
        // A log line may name its trace, too; a span has a name.
        spans.retain(|span| !span.name.is_empty());
        spans
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
    }
}

/// A bundle that tells `receiver` everything, and asks `vendor`.
fn bundle_for(receiver: &Receiver, vendor: &FakeVendor) -> Bundle {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    let config = format!("[telemetry]\notlp_endpoint = \"{}\"\nmetrics_interval = \"1s\"\n", receiver.endpoint);
    fs::write(folder.path().join("data/argentum.toml"), config).unwrap();
    let bundle = Bundle::start_in(folder);
    introduce(&bundle, vendor);
    bundle
}

#[test]
fn one_message_is_one_trace_through_all_services_also_after_a_kill() {
    let folder = TempDir::new().unwrap();
    let Some(receiver) = Receiver::start(folder.path()) else { return };
    let (telegram, vendor) = (FakeTelegram::start(), FakeVendor::start());
    let bundle = bundle_for(&receiver, &vendor);
    let arguments = ["channel", "add", "telegram", "home", "--api-url", &telegram.api_url(), "--allow", &ADA.to_string()];
    assert!(bundle.verb_with(&arguments, TOKEN).status.success());
    vendor.script([Answer::half_then_silence(["Half "]), Answer::text(["Whole."])]);
    telegram.user(ADA, "Ada").say(ADA, SECRET_WORDS);
    let accepted = until("the first life's span", || receiver.spans().into_iter().find(|span| span.name == "process inbound"));
    until("a question at the vendor", || (vendor.open_connections() == 1).then_some(()));
    signal(pid_of(&bundle.service("provider-router")), Signal::KILL);
    until("an answer", || telegram.posted(ADA).iter().any(|posted| posted.text == "Whole.").then_some(()));

    let is_complete = |trace: &[Span]| {
        let has = |name: &str| trace.iter().any(|span| span.name == name);
        ["receive home", "process inbound", "recall", "send home", "receipt", "remember"].into_iter().all(has)
            && trace.iter().any(|span| span.name.starts_with("chat"))
    };
    let trace = until("a whole trace", || {
        let trace: Vec<Span> = receiver.spans().into_iter().filter(|span| span.trace == accepted.trace).collect();
        is_complete(&trace).then_some(trace)
    });
    let services: BTreeSet<&str> = trace.iter().map(|span| span.service.as_str()).collect();
    assert_eq!(services, BTreeSet::from(["channel-gateway", "memory", "provider-router", "vault"]), "{trace:#?}");
    let routers: BTreeSet<&str> = trace.iter().filter(|span| span.service == "provider-router").map(|span| span.pid.as_str()).collect();
    assert_eq!(routers.len(), 2, "both lives of the router: {trace:#?}");
    let received: Vec<&Span> = trace.iter().filter(|span| span.name == "receive home").collect();
    assert_eq!(received.len(), 1);
    // Everything hangs below what was received, but for what a killed process had not sent yet.
    let ids: BTreeSet<&str> = trace.iter().map(|span| span.id.as_str()).collect();
    let loose: Vec<&Span> = trace.iter().filter(|span| !ids.contains(span.parent.as_str())).collect();
    assert!(loose.iter().all(|span| span.name == "receive home" || span.name.starts_with("process ")), "{loose:#?}");
    assert!(receiver.spans().iter().all(|span| span.name != "receive home" || span.trace == accepted.trace), "one trace");
    assert!(!receiver.told().contains("marmalade") && !receiver.told().contains(TOKEN));
}

#[test]
fn lines_and_metrics_are_sent_and_shown_too() {
    let folder = TempDir::new().unwrap();
    let Some(receiver) = Receiver::start(folder.path()) else { return };
    let vendor = FakeVendor::start();
    vendor.script([Answer::text(["Yes."])]);
    let bundle = bundle_for(&receiver, &vendor);
    let page = Page::log_in(&bundle);
    let conversation = ulid();
    page.send(&conversation, &ulid(), SECRET_WORDS);
    page.finished(&conversation, 1);
    for told in ["gen_ai.client.operation.duration", "argentum.journal.sync.duration", "argentum.service.restarts", "ready"] {
        until(told, || receiver.told().contains(told).then_some(()));
    }
    let shown = http::get(&bundle.http(), "/metrics");
    assert_eq!(shown.status, 200, "{shown:?}");
    let text = &shown.body;
    for line in [
        "argentum_messages_total{answer=\"accepted\",service_name=\"provider-router\"} 1",
        "argentum_service_ready{service=\"vault\",service_name=\"orchestrator\"} 1",
        "gen_ai_client_operation_time_to_first_chunk_seconds_count{",
        "gen_ai_client_token_usage_bucket{",
        "messaging_process_duration_seconds_count{messaging_destination_template=\"memory.recall\",service_name=\"memory\"} 1",
    ] {
        assert!(text.contains(line), "{line} is missing in:\n{text}");
    }
    assert_eq!(text.matches("# TYPE messaging_process_duration_seconds histogram").count(), 1);
    assert!(!text.contains("marmalade") && !receiver.told().contains("marmalade"));
}

#[test]
fn a_receiver_that_is_not_there_is_named_once_and_harms_nothing() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    let config = "[telemetry]\notlp_endpoint = \"http://127.0.0.1:9\"\nmetrics_interval = \"100ms\"\n";
    fs::write(folder.path().join("data/argentum.toml"), config).unwrap();
    let bundle = Bundle::start_in(folder);
    let page = Page::log_in(&bundle);
    let conversation = ulid();
    for turn in 1..=3 {
        page.send(&conversation, &ulid(), "hello");
        page.finished(&conversation, turn);
    }
    let complaint = "telemetry receiver takes nothing";
    until("a complaint", || bundle.log().contains(complaint).then_some(()));
    assert!(bundle.verb(&["stop"]).status.success());
    // Each of the five processes says it, once.
    assert!(bundle.log().matches(complaint).count() <= 5, "{}", bundle.log());
}
