//! TLS: certificates from files, and when the handshake comes.

use std::fmt::{self, Debug, Formatter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How connections are encrypted. Every connection is: there is no way around it for a single client.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    verifies_clients: bool,
    /// When the handshake comes. Default: after INFO.
    pub handshake: Handshake,
    /// How long a handshake may take. Default: 2 s.
    pub timeout: Duration,
}

/// When the TLS handshake comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handshake {
    /// INFO goes out in the clear and the client upgrades, as all clients know it.
    #[default]
    AfterInfo,
    /// Nothing in the clear: the client must know.
    First,
    /// The client may start at once; where it does not within this time, INFO goes out in the clear.
    FirstWithin(Duration),
}

/// Why certificates could not be used.
#[derive(Debug, Error)]
pub enum TlsError {
    #[error("failed to read certificates from `{}`", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: pem::Error,
    },
    #[error("`{}` holds no certificate", path.display())]
    Empty { path: PathBuf },
    #[error("certificate and key do not make a server")]
    Server(#[source] rustls::Error),
    #[error("the authority's certificates cannot verify clients")]
    Authority(#[source] rustls::server::VerifierBuilderError),
    #[error("`{}` holds a certificate that is no authority", path.display())]
    Root {
        path: PathBuf,
        #[source]
        source: rustls::Error,
    },
}

// === impl Tls ===

impl Tls {
    /// Reads the server's certificate chain and key (PEM). With `client_authority` every client must show a certificate signed by it.
    pub fn from_files(certificate: &Path, key: &Path, client_authority: Option<&Path>) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().map_err(TlsError::Server)?;
        let builder = match client_authority {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(roots(path)?.into(), provider).build().map_err(TlsError::Authority)?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let private = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Read { path: key.to_owned(), source })?;
        let config = builder.with_single_cert(certificates(certificate)?, private).map_err(TlsError::Server)?;
        Ok(Self {
            config: Arc::new(config),
            verifies_clients: client_authority.is_some(),
            handshake: Handshake::default(),
            timeout: Duration::from_secs(2),
        })
    }

    pub(crate) fn verifies_clients(&self) -> bool {
        self.verifies_clients
    }

    /// Whether the handshake of this connection comes before INFO.
    pub(crate) async fn comes_first(&self, stream: &TcpStream) -> bool {
        match self.handshake {
            Handshake::AfterInfo => false,
            Handshake::First => true,
            // One byte that is there already says that the client has started.
            Handshake::FirstWithin(delay) => matches!(timeout(delay, stream.peek(&mut [0])).await, Ok(Ok(1))),
        }
    }

    /// The encrypted connection, none where the handshake failed or took too long.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let handshake = TlsAcceptor::from(self.config.clone()).accept(stream);
        timeout(self.timeout, handshake).await.ok()?.ok()
    }
}

impl Debug for Tls {
    /// Without the keys that the configuration holds.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self { verifies_clients, handshake, timeout, .. } = self;
        formatter
            .debug_struct("Tls")
            .field("verifies_clients", verifies_clients)
            .field("handshake", handshake)
            .field("timeout", timeout)
            .finish_non_exhaustive()
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|source| TlsError::Read { path: path.to_owned(), source })?;
    if certificates.is_empty() { Err(TlsError::Empty { path: path.to_owned() }) } else { Ok(certificates) }
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|source| TlsError::Root { path: path.to_owned(), source })?;
    }
    Ok(roots)
}
