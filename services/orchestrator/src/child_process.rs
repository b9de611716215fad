//! One running child: its socket, its log, its end.

use std::{
    io,
    os::fd::OwnedFd,
    process::{Child, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use argentum_bus::Credential;
use argentum_proto::control::v1::{FromChild, LogLine, ReadMetrics, ToChild, from_child, to_child};
use argentum_service::{Exit, Failure, frames::Frames, logging};
use futures::{SinkExt, StreamExt};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    net::unix::pipe,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::codec::Framed;
use tracing::warn;

use crate::{lifecycle::Input, log_ring::LogRing, spawner::Spawned};

/// Longest line of a child's log that is kept whole.
const LINE_BYTES_MAX: u64 = 16 * 1024;
/// How long a dead child's last words may take to arrive.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Messages to a child that may wait.
const OUTGOING_CAPACITY: usize = 8;

/// A running child, as the orchestrator holds it. Dropping it ends the conversation and closes the socket, which ends the child.
#[derive(Debug)]
pub(crate) struct ChildProcess {
    pub(crate) pid: u32,
    /// Names the process even after its end, so that a kill never hits another one that got the same id.
    handle: OwnedFd,
    outgoing: mpsc::Sender<ToChild>,
    metrics: Askers,
}

/// Who waits for the metrics of a child.
#[derive(Clone, Debug, Default)]
struct Askers(Arc<Mutex<Vec<oneshot::Sender<String>>>>);

// === impl ChildProcess ===

impl ChildProcess {
    /// Takes charge of a new process; what happens to it arrives as `inputs`.
    pub(crate) fn adopt(service: Credential, spawned: Spawned, inputs: mpsc::Sender<Input>, log: LogRing) -> io::Result<Self> {
        let Spawned { mut child, socket } = spawned;
        let pid = child.id();
        socket.set_nonblocking(true)?;
        let socket = tokio::net::UnixStream::from_std(socket)?;
        let stderr = child.stderr.take().map(OwnedFd::from).ok_or_else(|| io::Error::other("child has no standard error"))?;
        let stderr = pipe::Receiver::from_owned_fd(stderr)?;
        let log_reader = tokio::spawn(copy_log(service, stderr, log));
        let handle = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
        let metrics = Askers::default();
        let (outgoing, messages) = mpsc::channel(OUTGOING_CAPACITY);
        let conversation = tokio::spawn(converse(service, socket, messages, inputs.clone(), metrics.clone()));
        tokio::spawn(reap(service, wait(child)?, [log_reader, conversation], inputs));
        Ok(Self { pid, handle, outgoing, metrics })
    }

    /// Sends a message; one that finds the queue full is for a child that reads nothing, which its deadline will end.
    pub(crate) fn send(&self, message: to_child::Message) {
        if self.outgoing.try_send(ToChild { message: Some(message) }).is_err() {
            warn!(pid = self.pid, "child does not read");
        }
    }

    /// What the child counted so far; fails where it ends before it tells.
    pub(crate) fn read_metrics(&self) -> oneshot::Receiver<String> {
        let (asker, answer) = oneshot::channel();
        self.metrics.lock().push(asker);
        self.send(to_child::Message::ReadMetrics(ReadMetrics {}));
        answer
    }

    pub(crate) fn kill(&self) {
        if let Err(error) = pidfd_send_signal(&self.handle, Signal::KILL) {
            warn!(pid = self.pid, %error, "kill failed");
        }
    }
}

// === impl Askers ===

impl Askers {
    fn answer(&self, text: &str) {
        for asker in self.lock().drain(..) {
            // Who does not wait any more needs no answer.
            let _ = asker.send(text.to_owned());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<oneshot::Sender<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Speaks with a child until it hangs up.
async fn converse(
    service: Credential,
    socket: tokio::net::UnixStream,
    mut messages: mpsc::Receiver<ToChild>,
    inputs: mpsc::Sender<Input>,
    metrics: Askers,
) {
    let (mut sink, mut incoming) = Framed::new(socket, Frames::<FromChild, ToChild>::default()).split();
    loop {
        tokio::select! {
            message = incoming.next() => match message {
                Some(Ok(FromChild { message: Some(message) })) => {
                    if let from_child::Message::Metrics(told) = &message { metrics.answer(&told.text) }
                    let Some(message) = input_of(service, message) else { continue };
                    if inputs.send(message).await.is_err() { return }
                }
                Some(Ok(FromChild { message: None })) => warn!(%service, "unknown message from a child"),
                // Its end follows, or it is killed for silence.
                Some(Err(_)) | None => return,
            },
            message = messages.recv() => match message {
                Some(message) => { if sink.send(message).await.is_err() { return } }
                None => return,
            },
        }
    }
}

/// What it means for the lifecycle, if anything.
fn input_of(service: Credential, message: from_child::Message) -> Option<Input> {
    Some(match message {
        from_child::Message::Ready(_) => Input::Ready { service },
        from_child::Message::Quiesced(_) => Input::Quiesced { service },
        from_child::Message::Health(health) => Input::Health { service, codes: health.codes },
        from_child::Message::Failed(failed) => {
            Input::Failed { service, failure: Failure::new(Exit::from_code(failed.exit_code), failed.text) }
        }
        from_child::Message::Metrics(_) => return None,
    })
}

/// Reaps a process on a thread of its own: a wait cannot be asked for in any other way without unsafe code.
fn wait(mut child: Child) -> io::Result<oneshot::Receiver<io::Result<ExitStatus>>> {
    let (sender, end) = oneshot::channel();
    thread::Builder::new().name("argentum-wait".to_owned()).stack_size(64 * 1024).spawn(move || {
        // Nobody listens any more where the whole bundle is ending.
        let _ = sender.send(child.wait());
    })?;
    Ok(end)
}

/// Tells the end of a process once it is reaped and its last words are in the log.
async fn reap(
    service: Credential,
    end: oneshot::Receiver<io::Result<ExitStatus>>,
    last_words: [JoinHandle<()>; 2],
    inputs: mpsc::Sender<Input>,
) {
    let status = end.await.unwrap_or_else(|_| Err(io::Error::other("the waiting thread failed")));
    // Pipe and socket end with the process; what it said last is heard before its end is told.
    let _ = timeout(LAST_WORDS, futures::future::join_all(last_words)).await;
    let exit = status.as_ref().ok().and_then(ExitStatus::code).and_then(Exit::known);
    let text = status.map_or_else(|error| error.to_string(), describe);
    // The receiver ends with the bundle.
    let _ = inputs.send(Input::Exited { service, exit, text }).await;
}

fn describe(status: ExitStatus) -> String {
    status.to_string().replace("signal: ", "killed by signal ").replace("exit status: ", "ended with code ")
}

/// Copies a child's standard error to ours, prefixed, and to the ring. A line that is too long is cut into several.
async fn copy_log(service: Credential, stderr: impl AsyncRead + Unpin, log: LogRing) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                logging::line(&format!("{service}: {text}"));
                log.push(LogLine { service: service.token().to_owned(), text });
            }
        }
    }
}
