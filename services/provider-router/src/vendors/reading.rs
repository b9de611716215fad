//! From the bytes of a stream to the events of an answer, whatever the protocol.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use sse_stream::{Sse, SseByteStream};

use super::{CallFailure, ChatEvent, ChatStream};
use crate::core::FailureClass;

/// Largest event of a stream.
const EVENT_BYTES_MAX: usize = 1024 * 1024;
/// How long the end of the connection's answer is waited for once all was said, so that the connection can be used again.
const END_PATIENCE: Duration = Duration::from_millis(250);
/// How long counts are waited for once the answer is whole.
const COUNTS_PATIENCE: Duration = Duration::from_secs(5);

/// Reads the events of one protocol.
pub(super) trait Reader: Send + 'static {
    /// What the data of one server-sent event tells. An error is the end.
    fn read(&mut self, data: &str) -> Result<Vec<ChatEvent>, CallFailure>;

    /// Whether the answer is whole if the connection ends now.
    fn is_whole(&self) -> bool;

    /// Whether the vendor said that nothing follows.
    fn is_done(&self) -> bool;
}

/// A stream that is being read.
struct Reading<S, R> {
    events: S,
    reader: R,
    /// Bytes since the last whole event.
    unread: Arc<AtomicUsize>,
    read: VecDeque<ChatEvent>,
    is_over: bool,
}

/// The events in `bytes`, as `reader` understands them, ending with the first failure.
pub(super) fn events(bytes: impl Stream<Item = Result<Bytes, CallFailure>> + Send + 'static, reader: impl Reader) -> ChatStream {
    // A vendor that never ends an event would fill the memory.
    let unread = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&unread);
    let bounded = bytes.map(move |chunk| {
        let chunk = chunk?;
        if EVENT_BYTES_MAX < counted.fetch_add(chunk.len(), Ordering::Relaxed) + chunk.len() {
            return Err(CallFailure::new(FailureClass::Interrupted, false, "an event of the answer is larger than 1 MiB"));
        }
        Ok(chunk)
    });
    // Some servers leave out the empty line after their last event.
    let ended = bounded.chain(stream::once(async { Ok(Bytes::from_static(b"\n\n")) }));
    let events = SseByteStream::new(Box::pin(ended));
    let state = Reading { events, reader, unread, read: VecDeque::new(), is_over: false };
    stream::unfold(state, async |mut state| state.next().await.map(|item| (item, state))).boxed()
}

// === impl Reading ===

impl<S, R> Reading<S, R>
where
    S: Stream<Item = Result<Sse, sse_stream::Error>> + Unpin,
    R: Reader,
{
    async fn next(&mut self) -> Option<Result<ChatEvent, CallFailure>> {
        loop {
            if let Some(event) = self.read.pop_front() {
                return Some(Ok(event));
            }
            if self.is_over {
                return None;
            }
            if let Err(failure) = self.step().await {
                self.is_over = true;
                return Some(Err(failure));
            }
        }
    }

    async fn step(&mut self) -> Result<(), CallFailure> {
        match self.event().await {
            Some(Ok(event)) => {
                self.unread.store(0, Ordering::Relaxed);
                match self.reader.read(event.data.as_deref().unwrap_or_default()) {
                    Ok(events) => self.read.extend(events),
                    // Counts that were cut in two.
                    Err(failure) if self.reader.is_whole() && failure.class() == FailureClass::Interrupted => self.is_over = true,
                    Err(failure) => return Err(failure),
                }
            }
            // What breaks off after a whole answer takes nothing from it.
            _ if self.reader.is_whole() => self.is_over = true,
            Some(Err(error)) => return Err(stumbled(error)),
            None => return Err(CallFailure::new(FailureClass::Interrupted, true, "the answer ended before it was whole")),
        }
        Ok(())
    }

    /// The next one. A server that keeps the connection open after a whole answer is not waited for as one that still answers.
    async fn event(&mut self) -> Option<Result<Sse, sse_stream::Error>> {
        let patience = match (self.reader.is_done(), self.reader.is_whole()) {
            (true, _) => END_PATIENCE,
            (false, true) => COUNTS_PATIENCE,
            (false, false) => return self.events.next().await,
        };
        tokio::time::timeout(patience, self.events.next()).await.unwrap_or_default()
    }
}

/// What the reader of server-sent events stumbled over: our own failure of the body, or bytes that are no text.
fn stumbled(error: sse_stream::Error) -> CallFailure {
    let no_text =
        |error: &dyn std::error::Error| CallFailure::new(FailureClass::Interrupted, true, format!("the answer is no text: {error}"));
    match error {
        sse_stream::Error::Body(source) => {
            source.downcast::<CallFailure>().map_or_else(|error| no_text(error.as_ref()), |failure| *failure)
        }
        error => no_text(&error),
    }
}
