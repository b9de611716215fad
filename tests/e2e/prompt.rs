//! A secret that is typed: shown to nobody, and given up without harm to the terminal.

use std::{
    fs::File,
    io::{Read, Write},
    os::{fd::OwnedFd, unix::process::ExitStatusExt},
    process::{Child, Stdio},
};

use rustix::{
    process::Signal,
    pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{LocalModes, tcgetattr},
};

use crate::bundle::{Bundle, argentum, until};

/// Somebody at a terminal who has been asked for a secret.
struct Typist {
    keyboard: File,
    terminal: OwnedFd,
    child: Child,
}

impl Typist {
    fn asked_by(bundle: &Bundle, verb: &[&str]) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let terminal = ioctl_tiocgptpeer(&keyboard, OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        let mut command = argentum();
        command.args(verb).arg("--data-dir").arg(bundle.data_dir());
        let child = command.stdin(terminal.try_clone().unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let typist = Self { keyboard: File::from(keyboard), terminal, child };
        until("a terminal that shows nothing", || (!typist.is_shown()).then_some(()));
        typist
    }

    /// Whether the terminal shows what is typed.
    fn is_shown(&self) -> bool {
        tcgetattr(&self.terminal).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }
}

#[test]
fn a_typed_secret_is_kept_and_not_shown() {
    let bundle = Bundle::start();
    let mut typist = Typist::asked_by(&bundle, &["secret", "put", "provider/acme"]);
    typist.types("open sesame\n");
    let status = until("the end of the verb", || typist.child.try_wait().unwrap());
    assert!(status.success());
    assert!(typist.is_shown(), "the terminal is as it was");
    let Typist { mut keyboard, terminal, .. } = typist;
    drop(terminal);
    let mut seen = Vec::new();
    // Linux ends the reading of a terminal that nobody has open any more by an error.
    let _ = keyboard.read_to_end(&mut seen);
    assert!(!String::from_utf8_lossy(&seen).contains("sesame"), "{seen:?}");
    assert!(String::from_utf8_lossy(&bundle.verb(&["secret", "list"]).stdout).contains("provider/acme"));
}

#[test]
fn ctrl_c_in_a_prompt_leaves_the_terminal_as_it_was() {
    let bundle = Bundle::start();
    let mut typist = Typist::asked_by(&bundle, &["provider", "add", "acme", "--base-url", "http://127.0.0.1:9/v1"]);
    typist.types("sk-half\x03");
    let status = until("the end of the verb", || typist.child.try_wait().unwrap());
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
    assert!(typist.is_shown());
    assert!(!bundle.data_dir().join("argentum.toml").exists(), "nothing was added");
    assert!(!String::from_utf8_lossy(&bundle.verb(&["secret", "list"]).stdout).contains("acme"));
}
