//! The other end of the control socket: what the operator's verbs use.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use argentum_bus::{ErrorCode, Fault};
use argentum_proto::control::v1::{OperatorRequest, OperatorResponse, operator_request::Request, operator_response::Response};
use argentum_service::frames::Frames;
use futures::{SinkExt, StreamExt};
use tokio::net::UnixStream;
use tokio_util::codec::Framed;

use crate::control::{SOCKET, short_path};

/// A question to a running bundle.
#[derive(Debug)]
pub struct ControlClient {
    connection: Framed<UnixStream, Frames<OperatorResponse, OperatorRequest>>,
}

/// Why a bundle did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("no bundle runs on data directory `{}`; start it with `argentum up`", path.display())]
    NotRunning { path: PathBuf },
    #[error("the control socket in `{}` cannot be used; run this as the user that started the bundle", path.display())]
    NotAllowed {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the bundle hung up")]
    HungUp,
    #[error(transparent)]
    Refused(#[from] Fault),
}

// === impl ControlClient ===

impl ControlClient {
    /// Connects to the bundle that runs on `data_dir`.
    pub async fn connect(data_dir: &Path) -> Result<Self, ControlError> {
        let not_running = || ControlError::NotRunning { path: data_dir.to_owned() };
        let folder = fs::File::open(data_dir).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => ControlError::NotAllowed { path: data_dir.to_owned(), source: error },
            _ => not_running(),
        })?;
        match UnixStream::connect(short_path(&folder, SOCKET)).await {
            Ok(stream) => Ok(Self { connection: Framed::new(stream, Frames::default()) }),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Err(ControlError::NotAllowed { path: data_dir.to_owned(), source: error })
            }
            Err(_) => Err(not_running()),
        }
    }

    /// Asks; the first response follows.
    pub async fn ask(&mut self, request: Request) -> Result<Response, ControlError> {
        self.ask_stream(request).await?.ok_or(ControlError::HungUp)
    }

    /// Asks for a stream, which may be empty.
    pub async fn ask_stream(&mut self, request: Request) -> Result<Option<Response>, ControlError> {
        self.connection.send(OperatorRequest { request: Some(request) }).await.map_err(|_| ControlError::HungUp)?;
        self.next().await
    }

    /// The next response of a stream; `None` at its end, which after a stop is also the end of the bundle.
    pub async fn next(&mut self) -> Result<Option<Response>, ControlError> {
        match self.connection.next().await {
            Some(Ok(OperatorResponse { response: Some(Response::Fault(fault)) })) => {
                Err(Fault::new(ErrorCode::from_name(&fault.code), fault.text).into())
            }
            Some(Ok(OperatorResponse { response: Some(response) })) => Ok(Some(response)),
            Some(Ok(OperatorResponse { response: None })) => Err(ControlError::HungUp),
            Some(Err(_)) => Err(ControlError::HungUp),
            None => Ok(None),
        }
    }
}
