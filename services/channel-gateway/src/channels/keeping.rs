//! Keeps a receiver alive: one that fails or panics is built anew after a pause. No other channel notices.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use argentum_proto::ids::Gateway;
use argentum_service::Process;
use tracing::{error, warn};

use super::backoff::Backoff;

/// Pause before a receiver is built anew; doubles.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Failures before so long a life are forgiven.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// One life of a receiver; it ends only by failing, and its error was told to nobody yet.
pub(crate) type Life = Pin<Box<dyn Future<Output = Box<dyn std::error::Error + Send + Sync>> + Send>>;

/// Runs lives on the worker threads, one after the other, until the process quiesces.
pub(crate) fn keep(gateway: Gateway, process: &Process, live: impl Fn() -> Life + Send + 'static) {
    let quiescing = process.quiescing().clone();
    process.work().spawn(async move {
        let ending = quiescing.clone();
        tokio::select! {
            () = ending.cancelled() => {}
            () = run(gateway, live) => {}
        }
    });
}

async fn run(gateway: Gateway, live: impl Fn() -> Life) {
    let mut backoff = Backoff::new(PAUSE_MIN, PAUSE_MAX);
    loop {
        let began = Instant::now();
        // In a set of its own: a panic ends only this life, and so does the end of this loop.
        let mut life = tokio::task::JoinSet::new();
        life.spawn(live());
        match life.join_next().await {
            Some(Ok(failure)) => warn!(%gateway, error = argentum_service::chain(failure.as_ref()), "receiver failed; building it anew"),
            Some(Err(panic)) => error!(%gateway, error = %panic, "receiver broke; building it anew"),
            None => return,
        }
        if FORGIVEN_AFTER <= began.elapsed() {
            backoff.reset();
        }
        tokio::time::sleep(backoff.next()).await;
    }
}
