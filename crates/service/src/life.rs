//! The conversation between a running child and its orchestrator.

use std::{os::unix::net::UnixStream, process, time::Duration};

use argentum_proto::control::v1::{FromChild, MetricsText, Quiesced, ToChild, from_child, to_child};
use futures::{SinkExt, StreamExt};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    time::timeout,
};
use tokio_util::{codec::Framed, sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use crate::{
    exit::{Exit, Failure},
    frames::Frames,
    telemetry::Metrics,
};

/// How long a child that was told to end by a signal, not by its orchestrator, lets its work finish.
const SIGNAL_DRAIN: Duration = Duration::from_secs(20);

/// What the life of a process waits for.
pub(crate) struct Life {
    pub(crate) quiescing: CancellationToken,
    pub(crate) work: TaskTracker,
    /// Messages of the process itself.
    pub(crate) outgoing: mpsc::Receiver<FromChild>,
    pub(crate) gave_up: mpsc::Receiver<&'static str>,
    pub(crate) metrics: Metrics,
}

// === impl Life ===

impl Life {
    /// Runs until the process is to end orderly. End of file means that the orchestrator is gone: then the process ends at once.
    ///
    /// Runs on a worker thread, so that a blocked actor cannot hold it up.
    pub(crate) async fn run(mut self, socket: UnixStream) -> Result<(), Failure> {
        let io = |error: std::io::Error| Failure::of(Exit::Io, &error);
        socket.set_nonblocking(true).map_err(io)?;
        let stream = tokio::net::UnixStream::from_std(socket).map_err(io)?;
        let (mut sink, mut incoming) = Framed::new(stream, Frames::<ToChild, FromChild>::default()).split();
        let mut terminate = signal(SignalKind::terminate()).map_err(io)?;
        let (quiesced, mut is_quiesced) = mpsc::channel(1);
        loop {
            tokio::select! {
                message = incoming.next() => match message {
                    Some(Ok(ToChild { message: Some(to_child::Message::Quiesce(quiesce)) })) => {
                        let deadline = Duration::from_millis(quiesce.deadline_ms.into());
                        tokio::spawn(quiesce_within(deadline, self.quiescing.clone(), self.work.clone(), quiesced.clone()));
                    }
                    Some(Ok(ToChild { message: Some(to_child::Message::Stop(_)) })) => return Ok(()),
                    Some(Ok(ToChild { message: Some(to_child::Message::ReadMetrics(_)) })) => {
                        let told = FromChild { message: Some(from_child::Message::Metrics(MetricsText { text: self.metrics.text() })) };
                        if sink.send(told).await.is_err() { orphaned() }
                    }
                    Some(Ok(_)) => warn!("unknown message from the orchestrator"),
                    Some(Err(_)) | None => orphaned(),
                },
                Some(()) = is_quiesced.recv() => {
                    let told = sink.send(FromChild { message: Some(from_child::Message::Quiesced(Quiesced {})) }).await;
                    if told.is_err() { orphaned() }
                }
                Some(message) = self.outgoing.recv() => {
                    if sink.send(message).await.is_err() { orphaned() }
                }
                Some(actor) = self.gave_up.recv() => {
                    return Err(Failure::new(Exit::Software, format!("actor `{actor}` cannot be kept alive")));
                }
                _ = terminate.recv() => {
                    info!("told to end by a signal");
                    quiesce_within(SIGNAL_DRAIN, self.quiescing.clone(), self.work.clone(), quiesced.clone()).await;
                    return Ok(());
                }
            }
        }
    }
}

/// Lets what is under way finish, at most until the deadline; what is left then is in the stores.
async fn quiesce_within(deadline: Duration, quiescing: CancellationToken, work: TaskTracker, quiesced: mpsc::Sender<()>) {
    quiescing.cancel();
    work.close();
    if timeout(deadline, work.wait()).await.is_err() {
        warn!(left = work.len(), "work still under way at the end of the drain");
    }
    // Full means that it was told already.
    let _ = quiesced.try_send(());
}

/// The orchestrator is gone. Everything that was acknowledged is on disk, so nothing is left to do, and whatever is started next must
/// not find two of us.
fn orphaned() -> ! {
    process::exit(Exit::TryAgain.code().into())
}
