//! Connections to the world: TLS with built-in roots and extra ones, and an HTTP client that goes nowhere by itself.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use reqwest::{Client, NoProxy, Proxy, redirect::Policy};
use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore,
    client::WantsClientCert,
    pki_types::{
        CertificateDer,
        pem::{self, PemObject},
    },
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Names that are never asked for through a proxy.
const LOCAL: &str = "localhost,127.0.0.0/8,::1";

/// Somebody cannot be reached the way that is configured.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    #[error("failed to read certificate authorities from `{}`", path.display())]
    Authorities {
        path: PathBuf,
        #[source]
        source: pem::Error,
    },
    #[error("`{}` holds no certificate", path.display())]
    NoAuthority { path: PathBuf },
    #[error("failed to trust a certificate of `{}`", path.display())]
    Untrusted {
        path: PathBuf,
        #[source]
        source: rustls::Error,
    },
    #[error("failed to set up TLS")]
    Tls(#[source] rustls::Error),
    #[error("failed to make a client with this proxy and these authorities")]
    Client(#[source] reqwest::Error),
}

/// TLS that trusts the built-in authorities, and those in a PEM file; a certificate of our own may follow.
pub fn tls(extra_ca_file: Option<&Path>) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, OutgoingError> {
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions().map_err(OutgoingError::Tls)?;
    Ok(builder.with_root_certificates(roots(extra_ca_file)?))
}

/// An HTTP client. It follows no redirect, so that no secret travels on, and asks no proxy but `proxy`.
pub fn http_client(extra_ca_file: Option<&Path>, proxy: Option<&str>) -> Result<Client, OutgoingError> {
    let builder = Client::builder()
        .tls_backend_preconfigured(tls(extra_ca_file)?.with_no_client_auth())
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("argentum/", env!("CARGO_PKG_VERSION")));
    let builder = match proxy {
        None => builder.no_proxy(),
        Some(url) => builder.proxy(Proxy::all(url).map_err(OutgoingError::Client)?.no_proxy(NoProxy::from_string(LOCAL))),
    };
    builder.build().map_err(OutgoingError::Client)
}

fn roots(extra_ca_file: Option<&Path>) -> Result<RootCertStore, OutgoingError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let Some(path) = extra_ca_file else { return Ok(roots) };
    let built_in = roots.len();
    let failed = |source| OutgoingError::Authorities { path: path.to_owned(), source };
    for authority in CertificateDer::pem_file_iter(path).map_err(failed)? {
        roots.add(authority.map_err(failed)?).map_err(|source| OutgoingError::Untrusted { path: path.to_owned(), source })?;
    }
    if roots.len() == built_in { Err(OutgoingError::NoAuthority { path: path.to_owned() }) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_that_is_no_address_is_refused() {
        assert!(matches!(http_client(None, Some("::")), Err(OutgoingError::Client(_))));
        assert!(http_client(None, Some("http://127.0.0.1:3128")).is_ok());
    }
}
