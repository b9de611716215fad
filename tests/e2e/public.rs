//! A bundle that is reached from beyond its machine: only under its own name, and by links that lead there.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    bundle::{Bundle, run},
    http::request,
    page::{login_token, use_link},
};

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A bundle on all addresses with this public URL, and `address:port` by which it is reached here.
fn start(folder: &TempDir, public_url: &str) -> (Bundle, String) {
    let config = folder.path().join("argentum.toml");
    fs::write(&config, format!("[http]\nlisten = '0.0.0.0:0'\npublic_url = '{public_url}'\n")).unwrap();
    let bundle = Bundle::begin_by(folder.path(), |up| up.arg("--config").arg(config));
    let status = bundle.until_state("ready");
    let address = status["http_address"].as_str().unwrap().replace("0.0.0.0", "127.0.0.1");
    (bundle, address)
}

/// The answer to a GET under a name.
fn named(address: &str, host: &str) -> u16 {
    request(address, "GET", "/", &[("Host", host)], "").unwrap().status
}

#[test]
fn only_the_public_name_and_loopback_are_answered() {
    let folder = TempDir::new().unwrap();
    let (_bundle, address) = start(&folder, "https://argentum.example");
    for host in ["argentum.example", "ARGENTUM.example:443", &address] {
        assert_eq!(named(&address, host), 200, "{host}");
    }
    let port = address.rsplit(':').next().unwrap();
    for host in ["evil.example", &format!("argentum.example:{port}"), &format!("0.0.0.0:{port}"), &format!("192.0.2.7:{port}")] {
        assert_eq!(named(&address, host), 421, "{host}");
    }
}

#[test]
fn the_login_link_and_the_status_lead_to_the_public_url() {
    let folder = TempDir::new().unwrap();
    let (bundle, _) = start(&folder, "https://Argentum.example:8443/");
    let output = bundle.verb(&["login", "--json"]);
    let issued: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(issued["link"].as_str().unwrap().starts_with("https://argentum.example:8443/#login="), "{issued}");
    assert_eq!(bundle.status().unwrap()["http"], "https://argentum.example:8443");
}

#[test]
fn a_change_under_the_public_name_must_come_from_its_page() {
    let folder = TempDir::new().unwrap();
    let (bundle, address) = start(&folder, "https://argentum.example");
    let body = format!("{{\"token\":\"{}\"}}", login_token(&bundle));
    let log_in = |origin| {
        let headers = [JSON, ("Host", "argentum.example"), ("Origin", origin)];
        request(&address, "POST", "/api/v1/session", &headers, &body).unwrap().status
    };
    assert_eq!([log_in("https://evil.example"), log_in("http://argentum.example"), log_in("null")], [403, 403, 403]);
    assert_eq!(log_in("https://argentum.example"), 204);
}

#[test]
fn a_page_without_tls_is_warned_of() {
    let warns = |public_url| {
        let folder = TempDir::new().unwrap();
        let (bundle, _) = start(&folder, public_url);
        bundle.log().contains("without TLS")
    };
    assert!(warns("http://argentum.example") && !warns("https://argentum.example"));
}

#[test]
fn the_configurations_that_are_shipped_are_fine() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for file in ["deploy/compose/argentum.toml", "k8s/overlays/example/argentum.toml"] {
        let folder = TempDir::new().unwrap();
        let output = run(folder.path(), &["config", "check", "--config", root.join(file).to_str().unwrap()]);
        assert!(output.status.success(), "{file}: {output:?}");
    }
}

#[test]
fn a_session_over_tls_never_travels_without_it() {
    let cookie_under = |public_url| {
        let folder = TempDir::new().unwrap();
        let (bundle, address) = start(&folder, public_url);
        use_link(&address, &login_token(&bundle)).header("set-cookie").unwrap().to_owned()
    };
    assert!(cookie_under("https://argentum.example").ends_with("; Secure"));
    assert!(!cookie_under("http://argentum.example").contains("Secure"));
}

#[test]
fn metrics_are_for_whoever_shows_a_key() {
    let folder = TempDir::new().unwrap();
    let (bundle, address) = start(&folder, "https://argentum.example");
    let read = |headers: &[(&str, &str)]| request(&address, "GET", "/metrics", headers, "").unwrap();
    assert_eq!(read(&[]).status, 401);
    assert_eq!(read(&[("Authorization", "Bearer ark-wrong")]).status, 401);
    let made = bundle.verb(&["key", "create", "prometheus", "--json"]);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let shown = read(&[("Authorization", &format!("Bearer {}", made["key"].as_str().unwrap()))]);
    assert_eq!(shown.status, 200, "{shown:?}");
    assert!(shown.body.contains("argentum_service_ready"));
    assert_eq!(named(&address, "evil.example"), 421);
}
