//! One provider's address and how it is spoken to.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use futures::{Stream, StreamExt, stream};
use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use sse_stream::{Sse, SseByteStream};

use super::{CallFailure, ChatEvent, ChatRequest, ChatStream, EndpointError, failure::retry_after, http, openai};
use crate::{
    config::{Kind, Provider},
    core::FailureClass,
};

/// Largest event of a stream.
const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// A provider that can be asked.
pub(crate) struct Endpoint {
    provider: Provider,
    client: Client,
}

/// Reads the events of one protocol.
trait Reader: Send + 'static {
    /// What the data of one server-sent event tells. An error is the end.
    fn read(&mut self, data: &str) -> Result<Vec<ChatEvent>, CallFailure>;

    /// Whether the answer was whole when the connection ended.
    fn is_whole(&self) -> bool;
}

impl Reader for openai::Reader {
    fn read(&mut self, data: &str) -> Result<Vec<ChatEvent>, CallFailure> {
        openai::Reader::read(self, data)
    }

    fn is_whole(&self) -> bool {
        openai::Reader::is_whole(self)
    }
}

// === impl Endpoint ===

impl Endpoint {
    pub(crate) fn new(provider: &Provider) -> Result<Self, EndpointError> {
        Ok(Self { provider: provider.clone(), client: http::client(provider)? })
    }

    /// Asks; resolves with the head of the answer. Dropping the stream closes the connection.
    pub(crate) async fn stream(&self, key: Option<&[u8]>, request: &ChatRequest) -> Result<ChatStream, CallFailure> {
        let response = self.answer(self.question(key, request)?).await?;
        if is_event_stream(&response) {
            return Ok(match self.provider.kind {
                Kind::OpenAi => self.events(response, openai::Reader::default()),
            });
        }
        // A server that does not stream: the whole answer at once, or something else altogether.
        let content_type = content_type(&response).to_owned();
        let body = http::whole_body(response, self.provider.idle_timeout).await?;
        let events = match self.provider.kind {
            Kind::OpenAi => openai::whole(&body, &content_type)?,
        };
        Ok(stream::iter(events.into_iter().map(Ok)).boxed())
    }

    /// The models that it offers.
    pub(crate) async fn models(&self, key: Option<&[u8]>) -> Result<Vec<String>, CallFailure> {
        let request = match self.provider.kind {
            Kind::OpenAi => openai::authorize(self.client.get(format!("{}/models", self.provider.base_url())), key)?,
        };
        let response = self.answer(request).await?;
        let body = http::whole_body(response, self.provider.idle_timeout).await?;
        match self.provider.kind {
            Kind::OpenAi => openai::models(&body),
        }
    }

    fn question(&self, key: Option<&[u8]>, request: &ChatRequest) -> Result<RequestBuilder, CallFailure> {
        match self.provider.kind {
            Kind::OpenAi => {
                let builder = self.client.post(format!("{}/chat/completions", self.provider.base_url()));
                Ok(openai::authorize(builder, key)?.json(&openai::body(request)))
            }
        }
    }

    /// The answer, if its status is one.
    async fn answer(&self, request: RequestBuilder) -> Result<Response, CallFailure> {
        let response = http::send(request, &self.provider).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            let text = format!("the server sends us elsewhere ({status}); set `base_url` to where it really is");
            return Err(CallFailure::new(FailureClass::InvalidRequest, false, text));
        }
        let wait = header_of(&response, header::RETRY_AFTER).and_then(|value| retry_after(value, SystemTime::now()));
        // What cannot be read says nothing: the status does.
        let body = http::whole_body(response, self.provider.idle_timeout).await.unwrap_or_default();
        Err(self.refusal(status, &body).after(wait))
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> CallFailure {
        match self.provider.kind {
            Kind::OpenAi => openai::refusal(status, body),
        }
    }

    /// The events of a stream, as `reader` understands them.
    fn events(&self, response: Response, reader: impl Reader) -> ChatStream {
        // A vendor that never ends an event would fill the memory.
        let unread = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&unread);
        let bytes = http::body(response, self.provider.idle_timeout).map(move |chunk| {
            let chunk = chunk?;
            if EVENT_BYTES_MAX < counted.fetch_add(chunk.len(), Ordering::Relaxed) + chunk.len() {
                return Err(CallFailure::new(FailureClass::Interrupted, false, "an event of the answer is larger than 1 MiB"));
            }
            Ok(chunk)
        });
        let events = SseByteStream::new(Box::pin(bytes));
        let state = Reading { events, reader, unread, read: VecDeque::new(), is_over: false };
        stream::unfold(state, async |mut state| state.next().await.map(|item| (item, state))).boxed()
    }
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
        match self.events.next().await {
            Some(Ok(event)) => {
                self.unread.store(0, Ordering::Relaxed);
                self.read.extend(self.reader.read(event.data.as_deref().unwrap_or_default())?);
            }
            Some(Err(error)) => return Err(stumbled(error)),
            None if self.reader.is_whole() => self.is_over = true,
            None => return Err(CallFailure::new(FailureClass::Interrupted, true, "the answer ended before it was whole")),
        }
        Ok(())
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

fn header_of(response: &Response, name: header::HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

fn content_type(response: &Response) -> &str {
    header_of(response, header::CONTENT_TYPE).unwrap_or_default()
}

fn is_event_stream(response: &Response) -> bool {
    content_type(response).starts_with("text/event-stream")
}
