//! The official `openai` client, written by nobody here, as `tests/peers/openai_client.py` drives it.

use std::{path::PathBuf, process::Command};

use argentum_testkit::{run, vendor::Answer};
use serde_json::{Value, json};

use super::office::Office;

/// What the client tells of `case`; `None` where this machine has none, which is said.
async fn tell(office: &Office, case: &'static str) -> Option<Value> {
    let Some(python) = std::env::var_os("ARGENTUM_PEER_PYTHON") else {
        let is_required = std::env::var("ARGENTUM_PEERS").is_ok_and(|value| value == "required");
        assert!(!is_required, "peers are required: ARGENTUM_PEER_PYTHON is not set");
        eprintln!("NOT RUN: python (ARGENTUM_PEER_PYTHON is not set)");
        return None;
    };
    let mut command = Command::new(python);
    command.arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../peers/openai_client.py"));
    command.args(["--base-url", &office.base_url(), "--model", "acme/small", "--key-file"]).arg(office.key_file()).arg(case);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn it_gets_a_whole_answer_and_a_streamed_one() {
    run(async {
        let office = Office::open().await;
        office.vendor.script([Answer::text(["Good ", "day."]), Answer::text(["Good ", "day."])]);
        let Some(whole) = tell(&office, "whole").await else { return };
        assert_eq!(
            (&whole["content"], &whole["finish_reason"], &whole["model"]),
            (&"Good day.".into(), &"stop".into(), &"acme/small".into())
        );
        let wanted = json!({ "ids": 1, "first_role": "assistant", "content": "Good day.", "finish_reason": "stop", "total_tokens": 13 });
        assert_eq!(tell(&office, "stream").await.unwrap(), wanted);
    });
}

#[test]
fn it_lists_models_and_calls_tools() {
    run(async {
        let office = Office::open().await;
        office.vendor.script([super::tool_call()]);
        let Some(models) = tell(&office, "models").await else { return };
        assert!(models["listed"].as_array().unwrap().contains(&"acme/small".into()) && models["retrieved"] == "acme/small", "{models}");
        assert_eq!(tell(&office, "tools").await.unwrap(), json!({ "calls": [["call_1", "look", "{\"at\":1}"]] }));
    });
}

#[test]
fn it_understands_what_went_wrong() {
    run(async {
        let office = Office::open().await;
        let Some(unknown) = tell(&office, "unknown").await else { return };
        let wanted = (&"NotFoundError".into(), &"model_not_found".into(), &"model".into());
        assert_eq!((&unknown["exception"], &unknown["code"], &unknown["param"]), wanted);
        let wrong = tell(&office, "wrong-key").await.unwrap();
        assert_eq!((&wrong["exception"], &wrong["code"]), (&"AuthenticationError".into(), &"invalid_api_key".into()));
        office.vendor.script([Answer::status(429)]);
        assert_eq!(tell(&office, "whole").await.unwrap()["exception"], "RateLimitError");
        office.vendor.script([Answer::half(["Half "])]);
        let broken = tell(&office, "stream").await.unwrap();
        assert_eq!((&broken["exception"], &broken["code"]), (&"APIError".into(), &"upstream_interrupted".into()));
    });
}
