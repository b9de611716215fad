//! HTTP to a vendor: built-in roots and extra ones, a proxy, no redirects; what broke, by how far it got.

use std::{path::PathBuf, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use reqwest::{Client, NoProxy, Proxy, RequestBuilder, Response, redirect::Policy};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::CallFailure;
use crate::{config::Provider, core::FailureClass};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Names that are never asked for through a proxy.
const LOCAL: &str = "localhost,127.0.0.0/8,::1";
/// Largest body that is read whole.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A provider cannot be reached the way it is configured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndpointError {
    #[error("failed to read certificate authorities from `{}`", path.display())]
    Authorities {
        path: PathBuf,
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    #[error("`{}` holds no certificate", path.display())]
    NoAuthority { path: PathBuf },
    #[error("failed to trust a certificate of `{}`", path.display())]
    Untrusted {
        path: PathBuf,
        #[source]
        source: rustls::Error,
    },
    #[error("failed to make a client with this proxy and these authorities")]
    Client(#[source] reqwest::Error),
    #[error("failed to set up TLS")]
    Tls(#[source] rustls::Error),
}

/// A client for one provider.
pub(super) fn client(provider: &Provider) -> Result<Client, EndpointError> {
    let builder = Client::builder()
        .tls_backend_preconfigured(tls(provider)?)
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("argentum/", env!("CARGO_PKG_VERSION")));
    let builder = match &provider.proxy {
        None => builder.no_proxy(),
        Some(url) => builder.proxy(Proxy::all(url).map_err(EndpointError::Client)?.no_proxy(NoProxy::from_string(LOCAL))),
    };
    builder.build().map_err(EndpointError::Client)
}

fn tls(provider: &Provider) -> Result<ClientConfig, EndpointError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = &provider.extra_ca_file {
        let failed = |source| EndpointError::Authorities { path: path.clone(), source };
        let mut count = 0;
        for certificate in CertificateDer::pem_file_iter(path).map_err(failed)? {
            let untrusted = |source| EndpointError::Untrusted { path: path.clone(), source };
            roots.add(certificate.map_err(failed)?).map_err(untrusted)?;
            count += 1;
        }
        if count == 0 {
            return Err(EndpointError::NoAuthority { path: path.clone() });
        }
    }
    let ring = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions().map_err(EndpointError::Tls)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
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
