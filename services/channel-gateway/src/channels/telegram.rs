//! Telegram, by long polling (class A): a message stays there until it has its final answer here.
//!
//! - `receiver` polls and confirms, `convert` makes of an update what the router is asked, `sender` sends parts and notices.
//! - `api` calls methods, `types` is what we read, `units` cuts texts in UTF-16, `typing` shows that an answer is being written.

mod api;
mod config;
mod convert;
mod receiver;
mod sender;
mod types;
mod typing;
mod units;

use std::{rc::Rc, sync::Arc};

use argentum_proto::channel::v1::AcceptMessageRequest;
use argentum_service::{Exit, Failure, Process, outgoing::http_client};
use tokio::sync::broadcast;

pub use config::Config;

use super::{
    Commands, Desk, Surroundings,
    accepting::WayIn,
    admission::Admission,
    deliver,
    keeping::{Life, keep},
    notices::{Notices, Teller},
};
use crate::actors::progress::{BEHIND_MAX, Progress};
use api::Api;
use receiver::Receiver;
use sender::{Sender, SharedSender};
use typing::Typing;

/// Clients of Telegram know commands by their slash, in groups, too.
fn commands() -> Commands {
    Commands::new("/", "/")
}

/// Starts an account: its outbox, its receiver, and what is shown while an answer is written.
pub(super) async fn start(config: &Config, surroundings: Surroundings, process: &Rc<Process>) -> Result<Desk, Failure> {
    let Surroundings { account, progress, shelf, secrets, standing } = surroundings;
    let gateway = account.gateway().clone();
    let client =
        http_client(config.extra_ca_file.as_deref(), config.proxy.as_deref()).map_err(|error| Failure::of(Exit::Config, &error))?;
    let api = Arc::new(Api::new(client, config.api_url(), (secrets, config.secret()), standing));
    let sender = SharedSender(Arc::new(Sender::new(Arc::clone(&api))));

    let (teller, allowed) = (Arc::new(sender.clone()) as Arc<dyn Teller>, config.allow.clone());
    let opened = tokio::task::spawn_blocking({
        let gateway = gateway.clone();
        move || (Admission::open(gateway.clone(), shelf.clone(), allowed), Notices::open(gateway, shelf, teller))
    });
    let (admission, notices) = opened.await.map_err(|error| Failure::of(Exit::Software, &error))?;
    let admission = Arc::new(admission.map_err(|error| Failure::of(Exit::Io, &error))?);
    let notices = Arc::new(notices.map_err(|error| Failure::of(Exit::Io, &error))?);

    let typing = Arc::new(Typing::default());
    let (turns, _) = broadcast::channel(BEHIND_MAX);
    let told = turns.clone();
    let heard = move |alive| Progress::new(alive, progress.clone(), told.clone());
    process.supervisor().supervise("channel-progress", heard).wait().await?;
    deliver(account.clone(), Arc::new(sender), process).wait().await?;

    let begins = Arc::clone(&typing);
    let on_accepted = Box::new(move |request: &AcceptMessageRequest| begins.begin(&request.platform_conversation_id));
    let way = Arc::new(WayIn::new(account, Arc::clone(&admission), Arc::clone(&notices), commands(), on_accepted));
    let receiver = Arc::new(Receiver { gateway: gateway.clone(), api: Arc::clone(&api), way });
    keep(gateway, process, move || live(Arc::clone(&receiver), typing::run(Arc::clone(&typing), Arc::clone(&api), turns.subscribe())));
    Ok(Desk { admission, notices, commands: commands() })
}

/// One life of the receiver, and beside it what is shown; only the first matters.
fn live(receiver: Arc<Receiver>, shown: impl Future<Output = ()> + Send + 'static) -> Life {
    Box::pin(async move {
        let showing = async {
            shown.await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            failure = receiver.run() => failure.into(),
            () = showing => unreachable!("it never ends"),
        }
    })
}
