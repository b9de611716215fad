//! The orchestrator: embeds the bus, starts the services, keeps them alive, and ends them in order.
//!
//! - [`up`] runs a bundle in the foreground until it is told to end.
//! - [`Config`] is its part of `argentum.toml`.
//! - [`ControlClient`] speaks to a running bundle over the control socket of its data directory.
//!
//! Inside, `lifecycle` decides (pure), `actors/bundle` carries out; `data_dir` owns the lock and the marker, `spawner` the one thread
//! that starts processes, `identities` the nkeys and the rights at the bus, `control` the operator's socket, `log_ring` the newest
//! lines of all children, `notify` what the service manager is told.

mod actors;
mod child_process;
mod config;
mod control;
mod control_client;
mod data_dir;
mod exposition;
mod identities;
mod lifecycle;
mod log_ring;
mod metrics;
mod notify;
mod plan;
mod spawner;
mod up;

pub use config::{BusConfig, Config, HttpConfig, LogConfig};
pub use control_client::{ControlClient, ControlError};
pub use data_dir::{DataDir, DataDirError};
pub use plan::Plan;
pub use up::{OnReady, ReadPlan, SERVICES, UpOptions, up};
