//! Any OpenAI client speaks to `/v1`.

use std::{path::Path, process::Command, time::Duration};

use argentum_testkit::vendor::{Answer, FakeVendor};
use serde_json::Value;

use crate::{
    bundle::{Bundle, peer, until},
    http::request,
    provider::with_vendor,
};

fn create(bundle: &Bundle, name: &str) -> String {
    let made = bundle.verb(&["key", "create", name, "--json"]);
    let told: Value = serde_json::from_slice(&made.stdout).unwrap();
    told["key"].as_str().unwrap().to_owned()
}

fn ask(address: &str, key: &str, body: &str) -> crate::http::Response {
    let headers = [("Authorization", &*format!("Bearer {key}")), ("Content-Type", "application/json")];
    request(address, "POST", "/v1/chat/completions", &headers, body).unwrap()
}

#[test]
fn the_official_client_of_openai_is_served() {
    let Some(python) = peer("PYTHON") else { return };
    let vendor = FakeVendor::start();
    let bundle = with_vendor(&vendor);
    let key = create(&bundle, "client");
    let day = Answer::text(["Good ", "day."]);
    vendor.script([day.clone(), day, Answer::tool_call("call_1", "now", "{}"), Answer::status(429)]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers/openai_client.py");
    let base_url = format!("http://{}/v1", bundle.http());
    let output = Command::new(python).arg(script).args([&base_url, &key, "acme/small"]).output().unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_key_works_until_it_is_revoked_and_is_kept_nowhere() {
    let vendor = FakeVendor::start();
    let bundle = with_vendor(&vendor);
    let key = create(&bundle, "short");
    let address = bundle.http();
    let body = r#"{"model":"acme/small","messages":[{"role":"user","content":"hello"}]}"#;
    assert_eq!(ask(&address, &key, body).status, 200);
    assert!(bundle.verb(&["restart", "channel-gateway"]).status.success());
    bundle.until_state("ready");
    assert_eq!(ask(&address, &key, body).status, 200, "it outlives a restart");
    assert!(bundle.verb(&["key", "revoke", "short"]).status.success());
    assert_eq!(ask(&address, &key, body).status, 401);
    assert_eq!(crate::secrets::files_with(&bundle.data_dir(), &key), Vec::<String>::new());
    assert!(!bundle.log().contains(&key));
}

#[test]
fn a_client_that_hangs_up_ends_the_vendors_work_within_a_second() {
    let vendor = FakeVendor::start();
    let bundle = with_vendor(&vendor);
    let key = create(&bundle, "client");
    vendor.script([Answer::half_then_silence(["One "])]);
    let body = r#"{"model":"acme/small","stream":true,"messages":[{"role":"user","content":"count"}]}"#;
    let stream = crate::http::begin(
        &bundle.http(),
        &format!("POST /v1/chat/completions HTTP/1.1\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json"),
        body,
    );
    until("the vendor is asked", || (vendor.open_connections() == 1).then_some(()));
    let hung_up = std::time::Instant::now();
    drop(stream);
    until("the end of the connection to the vendor", || (vendor.open_connections() == 0).then_some(()));
    assert!(hung_up.elapsed() < Duration::from_secs(1), "{:?}", hung_up.elapsed());
}
