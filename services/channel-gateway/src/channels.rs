//! Channels: accounts at platforms, each with `config`, `receiver`, `sender` and `convert`, and what they share.
//!
//! - `accepting` is the way in: `admission` checks who wrote (`pairing` decides), the router is asked until its answer is final, `notices`
//!   tells what the gateway itself has to say. `intake` drives it, `backlog` decides the order and what may be acknowledged.
//! - `keeping` builds a receiver anew that broke; no channel takes another one down.
//! - `commands` says how commands are written there; `shelf` is the store of them all.

mod accepting;
mod admission;
mod backlog;
mod backoff;
mod commands;
mod intake;
pub(crate) mod irc;
mod keeping;
mod notices;
mod pairing;
mod shelf;
mod standing;
pub(crate) mod telegram;

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    rc::Rc,
    sync::Arc,
};

use argentum_bus::{AccountBus, Bus, Fault};
use argentum_proto::ids::Gateway;
use argentum_service::{Exit, Failure, Process, Subscribed, leases::Leases, sealing::SecretBytes};
use argentum_store::StoreError;
use tracing::warn;

use crate::{
    actors::{
        outbox::Outbox,
        pairing::{Accounts, Pairing},
    },
    channel::Sender,
    config::{Channel, Config},
};

pub(crate) use admission::Admission;
pub(crate) use commands::Commands;
pub(crate) use notices::{Notice, NoticeName, Notices};
pub(crate) use pairing::CODE_MS;
pub(crate) use shelf::Shelf;
use standing::{Standing, Standings};

/// A secret that is being fetched.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Arc<SecretBytes>, Fault>> + Send + 'a>>;

/// Where channels get their credentials.
pub trait Secrets: Send + Sync + 'static {
    /// The secret `name`, as it is now.
    fn secret<'a>(&'a self, name: &'a str) -> Fetching<'a>;

    /// The platform did not accept `secret`: whoever keeps it asks for it anew.
    fn refused(&self, _name: &str, _secret: &Arc<SecretBytes>) {}
}

/// What a channel lives on.
pub(crate) struct Surroundings {
    pub(crate) account: AccountBus,
    /// The account on a connection for what may be lost.
    pub(crate) progress: AccountBus,
    pub(crate) shelf: Shelf,
    pub(crate) secrets: Arc<dyn Secrets>,
    pub(crate) standing: Standing,
}

/// What an operator may ask of an account.
pub(crate) struct Desk {
    pub(crate) admission: Arc<Admission>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) commands: Commands,
}

impl Secrets for Leases {
    fn secret<'a>(&'a self, name: &'a str) -> Fetching<'a> {
        Box::pin(Leases::secret(self, name))
    }

    fn refused(&self, name: &str, secret: &Arc<SecretBytes>) {
        Leases::refused(self, name, secret);
    }
}

/// Delivers what the router has for an account, by the channel's `sender`.
pub fn deliver(account: AccountBus, sender: Arc<dyn Sender>, process: &Process) -> Subscribed {
    process.supervisor().supervise("outbox", move |alive| Outbox::new(alive, account.clone(), Arc::clone(&sender)))
}

/// Starts the configured channels, and who answers the operator about them. A platform that cannot be reached is no failure.
pub async fn start(config: &Config, bus: &Bus, process: &Rc<Process>, secrets: Arc<dyn Secrets>) -> Result<(), Failure> {
    let mut desks = BTreeMap::new();
    let (shelf, former) = shelf(config, process).await?;
    let broken = shelf.as_ref().map(|shelf| shelf.broken().clone());
    if let Some(shelf) = shelf.filter(|_| !config.channels.is_empty()) {
        let progress = process.connect().await?;
        let standings = Standings::new(process.health());
        for (name, channel) in &config.channels {
            let gateway: Gateway = name.parse().map_err(|error| Failure::of(Exit::Config, &error))?;
            let unavailable = |error: &dyn std::error::Error| Failure::of(Exit::Unavailable, error);
            let surroundings = Surroundings {
                account: bus.account(gateway.clone()).await.map_err(|error| unavailable(&error))?,
                progress: progress.account(gateway.clone()).await.map_err(|error| unavailable(&error))?,
                shelf: shelf.clone(),
                secrets: Arc::clone(&secrets),
                standing: standings.of(gateway.clone()),
            };
            desks.insert(gateway, open(channel, surroundings, process).await?);
        }
    }
    let (bus, shared) = (bus.clone(), Rc::clone(process));
    process
        .supervisor()
        .supervise_once("pairing", move |alive| Pairing::new(alive, bus, shared, Accounts { desks, former }, broken))
        .wait()
        .await
}

/// The store, where there is one or has to be, and who is still paired with accounts that are not configured any more. Where no account
/// needs the store, its damage takes nothing else down.
async fn shelf(config: &Config, process: &Process) -> Result<(Option<Shelf>, BTreeMap<Gateway, Arc<Admission>>), Failure> {
    let (data_dir, is_needed) = (process.data_dir().to_owned(), !config.channels.is_empty());
    let configured: BTreeSet<String> = config.channels.keys().cloned().collect();
    let opened = tokio::task::spawn_blocking(move || {
        if !is_needed && !Shelf::is_in(&data_dir) {
            return Ok((None, BTreeMap::new()));
        }
        let shelf = Shelf::open(&data_dir)?;
        let former = admission::former(&shelf, &configured)?;
        Ok((Some(shelf), former))
    });
    match opened.await.map_err(|error| Failure::of(Exit::Software, &error))? {
        Ok(opened) => Ok(opened),
        Err::<_, StoreError>(error) if is_needed => Err(Failure::of(Exit::Io, &error)),
        Err(error) => {
            warn!(error = argentum_service::chain(&error), "the store of the channels cannot be read; no account needs it");
            Ok((None, BTreeMap::new()))
        }
    }
}

async fn open(channel: &Channel, surroundings: Surroundings, process: &Rc<Process>) -> Result<Desk, Failure> {
    match channel {
        Channel::Irc(config) => irc::start(config, surroundings, process).await,
        Channel::Telegram(config) => telegram::start(config, surroundings, process).await,
    }
}
