//! An embedded NATS server: core NATS, client protocol 1, without JetStream and without clusters.
//!
//! It carries messages between the processes of one Argentum and may lose any of them at any moment: the ends remember. What it does promise is
//! order (per connection messages, `PONG` and the no-responders status leave in the order of their causes), the identity behind each permission,
//! and that a removed user is cut off at once.
//!
//! Read in this order: [`Options`] and [`Users`] are the outside; `wire` is the protocol as text, `subject`, `index` and `permissions` decide who gets
//! what, all without I/O; `session` is one connection's decisions; `router` is what connections share; `connection`, `outbox` and `listener`
//! are the tasks. [`run`] is the whole as a program, with `conf` as its configuration.
//!
//! ```
//! use argentum_bus_server::{Options, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::start(Options { address: ([127, 0, 0, 1], 0).into(), ..Options::default() }).await?;
//! let client = async_nats::connect(server.local_addr().to_string()).await?;
//! client.publish("greeting", "hello".into()).await?;
//! client.flush().await?;
//! server.stop().await;
//! # Ok(())
//! # }
//! ```

mod authentication;
mod client;
mod conf;
mod connection;
mod error;
mod index;
mod listener;
mod liveness;
mod options;
mod outbox;
mod permissions;
mod responses;
mod router;
mod secret;
mod server;
mod session;
mod standalone;
mod statistics;
mod subject;
mod subscription;
mod tls;
mod users;
mod wire;

pub use authentication::Credential;
pub use error::StartError;
pub use options::Options;
pub use permissions::{Permissions, Responses, Rules};
pub use secret::Secret;
pub use server::{LameDuck, Server};
pub use standalone::run;
pub use statistics::{ConnectionInfo, Statistics};
pub use tls::{Handshake, Tls, TlsError};
pub use users::{User, Users};
