//! What whoever watches a bundle is given: the rules and the dashboard of `deploy/`, over a real Prometheus that scrapes a real bundle.
//!
//! Prometheus answers a question for a metric that does not exist with nothing, and so does a panel. So every name and label that is asked
//! for has to be one that the bundle tells, and every panel has to show something once there was something to show.

mod expression;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use argentum_testkit::{
    telegram::{FakeTelegram, Mishap},
    vendor::{Answer, FakeVendor},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    bundle::{Bundle, PATIENCE, peer, until},
    http,
    page::{Page, ulid},
    provider::with_vendor,
    telegram::with_bot,
};
use expression::Expression;

const ADA: i64 = 4_711;
/// Of every Prometheus, of no bundle.
const PROMETHEUS_OWN: [&str; 2] = ["up", "ALERTS"];
/// What shows nothing in this test: the disk is not full and no service is down.
const QUIET: [&str; 2] = ["answer:argentum_messages:seen15m{answer=\"retry_after\"}", "request:argentum_bus_failures:rate5m"];

/// A real Prometheus with our configuration and rules.
struct Prometheus {
    child: Child,
    address: String,
}

/// A question of a panel, and the labels that its legend shows.
#[derive(Debug)]
struct Panel {
    title: String,
    expression: String,
    legend: Vec<String>,
}

fn ours(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(path)
}

// === impl Prometheus ===

impl Prometheus {
    /// Watches `target`, fifteen times as fast as configured; `None` where this machine has none.
    fn start(folder: &Path, target: &str) -> Option<Self> {
        let program = peer("PROMETHEUS")?;
        let shipped = fs::read_to_string(ours("prometheus/prometheus.yml")).unwrap();
        let config = shipped.replace("127.0.0.1:4747", target).replace(": 15s", ": 1s").replace(": 5s", ": 1s");
        assert!(config.contains(target) && config.matches(": 1s").count() == 3, "the shipped configuration has other values:\n{shipped}");
        fs::write(folder.join("prometheus.yml"), config).unwrap();
        fs::create_dir(folder.join("rules")).unwrap();
        for name in ["recording.yml", "alerts.yml"] {
            fs::copy(ours("prometheus/rules").join(name), folder.join("rules").join(name)).unwrap();
        }
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let log = File::create(folder.join("prometheus.log")).unwrap();
        let child = Command::new(program)
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("series").display()))
            .arg(format!("--web.listen-address={address}"))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let prometheus = Self { child, address };
        until("Prometheus", || prometheus.try_get("/-/ready"));
        Some(prometheus)
    }

    /// HTTP/1.0, so that the answer comes in one piece; `None` unless it is 200.
    fn try_get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.split(' ').nth(1).filter(|status| *status == "200").map(|_| body.to_owned())
    }

    /// The `data` of an answer.
    fn tell(&self, path: &str) -> Value {
        let body = self.try_get(path).unwrap_or_else(|| panic!("{path} is not answered"));
        serde_json::from_str::<Value>(&body).unwrap()["data"].take()
    }

    /// What `expression` gives now: the labels of each series.
    fn ask(&self, expression: &str) -> Vec<Value> {
        let escaped: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let result = self.tell(&format!("/api/v1/query?query={escaped}"))["result"].take();
        result.as_array().unwrap().iter().map(|series| series["metric"].clone()).collect()
    }

    /// Name and expression of every rule, as Prometheus has read them.
    fn rules(&self) -> Vec<(String, String)> {
        let groups = self.tell("/api/v1/rules");
        let rules = groups["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap());
        rules.map(|rule| (text(&rule["name"]), text(&rule["query"]))).collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Every question of the dashboard, those of its annotations too.
fn panels() -> Vec<Panel> {
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(ours("grafana/dashboards/argentum.json")).unwrap()).unwrap();
    let mut panels = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let legend = target["legendFormat"].as_str().unwrap();
            let legend = legend.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap().trim().to_owned()).collect();
            panels.push(Panel { title: text(&panel["title"]), expression: text(&target["expr"]), legend });
        }
    }
    let annotations = dashboard["annotations"]["list"].as_array().unwrap().iter().filter_map(|annotation| annotation["expr"].as_str());
    panels.extend(annotations.map(|expression| Panel { title: "annotation".into(), expression: expression.into(), legend: Vec::new() }));
    panels
}

/// The names of all series that a text in Prometheus' format tells.
fn exposed(text: &str) -> BTreeSet<String> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.filter_map(|line| line.split(['{', ' ']).next()).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Lets happen what the panels show: answers, failures, parts that were sent, refused and whose fate is unknown.
fn live_a_little(bundle: &Bundle, vendor: &FakeVendor, telegram: &FakeTelegram) {
    vendor.script([Answer::text(["Yes."]), Answer::status(401), Answer::half(["Per"]), Answer::text(["One."]), Answer::text(["Two."])]);
    let page = Page::log_in(bundle);
    let conversation = ulid();
    for turn in 1..=3 {
        page.send(&conversation, &ulid(), "hello");
        page.finished(&conversation, turn);
    }
    with_bot(bundle, telegram, &["--allow", &ADA.to_string()]);
    telegram.script([Mishap::LoseAnswer]);
    telegram.user(ADA, "Ada").say(ADA, "hello");
    until("a part that is repeated", || (telegram.posted(ADA).len() >= 2).then_some(()));
    telegram.user(ADA, "Ada").block(true);
    telegram.user(ADA, "Ada").say(ADA, "hello?");
}

#[test]
fn a_real_prometheus_finds_every_name_and_label_that_rules_and_dashboard_ask_for() {
    let folder = TempDir::new().unwrap();
    let (telegram, vendor) = (FakeTelegram::start(), FakeVendor::start());
    let bundle = with_vendor(&vendor);
    let Some(prometheus) = Prometheus::start(folder.path(), &bundle.http()) else { return };
    live_a_little(&bundle, &vendor, &telegram);

    let (rules, panels) = (prometheus.rules(), panels());
    assert!(rules.len() > 30 && panels.len() > 20, "{} rules, {} panels", rules.len(), panels.len());
    // Counted once the last of what was done has come through.
    until("a refused part", || {
        let refused = prometheus.ask("argentum_sends_total{outcome=\"refused\"}");
        (!refused.is_empty()).then_some(())
    });
    let mut names = exposed(&http::get(&bundle.http(), "/metrics").body);
    names.extend(rules.iter().map(|(name, _)| name.clone()).filter(|name| name.contains(':')));
    names.extend(PROMETHEUS_OWN.map(str::to_owned));
    let labels: BTreeSet<String> = prometheus.tell("/api/v1/labels").as_array().unwrap().iter().map(text).collect();
    let asked = rules.iter().map(|(name, expression)| (name, expression));
    let asked = asked.chain(panels.iter().map(|panel| (&panel.title, &panel.expression)));
    let unknown: Vec<String> = asked.flat_map(|(who, expression)| Expression::read(expression).unknown(who, &names, &labels)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");

    for Panel { title, expression, legend } in &panels {
        let is_quiet = QUIET.contains(&expression.as_str()) || expression.starts_with("ALERTS");
        if is_quiet {
            continue;
        }
        let found =
            until(&format!("something in the panel `{title}`"), || Some(prometheus.ask(expression)).filter(|series| !series.is_empty()));
        for label in legend {
            assert!(found.iter().any(|series| series.get(label).is_some()), "`{title}` names `{label}`, its series have {found:?}");
        }
    }
}

/// Else every word of a client makes a series that is kept for ever.
#[test]
fn a_model_that_nobody_offers_becomes_no_label() {
    let vendor = FakeVendor::start();
    let bundle = with_vendor(&vendor);
    let created = bundle.verb(&["key", "create", "laptop", "--json"]);
    let key = text(&serde_json::from_slice::<Value>(&created.stdout).unwrap()["key"]);
    let ask = |model: &str| {
        let body = format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"hi"}}]}}"#);
        let headers = [("Authorization", format!("Bearer {key}"))];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        http::request(&bundle.http(), "POST", "/v1/chat/completions", &headers, &body).unwrap().status
    };
    vendor.script([Answer::text(["Yes."]), Answer::status(404)]);
    assert_eq!((ask("acme/small"), ask("acme/wanderlust"), ask("nobody/wanderlust")), (200, 400, 404));
    let told = http::get(&bundle.http(), "/metrics").body;
    assert!(told.contains("gen_ai_client_operation_duration_seconds_count{error_type="), "{told}");
    assert!(told.contains("gen_ai_request_model=\"small\"") && !told.contains("wanderlust"), "{told}");
}
