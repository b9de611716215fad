//! The provider-router: turns and their journal, routing, model vendors.
//!
//! - [`core`] decides what happens to a message, without I/O; [`journal`] keeps what it decided.
//! - `actors/turns` drives the core: it journals, releases effects behind the gate, calls vendors, answers the bus.
//! - `actors/completions` streams the answers of `/v1`, which are no turns.
//! - `routing` finds who answers, `vendors` are those that answer a prompt.
//!
//! [`start`] is the whole surface of the service; see `README.md` for its subjects and what happens when a neighbour is down.

mod actors;
mod books;
mod checkpoints;
mod completion;
mod config;
pub mod core;
pub mod journal;
mod metrics;
mod routing;
mod vendors;

use std::{rc::Rc, sync::Arc};

use argentum_bus::Bus;
use argentum_proto::ids::Gateway;
use argentum_service::{Exit, Failure, Process, leases::Leases};

pub use config::{Config, Provider};

use actors::{
    catalogue::Catalogue,
    completions::{Backing, Completions},
    turns::{Ledger, Turns},
};
use books::Books;
use routing::Routing;

/// Opens the journal and starts the actors; when it returns, they serve and what was under way goes on.
pub async fn start(config: Config, bus: Bus, process: Rc<Process>) -> Result<(), Failure> {
    let data_dir = process.data_dir().to_owned();
    let leases = Leases::new(bus.clone());
    let routing = Arc::new(Routing::new(&config, &leases).map_err(|error| Failure::of(Exit::Config, &error))?);
    let opened =
        tokio::task::spawn_blocking(move || Books::open(&data_dir, &config)).await.map_err(|error| Failure::of(Exit::Software, &error))?;
    let books = opened.map_err(|error| Failure::of(Exit::Io, &error))?;
    let (turns_bus, turns_routing, shared) = (bus.clone(), Arc::clone(&routing), Rc::clone(&process));
    let (ledger, entries) = Ledger::new();
    let turns = move |alive| Turns::new(alive, turns_bus, books, turns_routing, shared).keeping(entries);
    process.supervisor().supervise_once("turns", turns).wait().await?;
    let shared = Rc::clone(&process);
    Completions::supervise(&bus, &process, Backing { routing: Arc::clone(&routing), ledger }).wait().await?;
    let catalogue = move |alive| Catalogue::new(alive, bus.clone(), Arc::clone(&routing), Rc::clone(&shared));
    process.supervisor().supervise("catalogue", catalogue).wait().await
}

/// The account that is the web page: its readers read the tail, so Completed is the delivery.
fn web() -> Gateway {
    Gateway::parse("web").expect("`web` is a gateway name")
}
