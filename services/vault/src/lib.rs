//! The vault: sealed secrets, lent to the services that may have them, and a log of who asked.
//!
//! - `key` is the key file, outside of the data directory; `opening` finds it and makes sure that it is the right one.
//! - `envelope` seals one secret; `cabinet` keeps them; `audit` is the chain of what happened; `verification` holds
//!   the two against each other; `policy` says who may lease what.
//! - `actors/secrets` answers the bus.
//!
//! [`start`] is the whole surface of the service; see `README.md` for its subjects and what happens when a neighbour is down.

mod actors;
mod audit;
mod cabinet;
mod config;
mod envelope;
mod intake;
mod key;
mod opening;
mod policy;
mod verification;

use std::{path::Path, rc::Rc};

use argentum_bus::Bus;
use argentum_service::{Exit, Failure, Process};

pub use config::Config;
pub use key::KeyError;
pub use policy::is_name;

use actors::secrets::Secrets;
use cabinet::Cabinet;

/// Makes a key file for a new vault: readable by its owner only, on disk when this returns. One that is there is left alone.
pub fn create_key(path: &Path) -> Result<(), KeyError> {
    key::VaultKey::create(|_| path.to_owned()).map(drop)
}

/// Opens the sealed store and starts the actor; when it returns, it serves.
pub async fn start(config: Config, bus: Bus, process: Rc<Process>) -> Result<(), Failure> {
    let data_dir = process.data_dir().to_owned();
    let opened = tokio::task::spawn_blocking(move || opening::open(&config, &data_dir)).await;
    let cabinet: Cabinet = opened.map_err(|error| Failure::of(Exit::Software, &error))??;
    let shared = Rc::clone(&process);
    // Its end is the process's: a store that failed is only good again once it is opened anew.
    process.supervisor().supervise_once("secrets", move |alive| Secrets::new(alive, bus, cabinet, shared)).wait().await
}
