//! Secrets that a service has borrowed from the vault.
//!
//! A lease is kept in memory and renewed at a third of its life, when it is next used. While the vault is down it goes on until it
//! expires, counted from its receipt on a clock that nobody sets. What the vault no longer gives ends at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use argentum_bus::{Bus, Caller, Credential, ErrorCode, Fault};
use argentum_proto::vault::v1::{LeaseSecretRequest, LeaseSecretResponse};

use crate::sealing::{Recipient, SUITE, SecretBytes, lease_context};

/// Secrets that one process may hold.
const LEASES_MAX: usize = 256;
/// How often a vault that does not answer is asked for a renewal, per secret.
const RENEWAL_PAUSE: Duration = Duration::from_secs(5);

/// The leases of a process. Cheap to clone.
#[derive(Clone)]
pub struct Leases {
    bus: Bus,
    service: Credential,
    held: Arc<Mutex<HashMap<String, Lease>>>,
    /// One asks; the others wait for what it gets.
    asking: Arc<tokio::sync::Mutex<()>>,
}

struct Lease {
    secret: Arc<SecretBytes>,
    expires: Instant,
    renew: Instant,
}

// === impl Lease ===

impl Lease {
    fn new(secret: SecretBytes, ttl: Duration, now: Instant) -> Self {
        Self { secret: Arc::new(secret), expires: now + ttl, renew: now + ttl / 3 }
    }

    fn is_live(&self, now: Instant) -> bool {
        now < self.expires
    }

    fn is_fresh(&self, now: Instant) -> bool {
        now < self.renew && self.is_live(now)
    }
}

// === impl Leases ===

impl Leases {
    /// Leases of the process that speaks on `bus`.
    pub fn new(bus: Bus) -> Self {
        let service = bus.credential();
        Self { bus, service, held: Arc::default(), asking: Arc::default() }
    }

    /// The secret `name`, leased now or before.
    pub async fn secret(&self, name: &str) -> Result<Arc<SecretBytes>, Fault> {
        if let Some(secret) = self.held(name, Lease::is_fresh) {
            return Ok(secret);
        }
        let _one = self.asking.lock().await;
        if let Some(secret) = self.held(name, Lease::is_fresh) {
            return Ok(secret);
        }
        match self.ask(name).await {
            Ok(lease) => Ok(self.hold(name, lease)),
            Err(fault) => self.go_on(name, fault),
        }
    }

    async fn ask(&self, name: &str) -> Result<Lease, Fault> {
        let recipient = Recipient::new();
        let request = LeaseSecretRequest { name: name.to_owned(), suite: Some(SUITE), public_key: recipient.public().into() };
        let LeaseSecretResponse { sealed, ttl_ms } = self.bus.request(&Caller(self.service), &request).await?;
        let sealed = sealed.ok_or_else(|| Fault::internal("the vault answered without a secret"))?;
        let secret = recipient.open(&sealed, &lease_context(self.service.token(), name));
        let secret = secret.map_err(|error| Fault::internal(format!("the vault's answer: {error}")))?;
        Ok(Lease::new(secret, Duration::from_millis(ttl_ms), Instant::now()))
    }

    fn hold(&self, name: &str, lease: Lease) -> Arc<SecretBytes> {
        let secret = Arc::clone(&lease.secret);
        let now = Instant::now();
        let mut held = self.lock();
        held.retain(|_, lease| lease.is_live(now));
        if held.len() < LEASES_MAX {
            held.insert(name.to_owned(), lease);
        }
        secret
    }

    /// What a refusal means for a lease that is still held: a vault that is down changes nothing yet.
    fn go_on(&self, name: &str, fault: Fault) -> Result<Arc<SecretBytes>, Fault> {
        let now = Instant::now();
        let mut held = self.lock();
        let is_down = matches!(fault.code, ErrorCode::Unavailable | ErrorCode::Timeout | ErrorCode::Internal | ErrorCode::RateLimited);
        match held.get_mut(name) {
            Some(lease) if is_down && lease.is_live(now) => {
                lease.renew = (now + RENEWAL_PAUSE).min(lease.expires);
                Ok(Arc::clone(&lease.secret))
            }
            _ => {
                held.remove(name);
                Err(fault)
            }
        }
    }

    fn held(&self, name: &str, is_good: impl Fn(&Lease, Instant) -> bool) -> Option<Arc<SecretBytes>> {
        let now = Instant::now();
        self.lock().get(name).filter(|lease| is_good(lease, now)).map(|lease| Arc::clone(&lease.secret))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Lease>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_renewed_at_a_third_of_its_life_and_ends_with_it() {
        let received = Instant::now();
        let lease = Lease::new(SecretBytes::new(b"x".to_vec()), Duration::from_secs(900), received);
        let at = |seconds| received + Duration::from_secs(seconds);
        assert!(lease.is_fresh(at(299)));
        assert!(!lease.is_fresh(at(300)) && lease.is_live(at(899)));
        assert!(!lease.is_live(at(900)));
    }
}
