//! A disk that fills up: what cannot be kept is refused, and nothing that was kept is lost.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::bundle::{Bundle, pid_of, signal, until, up_command};

/// More than a bundle needs, and soon full.
const DISK: &str = "size=96m";
/// So that the first thing that a small disk lacks is room for it.
const SECRET_BYTES: usize = 60_000;

/// A bundle on a small disk of its own.
struct Small {
    bundle: Bundle,
    /// The disk, as it is seen from outside.
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Small {
    /// `None` where this machine lets nobody mount a disk.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut inner = up_command(folder.path());
        inner.args(["--listen", "127.0.0.1:0"]);
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", "mount -t tmpfs -o \"$0\" tmpfs \"$1\" && shift && echo mounted && exec \"$@\"", DISK]);
        command.arg(folder.path()).arg(inner.get_program()).args(inner.get_args()).stdin(Stdio::null());
        command.env("XDG_CONFIG_HOME", folder.path().join("config"));
        let log = File::create(folder.path().join("up.log")).unwrap();
        let mut up = command.stdout(Stdio::piped()).stderr(log).spawn().ok()?;
        let mut word = [0; 8];
        if up.stdout.as_mut().unwrap().read_exact(&mut word).is_err() {
            eprintln!("NOT RUN: a full disk (this machine lets nobody mount one)");
            up.wait().unwrap();
            return None;
        }
        let path = Path::new("/proc").join(up.id().to_string()).join("root").join(folder.path().strip_prefix("/").unwrap());
        let bundle = Bundle::adopt(&path, up);
        bundle.until_state("ready");
        Some(Self { bundle, path, _folder: folder })
    }

    fn fill(&self) {
        let mut filler = File::create(self.path.join("filler")).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
    }

    fn empty(&self) {
        fs::remove_file(self.path.join("filler")).unwrap();
    }

    fn put(&self, name: &str, bytes: usize) -> bool {
        self.bundle.verb_with(&["secret", "put", name], &"x".repeat(bytes)).status.success()
    }

    fn has(&self, name: &str) -> bool {
        let listed = self.bundle.verb(&["secret", "list"]);
        String::from_utf8_lossy(&listed.stdout).lines().any(|line| line.split_whitespace().next() == Some(name))
    }

    /// Puts secrets in until one is refused.
    fn put_until_refused(&self) {
        let mut number = 0;
        until("a refused secret", || {
            number += 1;
            (!self.put(&format!("provider/more-{number}"), SECRET_BYTES)).then_some(())
        });
    }
}

#[test]
fn a_vault_on_a_full_disk_takes_secrets_again_once_there_is_room() {
    let Some(small) = Small::start() else { return };
    assert!(small.put("provider/kept", 5));
    small.fill();
    small.put_until_refused();
    assert!(small.has("provider/kept"), "it still reads");
    small.empty();
    until("a secret that is taken", || small.put("provider/after", 5).then_some(()));
    assert!(small.has("provider/kept"));
}

#[test]
fn a_vault_that_dies_while_the_disk_is_full_comes_back_with_all_its_secrets() {
    let Some(small) = Small::start() else { return };
    assert!(small.put("provider/kept", 5));
    small.fill();
    small.put_until_refused();
    signal(pid_of(&small.bundle.service("vault")), rustix::process::Signal::KILL);
    until("a refused start", || {
        let vault = small.bundle.service("vault");
        vault["text"].as_str().is_some_and(|text| text.contains("make room")).then_some(())
    });
    small.empty();
    // Given up by then or not: this starts it.
    assert!(small.bundle.verb(&["restart", "vault"]).status.success());
    until("the vault", || small.has("provider/kept").then_some(()));
    assert!(small.put("provider/after", 5));
}
