//! `/v1`: the official `openai` client, written by nobody here, at the real binary.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use argentum_testkit::vendor::{Answer, FakeVendor};
use serde_json::{Value, json};

use crate::{
    bundle::{Bundle, peer, until},
    http::request,
    provider::with_vendor,
};

/// A bundle whose vendor is scripted, and a key to its API.
struct Api {
    vendor: FakeVendor,
    bundle: Bundle,
    key: String,
}

// === impl Api ===

impl Api {
    fn start() -> Self {
        let vendor = FakeVendor::start();
        let bundle = with_vendor(&vendor);
        let created = bundle.verb(&["key", "create", "laptop", "--json"]);
        let told: Value = serde_json::from_slice(&created.stdout).unwrap_or_else(|error| panic!("{error}: {created:?}"));
        Self { vendor, key: told["key"].as_str().unwrap().to_owned(), bundle }
    }

    /// What the official client tells of `case`; `None` where this machine has none.
    fn tell(&self, case: &str) -> Option<Value> {
        let python = peer("PYTHON")?;
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/peers/openai_client.py");
        let key_file = self.bundle.data_dir().with_file_name("key");
        write_secret(&key_file, &self.key);
        let base_url = format!("http://{}/v1", self.bundle.http());
        let output = Command::new(python)
            .arg(script)
            .args(["--base-url", &base_url, "--model", "acme/small", "--key-file"])
            .arg(key_file)
            .arg(case)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        Some(serde_json::from_slice(&output.stdout).unwrap())
    }
}

fn write_secret(path: &Path, secret: &str) {
    fs::write(path, secret).unwrap();
}

#[test]
fn the_official_client_gets_a_whole_answer_and_a_streamed_one() {
    let api = Api::start();
    api.vendor.script([Answer::text(["Good ", "day."]), Answer::text(["Good ", "day."])]);
    let Some(whole) = api.tell("whole") else { return };
    assert_eq!((&whole["content"], &whole["finish_reason"], &whole["model"]), (&"Good day.".into(), &"stop".into(), &"acme/small".into()));
    let streamed = api.tell("stream").unwrap();
    let wanted = json!({ "ids": 1, "first_role": "assistant", "content": "Good day.", "finish_reason": "stop", "total_tokens": 13 });
    assert_eq!(streamed, wanted);
}

#[test]
fn the_official_client_lists_models_and_calls_tools() {
    let api = Api::start();
    let Some(models) = api.tell("models") else { return };
    assert!(models["listed"].as_array().unwrap().contains(&"acme/small".into()) && models["retrieved"] == "acme/small", "{models}");
    api.vendor.script([Answer::tool_call("call_1", "look", "{\"at\":1}")]);
    assert_eq!(api.tell("tools").unwrap(), json!({ "calls": [["call_1", "look", "{\"at\":1}"]] }));
}

#[test]
fn the_official_client_understands_what_went_wrong() {
    let api = Api::start();
    let Some(unknown) = api.tell("unknown") else { return };
    assert_eq!(
        (&unknown["exception"], &unknown["code"], &unknown["param"]),
        (&"NotFoundError".into(), &"model_not_found".into(), &"model".into())
    );
    let wrong = api.tell("wrong-key").unwrap();
    assert_eq!((&wrong["exception"], &wrong["code"]), (&"AuthenticationError".into(), &"invalid_api_key".into()));
    api.vendor.script([Answer::status(429)]);
    assert_eq!(api.tell("whole").unwrap()["exception"], "RateLimitError");
    api.vendor.script([Answer::half(["Half "])]);
    let broken = api.tell("stream").unwrap();
    assert_eq!((&broken["exception"], &broken["code"]), (&"APIError".into(), &"upstream_interrupted".into()));
}

#[test]
fn a_revoked_key_is_refused_and_no_key_stands_in_log_or_files() {
    let api = Api::start();
    let status = || {
        let bearer = format!("Bearer {}", api.key);
        request(&api.bundle.http(), "GET", "/v1/models", &[("Authorization", &bearer)], "").unwrap().status
    };
    assert_eq!(status(), 200);
    assert!(api.bundle.verb(&["key", "revoke", "laptop"]).status.success());
    assert_eq!(status(), 401);
    let listed = String::from_utf8(api.bundle.verb(&["key", "list", "--json"]).stdout).unwrap();
    assert!(listed.contains("laptop") && !listed.contains(&api.key), "{listed}");
    assert!(!api.bundle.log().contains(&api.key));
    let kept = fs::read_to_string(api.bundle.data_dir().join("api-keys.json")).unwrap();
    assert!(!kept.contains(&api.key));
}

#[test]
fn a_client_that_hangs_up_ends_the_vendors_work_within_a_second() {
    let Api { vendor, bundle, key } = Api::start();
    vendor.script([Answer::half_then_silence(["One "])]);
    let body = r#"{"model":"acme/small","stream":true,"messages":[{"role":"user","content":"count"}]}"#;
    let stream = crate::http::begin(
        &bundle.http(),
        &format!("POST /v1/chat/completions HTTP/1.1\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json"),
        body,
    );
    until("the vendor is asked", || (vendor.open_connections() == 1).then_some(()));
    let hung_up = Instant::now();
    drop(stream);
    until("the end of the connection to the vendor", || (vendor.open_connections() == 0).then_some(()));
    assert!(hung_up.elapsed() < Duration::from_secs(1), "{:?}", hung_up.elapsed());
}
