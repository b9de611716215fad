//! How what is told reaches its receiver.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::Client;
use tokio::runtime::Handle;
use tracing::{info, warn};

use crate::outgoing::{OutgoingError, http_client};

/// Largest answer of a receiver that is read.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// Sends from any thread, on the runtime of the process. Whether the receiver can be reached is said when it changes, not each time.
#[derive(Clone, Debug)]
pub(super) struct HttpExporter {
    client: Client,
    timeout: Duration,
    runtime: Handle,
    is_failing: Arc<AtomicBool>,
}

// === impl HttpExporter ===

impl HttpExporter {
    pub(super) fn new(extra_ca_file: Option<&Path>, timeout: Duration, runtime: Handle) -> Result<Self, OutgoingError> {
        Ok(Self { client: http_client(extra_ca_file, None)?, timeout, runtime, is_failing: Arc::default() })
    }

    fn note(&self, outcome: Result<u16, &HttpError>) {
        let failure = match outcome {
            Ok(status) if (200..300).contains(&status) => None,
            Ok(status) => Some(format!("it answers {status}")),
            Err(error) => Some(crate::exit::chain(error.as_ref())),
        };
        match (failure, self.is_failing.load(Ordering::Relaxed)) {
            (Some(text), false) => warn!(text, "the telemetry receiver takes nothing; see `telemetry.otlp_endpoint`"),
            (None, true) => info!("the telemetry receiver takes what it is sent again"),
            (failure, _) => return self.is_failing.store(failure.is_some(), Ordering::Relaxed),
        }
        self.is_failing.fetch_not(Ordering::Relaxed);
    }
}

async fn exchange(client: Client, timeout: Duration, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (parts, body) = request.into_parts();
    let sent = client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body).timeout(timeout).send().await?;
    if sent.content_length().is_some_and(|bytes| bytes > ANSWER_BYTES_MAX) {
        return Err("the answer is too large".into());
    }
    let mut answer = Response::builder().status(sent.status());
    if let Some(headers) = answer.headers_mut() {
        headers.extend(sent.headers().clone());
    }
    Ok(answer.body(sent.bytes().await?)?)
}

#[async_trait::async_trait]
impl HttpClient for HttpExporter {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let exchanged = self.runtime.spawn(exchange(self.client.clone(), self.timeout, request));
        let outcome = exchanged.await.unwrap_or_else(|error| Err(error.into()));
        self.note(outcome.as_ref().map(|response| response.status().as_u16()));
        outcome
    }
}
