//! Speaking to a running bundle.

use std::path::Path;

use argentum_bus::ErrorCode;
use argentum_orchestrator::{ControlClient, ControlError};
use argentum_proto::control::v1::{operator_request::Request, operator_response::Response};
use argentum_service::{Exit, Failure};

/// Asks the bundle that runs on `data_dir`; `expected` takes the answer apart.
pub(super) async fn ask<T>(data_dir: &Path, request: Request, expected: impl FnOnce(Response) -> Option<T>) -> Result<T, Failure> {
    let mut client = ControlClient::connect(data_dir).await.map_err(|error| refused(&error))?;
    let response = client.ask(request).await.map_err(|error| refused(&error))?;
    expected(response).ok_or_else(|| Failure::new(Exit::Software, "the bundle answered something else"))
}

/// The exit of a verb that got no answer, or a refusal.
pub(super) fn refused(error: &ControlError) -> Failure {
    let exit = match error {
        ControlError::NotRunning { .. } | ControlError::HungUp => Exit::Unavailable,
        ControlError::NotAllowed { .. } => Exit::NotAllowed,
        ControlError::Refused(fault) => match fault.code {
            ErrorCode::NotFound | ErrorCode::InvalidArgument => Exit::Usage,
            ErrorCode::Forbidden | ErrorCode::Unauthenticated => Exit::NotAllowed,
            ErrorCode::Internal => Exit::Software,
            _ => Exit::Unavailable,
        },
    };
    Failure::of(exit, error)
}

/// Takes one kind of answer out of a response.
macro_rules! answer {
    ($kind:ident) => {
        |response| match response {
            argentum_proto::control::v1::operator_response::Response::$kind(answer) => Some(answer),
            _ => None,
        }
    };
}
pub(super) use answer;
