//! A person chats on the page.

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    bundle::{Bundle, pid_of, signal, until},
    http::{get, request},
    page::{Page, login_token, ulid, use_link},
};

#[test]
fn the_page_loads_nothing_from_elsewhere_and_runs_nothing_inline() {
    let bundle = Bundle::start();
    let response = get(&bundle.http(), "/");
    assert!(response.body.contains("<title>Argentum</title>"), "{response:?}");
    let policy = response.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';") && policy.contains("require-trusted-types-for 'script'"),
        "{policy}"
    );
}

#[test]
fn without_a_session_nothing_is_told() {
    let bundle = Bundle::start();
    let address = bundle.http();
    let id = ulid();
    for path in [
        "/api/v1/session",
        "/api/v1/sessions",
        "/api/v1/models",
        "/api/v1/conversations",
        &format!("/api/v1/conversations/{id}"),
        "/api/v1/events",
    ] {
        assert_eq!(get(&address, path).status, 401, "{path}");
    }
    let response = request(&address, "POST", &format!("/api/v1/conversations/{id}/messages"), &[("Idempotency-Key", &id)], "{}").unwrap();
    assert_eq!(response.status, 401);
}

#[test]
fn a_login_link_works_once_and_logging_out_ends_the_session() {
    let bundle = Bundle::start();
    let page = Page::log_in(&bundle);
    assert_eq!(page.get("/api/v1/session").status, 204);
    let token = login_token(&bundle);
    assert_eq!(use_link(&page.address, &token).status, 204);
    assert_eq!(use_link(&page.address, &token).status, 401);
    let out = request(&page.address, "DELETE", "/api/v1/session", &[("Cookie", &page.cookie)], "").unwrap();
    assert_eq!(out.status, 204);
    assert_eq!(page.get("/api/v1/session").status, 401);
}

#[test]
fn a_session_is_listed_and_revoked_from_another_one() {
    let bundle = Bundle::start();
    let (page, lost) = (Page::log_in(&bundle), Page::log_in(&bundle));
    let listed = page.get("/api/v1/sessions").json();
    let sessions = listed["sessions"].as_array().unwrap();
    assert_eq!(sessions.iter().map(|session| &session["is_current"]).collect::<Vec<_>>(), [true, false], "{listed}");
    assert!(!lost.cookie.contains(sessions[1]["id"].as_str().unwrap()), "the id is no part of the secret");
    let path = format!("/api/v1/sessions/{}", sessions[1]["id"].as_str().unwrap());
    let revoke = || request(&page.address, "DELETE", &path, &[("Cookie", &page.cookie)], "").unwrap().status;
    assert_eq!([revoke(), revoke()], [204, 404]);
    assert_eq!([page.get("/api/v1/session").status, lost.get("/api/v1/session").status], [204, 401]);
}

#[test]
fn a_model_is_named_with_its_provider_or_the_message_is_refused_for_good() {
    let bundle = Bundle::start();
    let page = Page::log_in(&bundle);
    let (conversation, key) = (ulid(), ulid());
    let headers = [("Cookie", page.cookie.as_str()), ("Content-Type", "application/json"), ("Idempotency-Key", key.as_str())];
    let path = format!("/api/v1/conversations/{conversation}/messages");
    let refused = request(&page.address, "POST", &path, &headers, r#"{"text": "hello", "model": "nameless"}"#).unwrap();
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (422, &"invalid-argument".into()));
    assert_eq!(page.get("/api/v1/models").json()["models"][0]["name"], "offline/offline");
}

#[test]
fn a_request_for_another_host_or_from_another_origin_is_refused() {
    let bundle = Bundle::start();
    let page = Page::log_in(&bundle);
    let get_as = |host: &str| request(&page.address, "GET", "/", &[("Host", host)], "").unwrap().status;
    assert_eq!(get_as("evil.example"), 421);
    assert_eq!(get_as(&page.address), 200);
    let stop = |origin: &str| {
        let headers = [("Cookie", page.cookie.as_str()), ("Origin", origin)];
        request(&page.address, "POST", &format!("/api/v1/conversations/{}/stop", ulid()), &headers, "").unwrap().status
    };
    assert_eq!(stop("https://evil.example"), 403);
    assert_eq!(stop(&format!("http://{}", page.address)), 200);
}

#[test]
fn a_message_is_accepted_once_answered_and_listed() {
    let bundle = Bundle::start();
    let page = Page::log_in(&bundle);
    let (conversation, key) = (ulid(), ulid());
    let first = page.send(&conversation, &key, "hello there");
    assert_eq!((first.status, first.json()["already"].as_bool()), (202, Some(false)), "{first:?}");
    let second = page.send(&conversation, &key, "hello there");
    assert_eq!((second.status, second.json()["already"].as_bool()), (202, Some(true)), "{second:?}");
    let turns = page.finished(&conversation, 1);
    assert_eq!(turns.len(), 1);
    assert!(turns[0]["answer"].as_str().unwrap().contains("No model is configured"), "{turns:?}");
    let listed = page.get("/api/v1/conversations").json();
    assert_eq!(
        (&listed["conversations"][0]["id"], &listed["conversations"][0]["title"]),
        (&Value::from(conversation), &"hello there".into())
    );
}

#[test]
fn an_answer_is_streamed_without_a_gap_and_ends() {
    let bundle = Bundle::start();
    let page = Page::log_in(&bundle);
    let conversation = ulid();
    let mut events = page.events();
    events.watch(&conversation);
    events.next(|event| event["type"] == "conversation");
    page.send(&conversation, &ulid(), "hello");
    let mut text = String::new();
    loop {
        let event = events.next(|event| event["type"] == "delta" || event["type"] == "ended");
        if event["type"] == "ended" {
            break;
        }
        text.push_str(event["text"].as_str().unwrap());
    }
    let snapshot = events.next(|event| event["type"] == "conversation");
    assert_eq!(snapshot["turns"][0]["answer"], Value::from(text));
}

#[test]
fn a_page_that_comes_in_mid_answer_misses_nothing() {
    let bundle = Bundle::start();
    let page = Page::log_in(&bundle);
    let conversation = ulid();
    page.send(&conversation, &ulid(), "hello");
    until("some text", || {
        page.conversation(&conversation).filter(|now| now["running"]["text"].as_str().is_some_and(|text| text.len() > 20))
    });
    let mut late = page.events();
    late.watch(&conversation);
    let mut text = late.next(|event| event["type"] == "conversation")["running"]["text"].as_str().unwrap().to_owned();
    loop {
        let event = late.next(|event| event["type"] == "delta" || event["type"] == "ended");
        if event["type"] == "ended" {
            break;
        }
        text.push_str(event["text"].as_str().unwrap());
    }
    assert_eq!(page.finished(&conversation, 1)[0]["answer"], Value::from(text));
}

#[test]
fn stop_keeps_the_text_so_far() {
    let bundle = Bundle::start();
    let page = Page::log_in(&bundle);
    let conversation = ulid();
    page.send(&conversation, &ulid(), "hello");
    until("some text", || {
        page.conversation(&conversation).filter(|now| now["running"]["text"].as_str().is_some_and(|text| !text.is_empty()))
    });
    assert!(page.stop(&conversation).json()["stopped"].is_string());
    let turns = page.finished(&conversation, 1);
    assert_eq!(turns[0]["outcome"], "stopped");
    assert!(!turns[0]["answer"].as_str().unwrap().is_empty());
}

#[test]
fn a_page_sees_a_service_die_and_come_back() {
    let bundle = Bundle::start();
    let mut events = Page::log_in(&bundle).events();
    let models = events.next(|event| event["type"] == "models");
    assert_eq!(models["models"][0]["name"], "offline/offline");
    signal(pid_of(&bundle.service("provider-router")), Signal::KILL);
    let router = |event: &Value| {
        let services = event["services"].as_array()?;
        services.iter().find(|service| service["name"] == "provider-router").cloned()
    };
    events.next(|event| router(event).is_some_and(|router| router["state"] == "backoff"));
    events.next(|event| router(event).is_some_and(|router| router["state"] == "ready" && router["restarts"] == 1));
}

#[test]
fn bad_requests_say_what_is_wrong() {
    let bundle = Bundle::start();
    let page = Page::log_in(&bundle);
    let conversation = ulid();
    let no_ulid = page.send("my-chat", &ulid(), "hello");
    assert_eq!((no_ulid.status, no_ulid.json()["error"]["code"].as_str()), (400, Some("invalid-argument")));
    let no_key = page.send(&conversation, "1", "hello");
    assert_eq!(no_key.status, 400);
    assert!(no_key.body.contains("Idempotency-Key"), "{no_key:?}");
    let too_large = page.send(&conversation, &ulid(), &"x".repeat(256 * 1024 + 1));
    assert_eq!((too_large.status, too_large.json()["error"]["code"].as_str()), (413, Some("too-large")));
    let empty = page.send(&conversation, &ulid(), "  ");
    assert_eq!(empty.status, 422);
}

#[test]
fn every_error_of_the_pages_api_has_one_shape() {
    let bundle = Bundle::start();
    let page = Page::log_in(&bundle);
    let messages = format!("/api/v1/conversations/{}/messages", ulid());
    let too_large = format!(r#"{{"text": "{}"}}"#, "x".repeat(2 * 1024 * 1024));
    let (json, plain) = ("application/json", "text/plain");
    let cases = [
        ("POST", messages.as_str(), json, "{", 400, "invalid-argument"),
        ("POST", &messages, json, too_large.as_str(), 413, "too-large"),
        ("POST", &messages, plain, "hello", 415, "unsupported-media-type"),
        ("POST", &messages, json, "{}", 422, "invalid-argument"),
        ("POST", "/api/v1/session", json, "{}", 422, "invalid-argument"),
        ("GET", "/api/v1/conversations/%ff", json, "", 400, "invalid-argument"),
        ("GET", "/api/v1/events", json, "", 400, "invalid-argument"),
        ("PUT", "/api/v1/models", json, "", 405, "method-not-allowed"),
        ("GET", "/api/v1/nothing", json, "", 404, "not-found"),
    ];
    for (method, path, kind, body, status, code) in cases {
        let key = ulid();
        let headers = [("Cookie", page.cookie.as_str()), ("Content-Type", kind), ("Idempotency-Key", key.as_str())];
        let response = request(&page.address, method, path, &headers, body).unwrap();
        let told = (response.status, response.header("content-type"));
        assert_eq!(told, (status, Some("application/json")), "{method} {path}: {response:?}");
        let error = response.json()["error"].clone();
        assert!(error["code"] == code && error["text"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}: {error}");
    }
}
