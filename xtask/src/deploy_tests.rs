//! Each checker finds what it is there for. A checker that is not at hand is said and left out.

use super::*;
use crate::bundle::Scratch;

/// Runs the checks of `peer` on one file; `None` where the checker is not at hand.
fn verdict(peer: &str, path: &str, text: &str) -> Option<Result<()>> {
    verdict_of(peer, &[(path, text)])
}

fn verdict_of(peer: &str, files: &[(&str, &str)]) -> Option<Result<()>> {
    let variable = format!("ARGENTUM_PEER_{peer}");
    let Ok(program) = std::env::var(&variable) else {
        assert!(!peers::required(), "peers are required: {variable} is not set");
        eprintln!("NOT RUN: {} ({variable} is not set)", peer.to_lowercase());
        return None;
    };
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    let scratch = Scratch::create(&format!("unit-deploy-{}-{bytes}", peer.to_lowercase())).unwrap();
    for (path, text) in files {
        let file = scratch.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let workspace = Workspace { root: scratch.path().to_path_buf(), target: scratch.path().join("target") };
    let script = scratch.path().join("tests/peers/actionlint.mjs");
    fs::create_dir_all(script.parent().unwrap()).unwrap();
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers/actionlint.mjs"), script).unwrap();
    let check = CHECKS.iter().find(|check| check.peer == peer).unwrap();
    Some(
        check.run(
            &Checker { workspace: &workspace, program: &program },
            &files.iter().map(|(path, _)| (*path).to_owned()).collect::<Vec<_>>(),
        ),
    )
}

fn finds(peer: &str, path: &str, good: &str, bad: (&str, &str)) {
    let (from, to) = bad;
    assert!(good.contains(from));
    if let Some(good_verdict) = verdict(peer, path, good) {
        good_verdict.unwrap();
        assert!(verdict(peer, path, &good.replace(from, to)).unwrap().is_err(), "`{to}` is not found");
    }
}

fn ours(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

#[test]
fn a_unit_with_an_unknown_key_or_less_hardening_is_red() {
    let unit = ours("deploy/systemd/argentum.service");
    finds("SYSTEMD_ANALYZE", "a.service", &unit, ("OOMPolicy=", "OomPolicy="));
    finds("SYSTEMD_ANALYZE", "b.service", &unit, ("CapabilityBoundingSet=\n", "\n"));
}

#[test]
fn an_image_whose_base_floats_is_red() {
    finds("HADOLINT", "Dockerfile", &ours("deploy/docker/Dockerfile"), ("debian:bookworm-slim", "debian:latest"));
}

#[test]
fn a_manifest_with_an_unknown_key_is_red() {
    finds("KUBERNETES_VALIDATE", "k8s/a.yaml", &ours("k8s/base/stateful-set.yaml"), ("periodSeconds: 20", "periodSecond: 20"));
}

#[test]
fn yaml_with_a_key_twice_is_red() {
    finds("YAMLLINT", "a.yml", "a: 1\nb: 2\n", ("b:", "a:"));
}

#[test]
fn a_description_of_http_with_a_dead_reference_or_without_its_answers_is_red() {
    let document = ours("docs/reference/openapi.yaml");
    finds("OPENAPI_SPEC_VALIDATOR", "docs/openapi.yaml", &document, ("#/components/responses/Foreign", "#/components/responses/Foreigner"));
    finds("OPENAPI_SPEC_VALIDATOR", "docs/openapi.yaml", &document, ("in: path", "in: paths"));
}

#[test]
fn an_unquoted_word_in_a_script_is_red() {
    finds("SHELLCHECK", "a.sh", "#!/bin/sh\nrm \"$1\"\n", ("\"$1\"", "$1"));
}

#[test]
fn a_workflow_with_an_unknown_key_is_red() {
    finds("ACTIONLINT", ".github/workflows/ci.yml", &ours(".github/workflows/ci.yml"), ("timeout-minutes", "timeout-minute"));
}

#[test]
fn a_workflow_that_pastes_a_title_into_its_script_is_red() {
    let workflow = ours(".github/workflows/ci.yml");
    finds("ZIZMOR", ".github/workflows/ci.yml", &workflow, ("bash .ci/run", "echo ${{ github.event.pull_request.title }}"));
}

#[test]
fn a_rule_that_is_wrong_or_an_alert_that_nobody_saw_firing_is_red() {
    let paths =
        ["prometheus.yml", "rules/recording.yml", "rules/alerts.yml", "tests/alerts.yml"].map(|name| format!("deploy/prometheus/{name}"));
    let texts = paths.each_ref().map(|path| ours(path));
    let verdict_with = |from: &str, to: &str| {
        let texts = texts.each_ref().map(|text| text.replace(from, to));
        assert!(from == to || texts.iter().any(|text| text.contains(to)), "nothing was replaced by `{to}`");
        let files: Vec<(&str, &str)> = paths.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
        verdict_of("PROMTOOL", &files)
    };
    let Some(as_it_is) = verdict_with("", "") else { return };
    as_it_is.unwrap();
    let faults = [
        ("scrape_configs:", "scrape_config:"),
        ("histogram_quantile(0.99,", "histogram_quantil(0.99,"),
        ("argentum_service_ready == 0", "argentum_service_ready == 2"),
        ("outcome=\"refused\"} > 0", "outcome=\"refusd\"} > 0"),
        ("- alert: ArgentumDown", "- alert: ArgentumIsDown"),
        ("        alertname: ArgentumModelSlow", "        alertname: ArgentumDown"),
    ];
    for (from, to) in faults {
        assert!(verdict_with(from, to).unwrap().is_err(), "`{to}` is not found");
    }
}

#[test]
fn a_check_without_files_is_red() {
    let workspace = Workspace { root: "nowhere".into(), target: "nowhere".into() };
    assert!(CHECKS[0].run(&Checker { workspace: &workspace, program: "true" }, &["README.md".to_owned()]).is_err());
}
