//! What cannot work is refused at the start, with the place, the remedy and a documented exit code; data stays as it was.

use std::{fs, net::TcpListener, process::Output};

use tempfile::TempDir;

use crate::bundle::{argentum, run};

fn up(folder: &TempDir, more: &[&str]) -> Output {
    run(&folder.path().join("data"), &[&["up"], more].concat())
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_broken_configuration_tells_every_fault_with_its_line() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("argentum.toml");
    fs::write(&config, "[http]\nlisten = 7\n[bus]\nlisten = '127.0.0.1:0'\nlissten = 1\n[vualt]\n").unwrap();
    let output = up(&folder, &["--config", config.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(78));
    for place in ["line 2: `http.listen`", "line 5: `bus.lissten`", "line 6: `vualt`"] {
        assert!(told(&output).contains(place), "{place} is missing in {}", told(&output));
    }
    assert!(!folder.path().join("data").exists(), "nothing may be started");
}

#[test]
fn a_named_configuration_that_is_missing_is_no_empty_one() {
    let folder = TempDir::new().unwrap();
    let output = up(&folder, &["--config", "/nonexistent/argentum.toml"]);
    assert_eq!(output.status.code(), Some(78));
}

#[test]
fn a_taken_port_names_the_key_that_changes_it() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let folder = TempDir::new().unwrap();
    let http = up(&folder, &["--listen", &address, "--bus-listen", "127.0.0.1:0"]);
    assert_eq!(http.status.code(), Some(69));
    assert!(told(&http).contains("`http.listen`") && told(&http).contains(&address), "{}", told(&http));
    let bus = up(&folder, &["--listen", "127.0.0.1:0", "--bus-listen", &address]);
    assert_eq!(bus.status.code(), Some(69));
    assert!(told(&bus).contains("`bus.listen`"), "{}", told(&bus));
}

#[test]
fn a_folder_of_somebody_else_is_refused() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/thesis.txt"), "years of work").unwrap();
    let output = up(&folder, &["--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(told(&output).contains("choose an empty folder"), "{}", told(&output));
}

#[test]
fn a_verb_without_a_bundle_says_how_to_start_one() {
    let folder = TempDir::new().unwrap();
    for verb in ["status", "stop"] {
        let output = run(folder.path(), &[verb]);
        assert_eq!(output.status.code(), Some(69));
        assert!(told(&output).contains("argentum up"), "{}", told(&output));
    }
}

#[test]
fn a_service_started_by_hand_opens_nothing() {
    let output = argentum().args(["service", "provider-router"]).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(told(&output).contains("argentum up"), "{}", told(&output));
}

#[test]
fn a_wrong_command_line_exits_with_64() {
    assert_eq!(argentum().arg("upp").output().unwrap().status.code(), Some(64));
}

#[test]
fn an_address_beyond_loopback_is_refused_wherever_it_is_set() {
    let folder = TempDir::new().unwrap();
    for (option, remedy) in [("--listen", "set `http.public_url`"), ("--bus-listen", "not offered yet")] {
        let output = up(&folder, &[option, "0.0.0.0:0"]);
        assert_eq!(output.status.code(), Some(78), "{option}: {output:?}");
        assert!(told(&output).contains("loopback") && told(&output).contains(remedy), "{}", told(&output));
    }
}

#[test]
fn a_public_url_that_browsers_cannot_use_is_refused() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("argentum.toml");
    for url in ["argentum.example", "https://argentum.example/chat", "https://user@argentum.example"] {
        fs::write(&config, format!("[http]\npublic_url = '{url}'\n")).unwrap();
        let output = up(&folder, &["--config", config.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(78), "{output:?}");
        assert!(told(&output).contains("line 2: `http.public_url`"), "{}", told(&output));
    }
}

#[test]
fn a_path_that_is_no_text_is_refused() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(OsStr::from_bytes(b"n\xff"));
    let output = run(&path, &["up", "--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(78), "{output:?}");
}

#[test]
fn a_folder_of_data_that_is_missing_is_named_and_an_empty_one_begins_anew() {
    let folder = crate::bundle::Bundle::start().kill();
    let journal = folder.path().join("data/journal");
    fs::rename(&journal, folder.path().join("elsewhere")).unwrap();
    let output = up(&folder, &["--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(74));
    assert!(told(&output).contains(journal.to_str().unwrap()) && told(&output).contains("backup"), "{}", told(&output));
    fs::create_dir(&journal).unwrap();
    crate::bundle::Bundle::start_in(folder).until_state("ready");
}
