//! Tells the service manager how the bundle is, by the datagrams of sd_notify(3).
//!
//! Where nobody set `NOTIFY_SOCKET`, nothing is told. A child never sees the variable: it is started with an empty environment.

use std::{
    env,
    ffi::OsStr,
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    sync::atomic::{AtomicBool, Ordering},
};

use argentum_proto::control::v1::{BundleState, GetStatusResponse, ServiceState};
use tracing::warn;

/// The variable by which a service manager names its socket: a path, or an abstract name behind an `@`.
const VARIABLE: &str = "NOTIFY_SOCKET";

/// The service manager's socket, where there is one.
#[derive(Debug, Default)]
pub(crate) struct Notifier {
    socket: Option<UnixDatagram>,
    /// `READY=1` was told; it is told once.
    was_ready: AtomicBool,
    /// `STOPPING=1` was told; it is told once.
    was_stopping: AtomicBool,
}

// === impl Notifier ===

impl Notifier {
    /// The one of the environment. A name that leads nowhere is said and then ignored: the bundle serves all the same.
    pub(crate) fn from_environment() -> Self {
        let Some(name) = env::var_os(VARIABLE).filter(|name| !name.is_empty()) else { return Self::default() };
        match connect(&name) {
            Ok(socket) => Self { socket: Some(socket), ..Self::default() },
            Err(error) => {
                warn!(%error, name = %name.display(), "the service manager's socket cannot be used; nothing is told to it");
                Self::default()
            }
        }
    }

    /// Tells what `status` changes for the service manager.
    pub(crate) fn tell(&self, status: &GetStatusResponse) {
        let Some(socket) = &self.socket else { return };
        // A full queue is the manager's: it learns the next change, and must not hold up the bundle.
        if let Err(error) = socket.send(self.message(status).as_bytes()) {
            warn!(%error, "the service manager was not told");
        }
    }

    fn message(&self, status: &GetStatusResponse) -> String {
        let mut message = format!("STATUS={}", summary(status));
        let state = status.state();
        if state == BundleState::Ready && !self.was_ready.swap(true, Ordering::Relaxed) {
            message.push_str("\nREADY=1");
        }
        if matches!(state, BundleState::Draining | BundleState::Failed) && !self.was_stopping.swap(true, Ordering::Relaxed) {
            message.push_str("\nSTOPPING=1");
        }
        message
    }
}

fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// One line: the state, how many services are ready, and the names of those that are not.
fn summary(status: &GetStatusResponse) -> String {
    let state = status.state().as_str_name().trim_start_matches("BUNDLE_STATE_").to_ascii_lowercase();
    let (ready, others): (Vec<_>, Vec<_>) = status.services.iter().partition(|service| service.state() == ServiceState::Ready);
    let names = others.iter().map(|service| service.name.as_str()).collect::<Vec<_>>().join(", ");
    let others = if names.is_empty() { String::new() } else { format!("; not ready: {names}") };
    format!("{state}: {} of {} services ready{others}", ready.len(), status.services.len())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use argentum_proto::control::v1::ServiceStatus;

    use super::*;

    fn status(state: BundleState) -> GetStatusResponse {
        let service = |name: &str, state: ServiceState| ServiceStatus { name: name.to_owned(), state: state.into(), ..Default::default() };
        let services = vec![service("channel-gateway", ServiceState::Ready), service("provider-router", ServiceState::Backoff)];
        GetStatusResponse { state: state.into(), services, ..Default::default() }
    }

    #[test]
    fn ready_and_stopping_are_each_told_once() {
        let notifier = Notifier::default();
        let states = [
            BundleState::Starting,
            BundleState::Ready,
            BundleState::Degraded,
            BundleState::Ready,
            BundleState::Draining,
            BundleState::Draining,
        ];
        let told = states.map(|state| notifier.message(&status(state)));
        let with = |line: &str| told.iter().map(|message| message.lines().any(|told| told == line)).collect::<Vec<_>>();
        assert_eq!(with("READY=1"), [false, true, false, false, false, false]);
        assert_eq!(with("STOPPING=1"), [false, false, false, false, true, false]);
    }

    #[test]
    fn the_status_names_who_is_not_ready() {
        let told = Notifier::default().message(&status(BundleState::Degraded));
        assert_eq!(told, "STATUS=degraded: 1 of 2 services ready; not ready: provider-router");
    }

    #[test]
    fn an_abstract_socket_is_reached() {
        let name = format!("argentum-notify-{}", std::process::id());
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        manager.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let socket = connect(OsStr::new(&format!("@{name}"))).unwrap();
        Notifier { socket: Some(socket), ..Default::default() }.tell(&status(BundleState::Ready));
        let mut buffer = [0; 256];
        let length = manager.recv(&mut buffer).unwrap();
        assert!(buffer[..length].ends_with(b"READY=1"));
    }

    #[test]
    fn a_socket_that_is_not_there_is_an_error() {
        assert!(connect(OsStr::new("/nonexistent/notify")).is_err());
    }
}
