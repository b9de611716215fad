//! `/v1/chat/completions`: an answer as it comes, or whole. A client that hangs up drops what is made here, and with it the frames:
//! that is what tells the router to close the vendor's connection.

use std::{convert::Infallible, time::Duration};

use argentum_bus::{Account, Frames};
use argentum_proto::provider::v1::{CompleteFrame, CompleteRequest, complete_frame::Content};
use argentum_service::unix_ms;
use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Request, State},
    http::header,
    response::{IntoResponse, Response},
};
use futures::stream;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, info_span};
use ulid::Ulid;

use super::{
    super::Shared,
    answer::{Chunks, Heading, Step, Whole},
    body,
    error::ApiFault,
    question::Question,
};

/// How often a client that waits is told that somebody is there.
const COMMENT_INTERVAL: Duration = Duration::from_secs(15);
const COMMENT: &[u8] = b": keep-alive\n\n";
const DONE: &[u8] = b"data: [DONE]\n\n";

/// An answer on its way to a client that wants it as it comes.
struct Events {
    /// Gone once the last event was made.
    frames: Option<Frames<CompleteFrame>>,
    /// What came before the head was sent.
    first: Option<Content>,
    chunks: Chunks,
    comment_at: Instant,
}

/// Answers a question.
pub(super) async fn complete(State(shared): State<Shared>, request: Request) -> Result<Response, ApiFault> {
    let body = body::read(request.into_body()).await?;
    let question = Question::read(&body)?;
    let account = shared.completions.gateway().clone();
    let (account, asked) = (Account(account), CompleteRequest { body });
    let span = info_span!("receive", otel.name = "receive /v1/chat/completions", otel.kind = "server");
    let frames = shared.completions.request_stream(&account, &asked).instrument(span).await?;
    let heading = Heading { id: format!("chatcmpl-{}", Ulid::new()), created: unix_ms() / 1000, model: String::new() };
    if question.is_streamed {
        events(frames, Chunks::new(heading, question)).await
    } else {
        whole(frames, Whole::new(heading)).await.map(|answer| Json(answer).into_response())
    }
}

/// The next frame that says something; a failure is an error.
async fn next(frames: &mut Frames<CompleteFrame>) -> Result<Content, ApiFault> {
    loop {
        let Some(frame) = frames.next().await else { return Err(ApiFault::broken_off()) };
        match frame?.content {
            None | Some(Content::Waiting(_)) => {}
            Some(Content::Failed(failed)) => return Err(failed.into()),
            Some(content) => return Ok(content),
        }
    }
}

async fn whole(mut frames: Frames<CompleteFrame>, mut whole: Whole) -> Result<Value, ApiFault> {
    loop {
        match next(&mut frames).await? {
            Content::Ended(_) => return Ok(whole.finish()),
            content => whole.add(content),
        }
    }
}

/// A failure before anything came has a status of its own; but a client that waits long gets its head, so that nobody on the way takes
/// the connection for dead.
async fn events(mut frames: Frames<CompleteFrame>, chunks: Chunks) -> Result<Response, ApiFault> {
    let comment_at = Instant::now() + COMMENT_INTERVAL;
    let first = timeout_at(comment_at, next(&mut frames)).await.ok().transpose()?;
    let events = Events { frames: Some(frames), first, chunks, comment_at };
    let body = Body::from_stream(stream::unfold(events, async |mut events| {
        let bytes = events.next().await?;
        Some((Ok::<_, Infallible>(bytes), events))
    }));
    let headers = [(header::CONTENT_TYPE, "text/event-stream; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    // Proxies that gather answers before they pass them on are asked not to.
    Ok((headers, [("x-accel-buffering", "no")], body).into_response())
}

// === impl Events ===

impl Events {
    /// The next bytes of the stream; `None` at its end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let content = match self.first.take() {
                Some(content) => Ok(content),
                None => match timeout_at(self.comment_at, next(self.frames.as_mut()?)).await {
                    Ok(content) => content,
                    Err(_) => return Some(self.told(Bytes::from_static(COMMENT))),
                },
            };
            match content.map(|content| self.chunks.step(content)) {
                Ok(Step::Nothing) => {}
                Ok(Step::Chunk(chunk)) => return Some(self.told(event(&chunk))),
                Ok(Step::Done) => {
                    self.frames = None;
                    return Some(Bytes::from_static(DONE));
                }
                Err(fault) => {
                    self.frames = None;
                    return Some(event(&fault.body()));
                }
            }
        }
    }

    fn told(&mut self, bytes: Bytes) -> Bytes {
        self.comment_at = Instant::now() + COMMENT_INTERVAL;
        bytes
    }
}

fn event(data: &Value) -> Bytes {
    format!("data: {data}\n\n").into()
}
