//! One completion from its request to its settlement.

use std::{panic::AssertUnwindSafe, time::Duration};

use argentum_bus::{StreamReply, Unwanted};
use argentum_proto::{
    ids::CompletionId,
    provider::v1::{CompleteFrame, CompletionFailureClass},
};
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};
use ulid::Ulid;

use super::Backing;
use crate::{
    completion::{self, Completion},
    core::FailureClass,
    metrics::Operation,
    routing::Opened,
    vendors::{CallFailure, ChatRequest},
};

/// Longest completion: models that think may take their time.
const DEADLINE: Duration = Duration::from_secs(30 * 60);
/// What a drain leaves to completions: less than to turns, whose books they need to settle.
const DRAIN: Duration = Duration::from_secs(15);

/// What is noted while an answer comes: what it costs, and how long it takes.
type Noted<'a> = (&'a mut Completion, &'a mut Operation);
type Reply = StreamReply<CompleteFrame>;

/// What one completion needs.
pub(super) struct Streaming {
    backing: Backing,
    quiescing: CancellationToken,
}

/// Why a completion ends before its vendor does.
enum Stop {
    /// Nobody wants it any more.
    Unwanted(Unwanted),
    /// The caller is told why.
    Failed { code: &'static str, frame: CompleteFrame },
}

// === impl Streaming ===

impl Streaming {
    pub(super) fn new(backing: Backing, quiescing: CancellationToken) -> Self {
        Self { backing, quiescing }
    }

    /// Answers a request into `reply`.
    pub(super) async fn run(self, body: Bytes, mut reply: Reply) {
        if let Err(stop) = self.answer(body, &mut reply).await {
            match stop {
                Stop::Unwanted(unwanted) => debug!(?unwanted, "completion cancelled"),
                // Nobody is left to tell where this fails.
                Stop::Failed { frame, .. } => _ = reply.send(frame).await,
            }
        }
    }

    async fn answer(&self, body: Bytes, reply: &mut Reply) -> Result<(), Stop> {
        let request = completion::read(&body)?;
        let mut completion = Completion::new(&request.model, body.len());
        drop(body);
        let id = CompletionId::new(Ulid::new());
        let mut operation = Operation::begin();
        let held = self.backing.ledger.hold(id, completion.estimate(&request));
        let held = unless_unwanted(reply, held).await;
        let result = match held {
            Ok(true) => self.stream_within_limits(&request, (&mut completion, &mut operation), reply).await,
            Ok(false) => Err(Stop::unavailable("the router takes no new work now; ask again")),
            Err(stop) => Err(stop),
        };
        let settlement = completion.settlement();
        operation.ended(result.as_ref().map(|()| settlement.as_ref()).map_err(Stop::code));
        // Also where the hold was not waited for: it comes before this.
        self.backing.ledger.settle(id, settlement).await;
        result
    }

    /// Streams; whatever goes wrong in there, even a defect, comes back, so that it is settled.
    async fn stream_within_limits(&self, request: &ChatRequest, noted: Noted<'_>, reply: &mut Reply) -> Result<(), Stop> {
        let streaming = AssertUnwindSafe(self.stream(request, noted, reply)).catch_unwind();
        let drained = async {
            self.quiescing.cancelled().await;
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! {
            result = streaming => result.unwrap_or_else(|_| {
                error!("a completion failed by a defect");
                Err(Stop::unavailable("the router failed; ask again"))
            }),
            () = drained => Err(Stop::unavailable("the router is being restarted; ask again")),
            () = tokio::time::sleep(DEADLINE) => {
                Err(Stop::from(CallFailure::new(FailureClass::Deadline, false, "the answer took longer than 30 minutes")))
            }
        }
    }

    async fn stream(&self, request: &ChatRequest, (completion, operation): Noted<'_>, reply: &mut Reply) -> Result<(), Stop> {
        let opened = unless_unwanted(reply, self.backing.routing.open(&request.model, request)).await??;
        let Opened { provider, model, mut events } = opened;
        operation.taken(&provider, &model);
        completion.opened(provider, model);
        while let Some(event) = unless_unwanted(reply, events.next()).await? {
            let event = event.inspect_err(|_| completion.broke())?;
            operation.said();
            send_all(reply, completion.frames(event)).await?;
        }
        send_all(reply, completion.end()).await
    }
}

/// What `work` gives, unless nobody wants it any more. Dropped, it closes the vendor's connection.
async fn unless_unwanted<T>(reply: &mut Reply, work: impl Future<Output = T>) -> Result<T, Stop> {
    tokio::select! {
        unwanted = reply.unwanted() => Err(Stop::Unwanted(unwanted)),
        result = work => Ok(result),
    }
}

async fn send_all(reply: &mut Reply, frames: Vec<CompleteFrame>) -> Result<(), Stop> {
    for frame in frames {
        reply.send(frame).await.map_err(Stop::Unwanted)?;
    }
    Ok(())
}

// === impl Stop ===

impl Stop {
    fn code(&self) -> &'static str {
        match self {
            Self::Unwanted(_) => "cancelled",
            Self::Failed { code, .. } => code,
        }
    }

    fn unavailable(text: &str) -> Self {
        Self::Failed { code: "unavailable", frame: completion::fail(CompletionFailureClass::Unavailable, text, 1_000) }
    }
}

impl From<CallFailure> for Stop {
    fn from(failure: CallFailure) -> Self {
        info!(class = ?failure.class(), detail = failure.detail, "completion failed");
        Self::Failed { code: failure.class().code(), frame: completion::failed(&failure) }
    }
}
