//! `docs/reference/openapi.yaml` says what is served: no route less, none more, and no answer that it does not know.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use argentum_testkit::vendor::{Answer, FakeVendor};
use serde_json::Value;

use crate::{
    bundle::{Bundle, root},
    http::{Response, request},
    page::{Page, ulid},
    provider::with_vendor,
};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Of each method of each path, the statuses that are described.
type Operations = BTreeMap<(String, String), BTreeSet<u16>>;

fn document() -> String {
    fs::read_to_string(root().join("docs/reference/openapi.yaml")).unwrap()
}

/// Reads the paths by their indentation, which yamllint keeps as it is.
fn described(document: &str) -> Operations {
    let (mut operations, mut path, mut method) = (Operations::new(), "", "");
    let paths = document.split("\npaths:\n").nth(1).unwrap();
    for line in paths.lines().take_while(|line| line.is_empty() || line.starts_with(' ')) {
        let indentation = line.len() - line.trim_start().len();
        let key = line.trim_start().split(':').next().unwrap().trim_matches('"');
        match indentation {
            2 => path = key,
            4 if METHODS.contains(&key) => {
                method = key;
                operations.insert((path.to_owned(), method.to_owned()), BTreeSet::new());
            }
            8 => {
                let statuses = operations.get_mut(&(path.to_owned(), method.to_owned()));
                statuses.into_iter().for_each(|statuses| statuses.extend(key.parse::<u16>()));
            }
            _ => {}
        }
    }
    operations
}

/// Every method of every path that a source of routes names, below `prefix`.
fn routed(source: &str, prefix: &str) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for call in source.split(".route(\"").skip(1) {
        let (path, rest) = call.split_once('"').unwrap();
        let mut depth = 1;
        let end = rest.find(|character| {
            depth += i32::from(character == '(') - i32::from(character == ')');
            depth == 0
        });
        let handlers = &rest[..end.unwrap()];
        let methods = METHODS
            .into_iter()
            .filter(|method| handlers.match_indices(&format!("{method}(")).any(|(at, _)| handlers[..at].ends_with([' ', '.', '\n'])));
        let path = format!("{prefix}{}", path.replace("{*", "{"));
        found.extend(methods.map(|method| (path.clone(), method.to_owned())));
    }
    found
}

/// What the gateway's sources route: `http.rs` (page, with what it asks for below `/api/v1`) and `http/api.rs` (`/v1`).
fn routes() -> BTreeSet<(String, String)> {
    let folder = root().join("services/channel-gateway/src");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let (http, api) = (read("http.rs"), read("http/api.rs"));
    let (page_api, page) = http.split_once("let page = Router::new()").expect("the routes of the page follow those of its API");
    let nests: Vec<&str> = http.split(".nest(").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    assert_eq!(nests, ["\"/api/v1\", page_api", "\"/v1\", api"], "this test does not know these prefixes");
    for file in fs::read_dir(folder.join("http")).unwrap().chain(fs::read_dir(folder.join("http/api")).unwrap()) {
        let path = file.unwrap().path();
        let is_read = path.is_dir() || path.ends_with("http/api.rs");
        assert!(is_read || !fs::read_to_string(&path).unwrap().contains(".route("), "{} has routes, too", path.display());
    }
    [routed(page_api, "/api/v1"), routed(page, ""), routed(&api, "/v1")].into_iter().flatten().collect()
}

#[test]
fn what_is_described_is_what_the_sources_route() {
    let document = document();
    let described: BTreeSet<_> = described(&document).into_keys().collect();
    assert_eq!(described, routes());
    assert!(document.contains(&format!("\n  version: {}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn a_route_or_a_method_that_one_of_them_lacks_is_seen() {
    let source = "Router::new().route(\"/a/{*name}\", get(models::get).delete(x::end)).route(\"/b\", post(y).layer(from(z)))";
    let pair = |path: &str, method: &str| (path.to_owned(), method.to_owned());
    assert_eq!(routed(source, "/v1"), BTreeSet::from([pair("/v1/a/{name}", "get"), pair("/v1/a/{name}", "delete"), pair("/v1/b", "post")]));
    let document = "x:\npaths:\n  /b:\n    parameters:\n    post:\n      responses:\n        \"200\": {}\n        \"404\":\n          x: y\nz:\n  /c:\n";
    assert_eq!(described(document), Operations::from([(pair("/b", "post"), BTreeSet::from([200, 404]))]));
}

/// One request as `method`, logged in and with a key.
fn ask(bundle: &Bundle, key: &str, path: &str, method: &str) -> Response {
    let page = Page::log_in(bundle);
    let path = path.replace("{id}", &ulid()).replace("/assets/{name}", "/assets/main.js").replace("{name}", "acme/small");
    let body = match (path.rsplit('/').next().unwrap(), method) {
        ("session", "post") => r#"{"token":"of-no-link"}"#,
        ("messages", "post") => r#"{"text":"hello"}"#,
        ("completions", "post") => r#"{"model":"acme/small","messages":[{"role":"user","content":"hi"}]}"#,
        _ => "",
    };
    let headers = [
        ("Cookie", page.cookie.as_str()),
        ("Authorization", &format!("Bearer {key}")),
        ("Content-Type", "application/json"),
        ("Idempotency-Key", &ulid()),
    ];
    request(&bundle.http(), &method.to_uppercase(), &path, &headers, body).unwrap()
}

#[test]
fn a_running_bundle_answers_every_method_of_every_path_as_described() {
    let vendor = FakeVendor::start();
    let bundle = with_vendor(&vendor);
    vendor.script((0..4).map(|_| Answer::text(["Yes."])));
    let created = bundle.verb(&["key", "create", "laptop", "--json"]);
    let key = serde_json::from_slice::<Value>(&created.stdout).unwrap()["key"].as_str().unwrap().to_owned();
    let described = described(&document());
    let paths: BTreeSet<&str> = described.keys().map(|(path, _)| path.as_str()).collect();
    for (path, method) in paths.iter().flat_map(|path| METHODS.map(|method| (*path, method))) {
        let status = ask(&bundle, &key, path, method).status;
        match described.get(&(path.to_owned(), method.to_owned())) {
            Some(statuses) => assert!(statuses.contains(&status), "{method} {path}: {status} is not among {statuses:?}"),
            None => assert_eq!(status, 405, "{method} {path} is not described"),
        }
    }
}
