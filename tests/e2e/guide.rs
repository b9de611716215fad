//! The guide tells what there is: its commands exist with their options, it leaves out no verb, and its backup can be restored.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

use argentum_testkit::vendor::{Answer, FakeVendor};
use tempfile::TempDir;

use crate::{
    bundle::{Bundle, argentum, root},
    page::{Page, ulid},
    provider::with_vendor,
};

/// The pages that tell people what to type.
fn pages() -> Vec<(PathBuf, String)> {
    let folders = ["docs/guide", "deploy/systemd", "deploy/docker", "deploy/compose", "deploy/prometheus", "k8s", "."];
    let files = folders.iter().flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let pages = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The words behind `argentum` in each line of the fenced blocks of shell.
fn commands(page: &str) -> Vec<Vec<String>> {
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).filter_map(command).collect()
}

fn command(line: &str) -> Option<Vec<String>> {
    let line = line.split(" #").next().unwrap_or_default();
    // Of `kubectl -n argentum exec argentum-0 -- argentum …` what is behind the dashes.
    let line = if line.starts_with("kubectl") { line.split_once(" -- ")?.1 } else { line };
    let is_about_something_else = ["docker build", "systemctl", "install"].iter().any(|other| line.contains(other));
    // `sudo argentum …`, `docker compose exec argentum argentum …`, `docker run … argentum:0.1.0 …`
    let mut words = line.split_whitespace().skip_while(|word| *word != "argentum" && !word.starts_with("argentum:"));
    words.next()?;
    let words = words.skip_while(|word| *word == "argentum").take_while(|word| !["|", "<", ">", "&&", ";"].contains(word));
    let words: Vec<String> = words.map(|word| word.trim_matches(['\'', '"']).to_owned()).collect();
    (!is_about_something_else && !words.is_empty()).then_some(words)
}

/// Whether the program knows verb and options: an unknown one is told before the help that is asked for.
fn is_known(words: &[String]) -> bool {
    words[0] == "bus" || argentum().args(words).arg("--help").output().unwrap().status.success()
}

#[test]
fn every_command_that_the_pages_tell_exists_with_its_options() {
    let mut count = 0;
    for (path, page) in pages() {
        for words in commands(&page) {
            assert!(is_known(&words), "{}: there is no `argentum {}`", path.display(), words.join(" "));
            count += 1;
        }
    }
    assert!(count > 40, "{count} commands were found");
    for wrong in ["modell list", "model ls", "key create --forever x", "up --dir x"] {
        assert!(!is_known(&wrong.split(' ').map(str::to_owned).collect::<Vec<_>>()), "{wrong}");
    }
}

#[test]
fn the_guide_leaves_out_no_verb() {
    let help = String::from_utf8(argentum().arg("--help").output().unwrap().stdout).unwrap();
    let verbs = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap().lines();
    let verbs: BTreeSet<&str> = verbs.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help").collect();
    let guide = pages().into_iter().filter(|(path, _)| path.parent().is_some_and(|folder| folder.ends_with("docs/guide")));
    let pages: String = guide.map(|(_, page)| page).collect();
    let missing: Vec<&&str> = verbs.iter().filter(|verb| !pages.contains(&format!("argentum {verb}"))).collect();
    assert!(verbs.len() > 15 && missing.is_empty(), "not told: {missing:?}");
}

#[test]
fn a_backup_that_was_made_by_the_guide_can_be_restored_elsewhere() {
    let vendor = FakeVendor::start();
    let bundle = with_vendor(&vendor);
    let conversation = ulid();
    vendor.script([Answer::text(["Noted."]), Answer::text(["Blue."])]);
    let page = Page::log_in(&bundle);
    page.send(&conversation, &ulid(), "my colour is blue");
    page.finished(&conversation, 1);
    assert!(bundle.verb(&["stop"]).status.success());
    let (_, original) = bundle.wait();
    let copy = TempDir::new().unwrap();
    for folder in ["data", "config"] {
        let copied = Command::new("cp").arg("-a").arg(original.path().join(folder)).arg(copy.path()).status().unwrap();
        assert!(copied.success());
    }
    drop(original);
    let restored = Bundle::start_in(copy);
    // The sealed key of the vendor opens, too, or there would be no answer.
    let page = Page::log_in(&restored);
    page.send(&conversation, &ulid(), "which colour is mine?");
    let turns = page.finished(&conversation, 2);
    assert_eq!((&turns[0]["answer"], &turns[1]["answer"]), (&"Noted.".into(), &"Blue.".into()), "{turns:?}");
    assert!(vendor.requests().last().unwrap().header("authorization").is_some());
}
