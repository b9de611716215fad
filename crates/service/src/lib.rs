//! What every Argentum process shares.
//!
//! - [`run()`] is the life of a service: identity by the standard-input socket, bus, start, ready, drain, exit.
//! - [`Process`] is what a service may ask of its surroundings while it runs.
//! - [`Supervisor`] rebuilds an actor that failed, from a factory.
//! - [`config`] reads a section of `argentum.toml` and tells all its faults at once.
//! - [`Exit`] are the documented exit codes, [`Failure`] an end that has one.
//! - [`PublicUrl`] is where browsers reach the page from beyond this machine.
//! - [`right`] is the operator's right, [`files`] replaces small documents whole.
//! - [`sealing`] is how secrets travel, [`leases`] how a service borrows them from the vault.
//! - [`api_key`] makes keys of the API and hashes what is shown as one.
//! - [`outgoing`] is TLS and HTTP to the world.
//! - [`telemetry`] tells traces, metrics and logs.
//! - [`handover`] and [`frames`] are the two ends of the socket between the orchestrator and a child.

pub mod api_key;
mod clock;
pub mod config;
mod exit;
pub mod files;
pub mod frames;
pub mod handover;
pub mod health;
pub mod leases;
mod life;
pub mod logging;
pub mod outgoing;
mod process;
mod public_url;
pub mod right;
mod run;
pub mod sealing;
mod supervise;
pub mod telemetry;

pub use clock::unix_ms;
pub use exit::{Exit, Failure, chain};
pub use process::Process;
pub use public_url::{PublicUrl, PublicUrlError};
pub use run::{run, runtime};
pub use supervise::{Alive, Subscribed, Supervisor};
