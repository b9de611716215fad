//! Secrets that the vault lends to this process.
//!
//! A secret is asked for when it is first used, kept in memory, and renewed in the background at a third of its time for as long as it
//! is used. While the vault is down, a live lease goes on until it is over. A secret that was removed ends with the next renewal.

mod lease;

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use argentum_bus::{Bus, Caller, ErrorCode, Fault};
use argentum_proto::vault::v1::LeaseSecretRequest;
use tokio::{sync::watch, task::AbortHandle, time::sleep};
use tracing::{Instrument, debug, info};

use crate::sealing::{Recipient, SUITE, SecretBytes, lease_context};
use lease::{Lease, Next};

/// Secrets held at once.
const NAMES_MAX: usize = 256;

type Outcome = Result<Arc<SecretBytes>, Fault>;

/// The leases of one process. Cheap to clone; all clones share them.
#[derive(Clone)]
pub struct Leases(Arc<Shared>);

struct Shared {
    bus: Bus,
    names: Mutex<HashMap<String, Entry>>,
}

enum Entry {
    /// Somebody has asked; whoever comes now waits for the same answer.
    Asking(watch::Receiver<Option<Outcome>>),
    Held {
        lease: Lease,
        keeper: AbortHandle,
    },
}

/// What a use of a secret finds.
enum Found {
    Live(Arc<SecretBytes>),
    Asked(watch::Receiver<Option<Outcome>>),
}

// === impl Leases ===

impl Leases {
    pub fn new(bus: Bus) -> Self {
        Self(Arc::new(Shared { bus, names: Mutex::default() }))
    }

    /// The secret `name`, for one use: whoever needs it again asks again, so that it ends with its lease.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] and [`ErrorCode::Forbidden`] are final; any other may pass.
    pub async fn secret(&self, name: &str) -> Result<Arc<SecretBytes>, Fault> {
        let mut answer = match self.find(name)? {
            Found::Live(secret) => return Ok(secret),
            Found::Asked(answer) => answer,
        };
        let told = answer.wait_for(Option::is_some).await.map_err(|_| Fault::internal("the lease was given up"))?;
        told.clone().unwrap_or_else(|| Err(Fault::internal("the lease was not answered")))
    }

    /// Lets go of a secret that was not accepted where it was shown: the next use asks the vault, which may have a newer one.
    pub fn refused(&self, name: &str, secret: &Arc<SecretBytes>) {
        let mut names = self.0.lock();
        if matches!(names.get(name), Some(Entry::Held { lease, .. }) if lease.lends(secret)) {
            names.remove(name);
        }
    }

    fn find(&self, name: &str) -> Result<Found, Fault> {
        let mut names = self.0.lock();
        let is_full = NAMES_MAX <= names.len();
        match names.get_mut(name) {
            Some(Entry::Asking(answer)) => return Ok(Found::Asked(answer.clone())),
            Some(Entry::Held { lease, .. }) => {
                if let Some(secret) = lease.use_at(Instant::now()) {
                    return Ok(Found::Live(secret));
                }
            }
            None if is_full => {
                return Err(Fault::new(ErrorCode::RateLimited, format!("{NAMES_MAX} secrets are leased already; wait until one ends")));
            }
            None => {}
        }
        let (teller, answer) = watch::channel(None);
        names.insert(name.to_owned(), Entry::Asking(answer.clone()));
        tokio::spawn(first(Arc::clone(&self.0), name.to_owned(), teller).in_current_span());
        Ok(Found::Asked(answer))
    }
}

// === impl Shared ===

impl Shared {
    /// Asks the vault for `name`.
    async fn ask(&self, name: &str) -> Result<Lease, Fault> {
        let recipient = Recipient::new();
        let caller = self.bus.credential();
        let request = LeaseSecretRequest { name: name.to_owned(), suite: Some(SUITE), public_key: recipient.public().into() };
        let response = self.bus.request(&Caller(caller), &request).await?;
        let received = Instant::now();
        let sealed = response.sealed.ok_or_else(|| Fault::internal("the vault's answer holds nothing"))?;
        let secret = recipient.open(&sealed, &lease_context(caller.token(), name)).map_err(|error| Fault::internal(error.to_string()))?;
        Ok(Lease::new(Arc::new(secret), Duration::from_millis(response.ttl_ms), received))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        // No code that panics runs under this lock.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the keeper of `name` does now; nothing where the lease was given up.
    fn next(&self, name: &str) -> Next {
        match self.lock().get(name) {
            Some(Entry::Held { lease, .. }) => lease.next(Instant::now()),
            _ => Next::End,
        }
    }

    /// Takes the outcome of a renewal. Returns whether the lease goes on.
    fn renewed(&self, name: &str, outcome: Result<Lease, Fault>) -> bool {
        let mut names = self.lock();
        let Some(Entry::Held { lease, .. }) = names.get_mut(name) else { return false };
        match outcome {
            Ok(renewed) => {
                *lease = renewed.renewing(lease);
                true
            }
            Err(fault) => {
                debug!(name, %fault, "lease not renewed");
                lease.goes_on(fault.code, Instant::now(), RandomState::new().build_hasher().finish())
            }
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Entry::Held { keeper, .. } = self {
            keeper.abort();
        }
    }
}

/// Asks for a secret that is not held, and tells everybody who waits. It goes on where the one who asked first has gone.
async fn first(shared: Arc<Shared>, name: String, teller: watch::Sender<Option<Outcome>>) {
    let outcome = shared.ask(&name).await.map(|mut lease| {
        // A lease without length is good for the use that asked for it.
        let secret = lease.use_at(Instant::now());
        (secret, lease)
    });
    let told = {
        let mut names = shared.lock();
        match outcome {
            Ok((Some(secret), lease)) => {
                let keeper = tokio::spawn(keep(Arc::downgrade(&shared), name.clone())).abort_handle();
                names.insert(name, Entry::Held { lease, keeper });
                Ok(secret)
            }
            Ok((None, _)) => {
                names.remove(&name);
                Err(Fault::unavailable("the lease was over when it came"))
            }
            Err(fault) => {
                names.remove(&name);
                Err(fault)
            }
        }
    };
    teller.send_replace(Some(told));
}

/// Renews a lease until it ends. The leases themselves are not kept alive by it.
async fn keep(leases: Weak<Shared>, name: String) {
    loop {
        let Some(shared) = leases.upgrade() else { return };
        match shared.next(&name) {
            Next::Wait(wait) => {
                drop(shared);
                sleep(wait).await;
            }
            Next::Renew => {
                let outcome = shared.ask(&name).await;
                if !shared.renewed(&name, outcome) {
                    break end(&shared, &name);
                }
            }
            Next::End => break end(&shared, &name),
        }
    }
}

/// Forgets a lease, and with it its keeper: the last thing that a keeper does.
fn end(shared: &Shared, name: &str) {
    info!(name, "lease ended");
    let mut names = shared.lock();
    if matches!(names.get(name), Some(Entry::Held { .. })) {
        names.remove(name);
    }
}
