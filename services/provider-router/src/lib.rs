//! The provider-router: which model answers, and in time the turns and their journal.
//!
//! It owns everything that knows a model vendor. [`start`] is its whole surface; see `README.md` for its subjects.

mod actors;
mod config;
pub mod core;
pub mod journal;
mod models;

use std::rc::Rc;

use argentum_bus::Bus;
use argentum_service::{Failure, Process};

pub use config::Config;

use actors::catalogue::Catalogue;

/// Starts the actors; when it returns, they serve.
pub async fn start(_config: Config, bus: Bus, process: Rc<Process>) -> Result<(), Failure> {
    process.supervisor().supervise("catalogue", move |alive| Catalogue::new(alive, bus.clone())).wait().await
}
