//! The connection itself: TCP, TLS with built-in roots and extra ones, a certificate of ours where one is configured.

use std::{io, sync::Arc, time::Duration};

use argentum_service::{
    outgoing::{self, OutgoingError},
    sealing::SecretBytes,
};
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::config::Config;

/// Connecting, with TLS, may take this long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Both directions of a connection.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error(transparent)]
    Tls(#[from] OutgoingError),
    /// Without a source: nothing of a secret is to be told.
    #[error("the secret that `certificate` names holds no certificate and private key in PEM that fit together")]
    Certificate,
    #[error("`{server}` is no name of a server")]
    Name {
        server: String,
        #[source]
        source: InvalidDnsNameError,
    },
    #[error("failed to connect to `{server}`")]
    Tcp {
        server: String,
        #[source]
        source: io::Error,
    },
    #[error("failed to agree on TLS with `{server}`")]
    Handshake {
        server: String,
        #[source]
        source: io::Error,
    },
    #[error("`{server}` did not answer within {} s", CONNECT_TIMEOUT.as_secs())]
    Timeout { server: String },
}

// === impl ConnectError ===

impl ConnectError {
    /// Whether trying again soon is of no use: something has to be changed first.
    pub(super) fn is_lasting(&self) -> bool {
        !matches!(self, Self::Tcp { .. } | Self::Handshake { .. } | Self::Timeout { .. })
    }
}

/// Connects; with `certificate` (PEM, with its key) the server learns who we are.
pub(super) async fn connect(config: &Config, certificate: Option<&SecretBytes>) -> Result<Box<dyn Stream>, ConnectError> {
    let server = || format!("{}:{}", config.server, config.port);
    let connecting = async {
        let tcp = TcpStream::connect((config.server.as_str(), config.port)).await;
        let tcp = tcp.map_err(|source| ConnectError::Tcp { server: server(), source })?;
        // Lines are short and wait for answers.
        tcp.set_nodelay(true).map_err(|source| ConnectError::Tcp { server: server(), source })?;
        if !config.tls {
            return Ok(Box::new(tcp) as Box<dyn Stream>);
        }
        let name = ServerName::try_from(config.server.clone());
        let name = name.map_err(|source| ConnectError::Name { server: config.server.clone(), source })?;
        let connector = TlsConnector::from(Arc::new(tls(config, certificate)?));
        let stream = connector.connect(name, tcp).await.map_err(|source| ConnectError::Handshake { server: server(), source })?;
        Ok(Box::new(stream) as Box<dyn Stream>)
    };
    timeout(CONNECT_TIMEOUT, connecting).await.unwrap_or_else(|_| Err(ConnectError::Timeout { server: server() }))
}

fn tls(config: &Config, certificate: Option<&SecretBytes>) -> Result<ClientConfig, ConnectError> {
    let builder = outgoing::tls(config.extra_ca_file.as_deref())?;
    let Some(pem) = certificate else { return Ok(builder.with_no_client_auth()) };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.expose()).collect();
    let private = PrivateKeyDer::from_pem_slice(pem.expose()).map_err(|_| ConnectError::Certificate)?;
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(ConnectError::Certificate)?;
    builder.with_client_auth_cert(chain, private).map_err(|_| ConnectError::Certificate)
}
