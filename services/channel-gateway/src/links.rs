//! The connections of the account `web`: what may be slow has one of its own, because a slow reader loses its whole connection.

use argentum_bus::{AccountBus, Bus};
use argentum_service::{Exit, Failure, Process};

use crate::web;

/// Connections that speak for the account `web`.
pub(crate) struct Links {
    /// Requests and their answers.
    pub(crate) requests: AccountBus,
    /// Progress may come faster than it is read.
    pub(crate) progress: AccountBus,
    /// Completions of `/v1`.
    pub(crate) completions: AccountBus,
}

// === impl Links ===

impl Links {
    pub(crate) async fn open(bus: &Bus, process: &Process) -> Result<Self, Failure> {
        let (progress, completions) = (process.connect().await?, process.connect().await?);
        Ok(Self { requests: of_page(bus).await?, progress: of_page(&progress).await?, completions: of_page(&completions).await? })
    }
}

async fn of_page(bus: &Bus) -> Result<AccountBus, Failure> {
    bus.account(web()).await.map_err(|error| Failure::of(Exit::Unavailable, &error))
}
