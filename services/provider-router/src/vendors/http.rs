//! HTTP to a vendor: bounded in time and size; what broke, by how far it got.

use std::time::Duration;

use argentum_service::outgoing::{OutgoingError, http_client};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use reqwest::{Client, RequestBuilder, Response};

use super::CallFailure;
use crate::{config::Provider, core::FailureClass};

/// Largest body that is read whole.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A client for one provider.
pub(super) fn client(provider: &Provider) -> Result<Client, OutgoingError> {
    http_client(provider.extra_ca_file.as_deref(), provider.proxy.as_deref())
}

/// Sends, and waits for the head of the answer.
pub(super) async fn send(request: RequestBuilder, provider: &Provider) -> Result<Response, CallFailure> {
    match tokio::time::timeout(provider.first_byte_timeout, request.send()).await {
        Ok(answered) => answered.map_err(|error| failed(&error)),
        Err(_) => Err(silent(provider.first_byte_timeout)),
    }
}

/// The body as it comes; an error is the last item.
pub(super) fn body(response: Response, idle_timeout: Duration) -> impl Stream<Item = Result<Bytes, CallFailure>> + Send {
    stream::unfold(Some(Box::pin(response.bytes_stream())), move |chunks| async move {
        let mut chunks = chunks?;
        match tokio::time::timeout(idle_timeout, chunks.next()).await {
            Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(chunks))),
            Ok(Some(Err(error))) => Some((Err(failed(&error)), None)),
            Ok(None) => None,
            Err(_) => Some((Err(silent(idle_timeout)), None)),
        }
    })
}

/// The whole body, as far as it is worth reading.
pub(super) async fn whole_body(response: Response, idle_timeout: Duration) -> Result<BytesMut, CallFailure> {
    let mut chunks = std::pin::pin!(body(response, idle_timeout));
    let mut whole = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        if BODY_BYTES_MAX < whole.len() + chunk.len() {
            return Err(CallFailure::new(FailureClass::Interrupted, false, "the answer is larger than 4 MiB"));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}

fn silent(timeout: Duration) -> CallFailure {
    CallFailure::new(FailureClass::Interrupted, true, format!("silent for {timeout:?}"))
}

/// What broke. Only where no connection came about nothing has left this machine.
fn failed(error: &reqwest::Error) -> CallFailure {
    let class = if error.is_connect() { FailureClass::Unreachable } else { FailureClass::Interrupted };
    // Without the address: it tells nothing that the configuration does not, and is long.
    let mut causes: Vec<String> = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    CallFailure::new(class, true, causes.join(": "))
}
