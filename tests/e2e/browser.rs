//! The page in a real browser, and its modules by themselves. Both are tried by scripts; each tells its cases one by one.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use argentum_testkit::vendor::FakeVendor;
use serde_json::Value;

use crate::bundle::{Bundle, peer, root};

fn assert_success(output: &Output) {
    let told = String::from_utf8_lossy(&output.stdout);
    print!("{told}");
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_page_keeps_its_promises_in_a_real_browser() {
    let (Some(node), Some(chromium), Some(playwright)) = (peer("NODE"), peer("CHROMIUM"), peer("PLAYWRIGHT")) else { return };
    let (bundle, vendor) = (Bundle::start(), FakeVendor::start());
    let output = Command::new(node)
        .arg(root().join("tests/peers/page.mjs"))
        .env("ARGENTUM_BINARY", env!("CARGO_BIN_EXE_argentum"))
        .env("ARGENTUM_DATA_DIR", bundle.data_dir())
        .env("ARGENTUM_VENDOR_URL", vendor.base_url())
        .env("ARGENTUM_PEER_CHROMIUM", chromium)
        .env("ARGENTUM_PEER_PLAYWRIGHT", playwright)
        .output()
        .unwrap();
    assert_success(&output);
    let asked: Vec<String> = vendor.requests().iter().map(|request| model_of(&request.body)).collect();
    assert_eq!(asked, ["large", "large", "large", "small", "large"]);
}

/// The model that a vendor was asked for.
fn model_of(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    body["model"].as_str().unwrap().to_owned()
}

#[test]
fn the_modules_of_the_page_keep_their_promises() {
    let Some(node) = peer("NODE") else { return };
    let folder = root().join("services/channel-gateway/tests/page");
    let tests: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!tests.is_empty());
    assert_success(&Command::new(node).arg("--test").args(tests).output().unwrap());
}
