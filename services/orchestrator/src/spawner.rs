//! The one thread that starts processes.
//!
//! `PR_SET_PDEATHSIG` belongs to the *thread* that forked: a child started from a pool thread is killed when the pool retires that
//! thread. So all children come from one thread that ends only with the process.

use std::{
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{net::UnixStream, process::CommandExt},
    },
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
};

use argentum_proto::control::v1::Identity;
use argentum_service::handover;
use tokio::sync::oneshot;

/// What glibc's allocator is told (mallopt(3)): to keep one arena, not one for each thread, and to give back what is free. It halved
/// what is held after 10,000 messages, at the same speed. Other allocators ignore it.
const ALLOCATOR: [(&str, &str); 3] =
    [("MALLOC_ARENA_MAX", "1"), ("MALLOC_MMAP_THRESHOLD_", "131072"), ("MALLOC_TRIM_THRESHOLD_", "131072")];

/// The running program, whatever has been installed in its place meanwhile: a bundle is of one version.
const PROGRAM: &str = "/proc/self/exe";

/// Requests that may wait.
const QUEUE_CAPACITY: usize = 8;

/// What a child is started with.
pub(crate) struct Order {
    pub(crate) identity: Identity,
    pub(crate) lock: OwnedFd,
    pub(crate) http_listener: Option<OwnedFd>,
}

/// A process that has just been started and has its identity.
#[derive(Debug)]
pub(crate) struct Spawned {
    pub(crate) child: Child,
    pub(crate) socket: UnixStream,
}

/// The thread, as seen by others.
#[derive(Clone, Debug)]
pub(crate) struct Spawner(mpsc::SyncSender<(Order, oneshot::Sender<io::Result<Spawned>>)>);

// === impl Spawner ===

impl Spawner {
    pub(crate) fn start() -> io::Result<Self> {
        let (sender, orders) = mpsc::sync_channel::<(Order, oneshot::Sender<io::Result<Spawned>>)>(QUEUE_CAPACITY);
        thread::Builder::new().name("argentum-spawn".to_owned()).stack_size(128 * 1024).spawn(move || {
            for (order, reply) in orders {
                // Whoever asked may be gone with the whole process.
                let _ = reply.send(spawn(order));
            }
        })?;
        Ok(Self(sender))
    }

    /// Starts a process and hands it its identity.
    pub(crate) async fn spawn(&self, order: Order) -> io::Result<Spawned> {
        let (sender, reply) = oneshot::channel();
        self.0.try_send((order, sender)).map_err(io::Error::other)?;
        reply.await.map_err(io::Error::other)?
    }
}

fn spawn(order: Order) -> io::Result<Spawned> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new(PROGRAM);
    command.arg0("argentum").args(["service", &order.identity.service]);
    // A child needs nothing of our environment, so nothing in it can leak.
    command.env_clear().envs(ALLOCATOR);
    if let Some(backtrace) = std::env::var_os("RUST_BACKTRACE") {
        command.env("RUST_BACKTRACE", backtrace);
    }
    command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    let child = command.spawn()?;
    // `command` still holds the child's end of the socket: without this, its death would never be the end of file.
    drop(command);
    let lock = order.lock.as_fd();
    handover::send(&ours, order.identity, lock, order.http_listener.as_ref().map(AsFd::as_fd))?;
    Ok(Spawned { child, socket: ours })
}
