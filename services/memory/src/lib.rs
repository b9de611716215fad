//! Memory: what was said, what is to be known, and finding it again.
//!
//! - `records` are what was said; `scope` is the one rule of who may hear it; `text` takes it apart into words.
//! - `archive` keeps the records, the truth; `index` leads from words to them, and is derived; `overlay` is what the index does not
//!   know yet. `library` holds the three together, `memory` does its work on threads of its own.
//! - `actors/records` remembers and forgets, `actors/recall` answers what is asked.
//!
//! [`start`] is the whole surface of the service; see `README.md` for its subjects and what happens when a neighbour is down.

mod actors;
mod archive;
mod config;
mod document;
mod excerpt;
mod index;
mod library;
mod memory;
mod overlay;
mod records;
mod scope;
mod text;

use std::{rc::Rc, sync::Arc};

use argentum_bus::Bus;
use argentum_service::{Exit, Failure, Process};

pub use config::Config;

use actors::{recall::Recall, records::Records};
use library::Library;
use memory::Memory;

/// Opens the records and starts the actors; when it returns, they serve.
pub async fn start(config: Config, bus: Bus, process: Rc<Process>) -> Result<(), Failure> {
    let data_dir = process.data_dir().to_owned();
    let opened =
        tokio::task::spawn_blocking(move || Library::open(&data_dir)).await.map_err(|error| Failure::of(Exit::Software, &error))?;
    let library = opened.map_err(|error| Failure::of(Exit::Io, &error))?;
    let memory = Memory::start(library, config.index_commit_interval).map_err(|error| Failure::of(Exit::Io, &error))?;
    let memory = Arc::new(memory);
    let (records_bus, records_memory, shared) = (bus.clone(), Arc::clone(&memory), Rc::clone(&process));
    let records = move |alive| Records::new(alive, records_bus, records_memory, shared);
    process.supervisor().supervise_once("records", records).wait().await?;
    let shared = Rc::clone(&process);
    let recall = move |alive| Recall::new(alive, bus.clone(), Arc::clone(&memory), config.clone(), Rc::clone(&shared));
    process.supervisor().supervise("recall", recall).wait().await
}
