//! What another user of the same machine cannot do.

use std::{
    fs,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    bundle::{Bundle, until},
    page::{Page, ulid},
};

/// `nobody`.
const NOBODY: u32 = 65_534;
/// `OperatorRequest { get_status }` with its length in front.
const GET_STATUS: &str = "020a00";

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_data_directory_and_its_socket_are_for_their_owner_alone() {
    let bundle = Bundle::start();
    let page = Page::log_in(&bundle);
    let conversation = ulid();
    page.send(&conversation, &ulid(), "hello");
    page.finished(&conversation, 1);
    let socket = bundle.data_dir().join("control.sock");
    assert!(fs::symlink_metadata(&socket).unwrap().file_type().is_socket());
    assert_eq!((mode(&bundle.data_dir()), mode(&socket)), (0o700, 0o600));
}

/// Even where somebody has opened directory and socket to all: the socket asks who is there.
#[test]
fn another_user_is_told_nothing_by_the_control_socket() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("NOT RUN: only root can be another user");
        return;
    }
    let bundle = Bundle::start();
    let data_dir = bundle.data_dir();
    let socket = data_dir.join("control.sock");
    for (path, mode) in [(data_dir.parent().unwrap(), 0o755), (&data_dir, 0o755), (&socket, 0o666)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    // What any user can run anywhere, with a connection of its own making.
    let script = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.settimeout(20)\n\
                  try: s.sendall(bytes.fromhex(sys.argv[2])); print('answer', len(s.recv(4096)))\n\
                  except (BrokenPipeError, ConnectionResetError): print('answer 0')";
    let asked = |user: Option<u32>| {
        let mut python = Command::new("/usr/bin/python3");
        python.args(["-c", script]).arg(&socket).arg(GET_STATUS).env_clear().stdin(Stdio::null()).current_dir("/");
        if let Some(user) = user {
            python.uid(user).gid(user);
        }
        let output = python.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(asked(Some(NOBODY)), "answer 0\n");
    until("a line in the log", || bundle.log().contains("somebody who may not tried to use the control socket").then_some(()));
    assert_ne!(asked(None), "answer 0\n", "the owner is answered all the same");
}
