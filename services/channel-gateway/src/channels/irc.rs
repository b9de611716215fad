//! IRC, as class D: nothing is kept for us there. What was let through is spooled, and what was said while we were away is not ours.
//!
//! - `link` keeps the account connected and says lines, by a `session` that decides; `endpoint` and `framing` are the bytes below it.
//! - `receiver` takes in what is heard, by `convert` and `spool`; `presence` knows the gaps, `contacts` who is reached where.
//! - `sender` sends parts and notices; `text` makes lines of them, `flood` keeps the pace, `names` compares names.

mod config;
mod contacts;
mod convert;
mod endpoint;
mod flood;
mod framing;
mod link;
mod names;
mod presence;
mod receiver;
mod sender;
mod session;
mod spool;
mod text;

use std::{rc::Rc, sync::Arc};

use argentum_service::{Exit, Failure, Process};
use tokio::sync::{Mutex, mpsc};
use tracing::warn;
use ulid::Generator;

pub use config::{Config, Sasl};

use super::{
    Desk, Surroundings,
    accepting::WayIn,
    admission::Admission,
    keeping::keep,
    notices::{Notices, Teller},
};
use contacts::Contacts;
use link::{Link, Outlet};
use presence::Presence;
use receiver::{Receiver, SPOOL_MAX, Shared};
use sender::Sender;
use spool::Spool;

/// What is heard and not taken in yet; with more, nothing is read from the server.
const NEWS_MAX: usize = 256;

/// Starts an account: its link, its outbox, and its receiver.
pub(super) async fn start(config: &Config, surroundings: Surroundings, process: &Rc<Process>) -> Result<Desk, Failure> {
    let Surroundings { account, shelf, secrets, standing, .. } = surroundings;
    let gateway = account.gateway().clone();
    if !config.tls && !config.is_local() {
        warn!(%gateway, server = config.server, "`tls` is off: everybody on the way reads what is said");
    }
    let contacts = Arc::new(Contacts::new(gateway.clone(), shelf.clone()));
    let (outlet, orders) = Outlet::new();
    let sender = Sender { outlet, contacts: Arc::clone(&contacts) };

    let (teller, allowed) = (Arc::new(sender.clone()) as Arc<dyn Teller>, config.allow.clone());
    let presence = Arc::new(Presence::new(gateway.clone(), shelf.clone()));
    let (opening, known) = (gateway.clone(), Arc::clone(&contacts));
    let opened = tokio::task::spawn_blocking(move || {
        let admission = Admission::open(opening.clone(), shelf.clone(), allowed).map_err(|error| Failure::of(Exit::Io, &error))?;
        let notices = Notices::open(opening.clone(), shelf.clone(), teller).map_err(|error| Failure::of(Exit::Io, &error))?;
        let spool = Spool::open(opening, shelf, known, SPOOL_MAX).map_err(|error| Failure::of(Exit::Io, &error))?;
        Ok::<_, Failure>((Arc::new(admission), Arc::new(notices), spool))
    });
    let (admission, notices, spool) = opened.await.map_err(|error| Failure::of(Exit::Software, &error))??;

    crate::deliver(account.clone(), Arc::new(sender), process).wait().await?;
    let (news, heard) = mpsc::channel(NEWS_MAX);
    let quiescing = process.quiescing().clone();
    tokio::spawn(Link { gateway: gateway.clone(), config: config.clone(), secrets, standing, news, quiescing }.keep(orders));

    let way = Arc::new(WayIn::new(account, Arc::clone(&admission), Arc::clone(&notices), config.commands(), Box::new(|_| {})));
    let receiver = Arc::new(Receiver {
        gateway: gateway.clone(),
        config: config.clone(),
        way,
        notices: Arc::clone(&notices),
        spool: Arc::new(spool),
        presence,
        contacts,
        admission: Arc::clone(&admission),
        shared: Mutex::new(Shared { news: heard, ids: Generator::new() }),
    });
    keep(gateway, process, move || {
        let receiver = Arc::clone(&receiver);
        Box::pin(async move { receiver.run().await.into() })
    });
    Ok(Desk { admission, notices, commands: config.commands() })
}
