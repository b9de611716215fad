//! HTTP to a platform: built-in roots and extra ones, a proxy, no redirects.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Client, NoProxy, Proxy, redirect::Policy};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Names that are never asked for through a proxy.
const LOCAL: &str = "localhost,127.0.0.0/8,::1";

/// A platform cannot be reached the way it is configured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("failed to read certificate authorities from `{}`", path.display())]
    Authorities {
        path: PathBuf,
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    #[error("failed to trust the certificates of `{}`", path.display())]
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

/// A client for one account.
pub(crate) fn client(extra_ca_file: Option<&Path>, proxy: Option<&str>) -> Result<Client, ClientError> {
    let builder = Client::builder()
        .tls_backend_preconfigured(tls(extra_ca_file)?)
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("argentum/", env!("CARGO_PKG_VERSION")));
    let builder = match proxy {
        None => builder.no_proxy(),
        Some(url) => builder.proxy(Proxy::all(url).map_err(ClientError::Client)?.no_proxy(NoProxy::from_string(LOCAL))),
    };
    builder.build().map_err(ClientError::Client)
}

fn tls(extra_ca_file: Option<&Path>) -> Result<ClientConfig, ClientError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = extra_ca_file {
        let failed = |source| ClientError::Authorities { path: path.to_owned(), source };
        for certificate in CertificateDer::pem_file_iter(path).map_err(failed)? {
            let untrusted = |source| ClientError::Untrusted { path: path.to_owned(), source };
            roots.add(certificate.map_err(failed)?).map_err(untrusted)?;
        }
    }
    let ring = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions().map_err(ClientError::Tls)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
