//! What tests of several crates share: a real embedded bus with the permission matrix in force, the runtime of production, and a
//! process without an orchestrator.
//!
//! It knows no service crate. What it cannot do it says by panicking: it runs in tests only.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

pub mod irc;
mod life;
mod platform;
mod sandbox;
pub mod telegram;
pub mod vendor;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

pub use life::Life;
pub use platform::{Behaviour, FakePlatform, Posted};
pub use sandbox::{Sandbox, Tenant, chat, web};

/// Longer than anything that works takes, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a test on an actix System over a multi-thread runtime, as in production.
pub fn run(test: impl Future<Output = ()>) {
    let runtime = Arc::new(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());
    actix::System::with_tokio_rt(move || runtime).block_on(test);
}

/// Waits until `condition` gives something.
pub async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
