//! A person at the page: logged in, with conversations of their own.

use serde_json::{Value, json};
use ulid::Ulid;

use crate::{
    bundle::{Bundle, until},
    http::{Events, Response, request},
};

/// A logged-in browser, without the browser.
pub(crate) struct Page {
    pub(crate) address: String,
    pub(crate) cookie: String,
}

/// The secret of a link that `argentum login` prints.
pub(crate) fn login_token(bundle: &Bundle) -> String {
    let output = bundle.verb(&["login", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let issued: Value = serde_json::from_slice(&output.stdout).unwrap();
    issued["link"].as_str().unwrap().split_once("#login=").unwrap().1.to_owned()
}

/// Shows a link's secret.
pub(crate) fn use_link(address: &str, token: &str) -> Response {
    let body = json!({ "token": token }).to_string();
    request(address, "POST", "/api/v1/session", &[("Content-Type", "application/json")], &body).unwrap()
}

/// A new id, as the page makes them.
pub(crate) fn ulid() -> String {
    Ulid::new().to_string()
}

impl Page {
    /// Logs in with a link of `argentum login`.
    pub(crate) fn log_in(bundle: &Bundle) -> Self {
        let address = bundle.http();
        let response = use_link(&address, &login_token(bundle));
        assert_eq!(response.status, 204, "{response:?}");
        let cookie = response.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        Self { address, cookie }
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        request(&self.address, "GET", path, &[("Cookie", &self.cookie)], "").unwrap()
    }

    /// Sends a message once; `None` where the connection broke.
    pub(crate) fn try_send(&self, conversation: &str, key: &str, text: &str) -> Option<Response> {
        let headers = [("Cookie", self.cookie.as_str()), ("Content-Type", "application/json"), ("Idempotency-Key", key)];
        let path = format!("/api/v1/conversations/{conversation}/messages");
        request(&self.address, "POST", &path, &headers, &json!({ "text": text }).to_string())
    }

    /// Sends a message as the page does: again and again with the same key, until it is answered.
    pub(crate) fn send(&self, conversation: &str, key: &str, text: &str) -> Response {
        until("acceptance", || self.try_send(conversation, key, text).filter(|response| response.status != 503 && response.status != 401))
    }

    pub(crate) fn stop(&self, conversation: &str) -> Response {
        let path = format!("/api/v1/conversations/{conversation}/stop");
        request(&self.address, "POST", &path, &[("Cookie", &self.cookie)], "").unwrap()
    }

    pub(crate) fn conversation(&self, id: &str) -> Option<Value> {
        let response = request(&self.address, "GET", &format!("/api/v1/conversations/{id}"), &[("Cookie", &self.cookie)], "")?;
        (response.status == 200).then(|| response.json())
    }

    /// Waits until a conversation has so many turns with an outcome, and returns them.
    pub(crate) fn finished(&self, id: &str, turns: usize) -> Vec<Value> {
        until("finished turns", || {
            let conversation = self.conversation(id)?;
            Some(conversation["turns"].as_array().unwrap().clone()).filter(|finished| finished.len() >= turns)
        })
    }

    pub(crate) fn events(&self) -> Events {
        Events::open(&self.address, &self.cookie)
    }
}
