//! `argentum version`.

use serde_json::json;

use crate::{arguments::Global, output};

pub(crate) fn run(global: &Global) {
    let version = env!("CARGO_PKG_VERSION");
    if global.json {
        output::print_json(&json!({ "version": version }));
    } else {
        output::print(&format!("argentum {version}"));
    }
}
