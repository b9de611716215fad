//! Why a server does not start.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;

/// Why [`Server::start`](crate::Server::start) failed.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("failed to listen on `{address}`")]
    Bind {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    /// `anonymous_user` names a user only where credentials are required at all.
    #[error("an anonymous user needs `auth_required`")]
    AnonymousWithoutAuth,
}
