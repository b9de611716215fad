//! Models behind the LiteLLM proxy, which nobody here wrote: both wire formats, with its mock answers.

use std::{
    fs::{self, File},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    bundle::{Bundle, peer, until},
    http::request,
    page::{Page, ulid},
};

const KEY: &str = "sk-proxy-key";
const CONFIG: &str = r#"model_list:
  - model_name: mock
    litellm_params: {model: openai/mock, api_key: nothing, mock_response: "Good day from the proxy."}
  - model_name: busy
    litellm_params: {model: openai/busy, api_key: nothing, mock_response: "litellm.RateLimitError"}
general_settings: {master_key: sk-proxy-key}
"#;
/// Python reads some hundred modules before it listens, on a busy machine.
const STARTING_MAX: Duration = Duration::from_secs(120);

/// A running proxy.
struct Proxy {
    process: Child,
    address: String,
}

// === impl Proxy ===

impl Proxy {
    /// `None` where this machine has none.
    fn start(folder: &Path) -> Option<Self> {
        let program = peer("LITELLM")?;
        fs::write(folder.join("proxy.yaml"), CONFIG).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let log = File::create(folder.join("proxy.log")).unwrap();
        let process = Command::new(program)
            .args(["--config", "proxy.yaml", "--host", "127.0.0.1", "--port", address.rsplit(':').next().unwrap()])
            .current_dir(folder)
            .env_clear()
            .envs([("HOME", folder.as_os_str()), ("PATH", "/usr/bin:/bin".as_ref())])
            .envs([("LITELLM_TELEMETRY", "False"), ("LITELLM_LOCAL_MODEL_COST_MAP", "True"), ("NO_DOCS", "True")])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let (proxy, end) = (Self { process, address }, Instant::now() + STARTING_MAX);
        while !proxy.is_alive() {
            assert!(Instant::now() < end, "{}", fs::read_to_string(folder.join("proxy.log")).unwrap());
            thread::sleep(Duration::from_millis(200));
        }
        Some(proxy)
    }

    fn is_alive(&self) -> bool {
        request(&self.address, "GET", "/health/liveliness", &[], "").is_some_and(|response| response.status == 200)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a new conversation with `model` comes to: outcome and answer.
fn answered(bundle: &Bundle, model: &str) -> (String, String) {
    assert!(bundle.verb(&["model", "use", model]).status.success());
    let (page, conversation) = (Page::log_in(bundle), ulid());
    page.send(&conversation, &ulid(), "hello");
    let turn = page.finished(&conversation, 1).remove(0);
    (turn["outcome"].as_str().unwrap().to_owned(), turn["answer"].as_str().unwrap().to_owned())
}

#[test]
fn both_wire_formats_are_understood_by_a_proxy_of_somebody_elses() {
    let folder = TempDir::new().unwrap();
    let Some(proxy) = Proxy::start(folder.path()) else { return };
    let bundle = Bundle::start();
    let base_url = format!("http://{}/v1", proxy.address);
    for (name, kind) in [("one", "openai"), ("other", "anthropic")] {
        let added = bundle.verb_with(&["provider", "add", name, "--kind", kind, "--base-url", &base_url, "--json"], KEY);
        let told: Value = serde_json::from_slice(&added.stdout).unwrap_or_else(|error| panic!("{error}: {added:?}"));
        assert!(told["models"].as_array().is_some_and(|models| models.len() == 2), "{told}");
        assert_eq!(answered(&bundle, &format!("{name}/mock")), ("answered".to_owned(), "Good day from the proxy.".to_owned()), "{kind}");
    }
    // It is asked again and again, ever later: longer than a test waits.
    assert!(bundle.verb(&["model", "use", "one/busy"]).status.success());
    Page::log_in(&bundle).send(&ulid(), &ulid(), "hello");
    until("a refusal by its class", || bundle.log().contains("class=RateLimited").then_some(()));
    let wrong = bundle.verb_with(&["provider", "add", "wrong", "--base-url", &base_url, "--json"], "sk-another-key");
    // Without a database the proxy has a word of its own for a key that it does not know; it is told as it came.
    let told: Value = serde_json::from_slice(&wrong.stdout).unwrap();
    assert!(told["fault"].as_str().is_some_and(|fault| fault.starts_with("provider `wrong`: 4")), "{told}");
}
