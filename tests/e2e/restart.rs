//! A service that dies comes back; the others do not notice.

use rustix::process::Signal;

use crate::bundle::{Bundle, pid_of, signal, until};

#[test]
fn a_killed_service_is_started_again_and_counted() {
    for name in ["provider-router", "channel-gateway"] {
        let bundle = Bundle::start();
        let before = bundle.service(name);
        signal(pid_of(&before), Signal::KILL);
        let after =
            until("restart", || Some(bundle.service(name)).filter(|service| service["state"] == "ready" && service["restarts"] == 1));
        assert_ne!(pid_of(&after), pid_of(&before));
    }
}

#[test]
fn the_death_of_one_service_leaves_the_others_alone() {
    let bundle = Bundle::start();
    let gateway = bundle.service("channel-gateway");
    signal(pid_of(&bundle.service("provider-router")), Signal::KILL);
    until("restart", || (bundle.service("provider-router")["restarts"] == 1).then_some(()));
    bundle.until_state("ready");
    assert_eq!(bundle.service("channel-gateway")["pid"], gateway["pid"]);
}

#[test]
fn a_connection_made_while_the_gateway_is_down_is_answered_later() {
    let bundle = Bundle::start();
    let address = bundle.http();
    signal(pid_of(&bundle.service("channel-gateway")), Signal::KILL);
    // The orchestrator holds the listening socket, so nobody is refused.
    let response = crate::http::get(&address, "/");
    assert_eq!(response.status, 200, "{response:?}");
}

#[test]
fn an_unfinished_request_holds_up_no_restart() {
    use std::{
        io::Write,
        net::TcpStream,
        time::{Duration, Instant},
    };
    let bundle = Bundle::start();
    let mut stream = TcpStream::connect(bundle.http()).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
    let asked = Instant::now();
    assert!(bundle.verb(&["restart", "channel-gateway"]).status.success());
    until("restart", || Some(bundle.service("channel-gateway")).filter(|service| service["state"] == "ready" && service["restarts"] == 1));
    // Without a deadline of the server's own, the drain's 20 s would pass.
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}
