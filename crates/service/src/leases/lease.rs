//! How long a secret that was leased may be used, and when to ask for it again; decided from given instants.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use argentum_bus::ErrorCode;

use crate::sealing::SecretBytes;

/// No lease is held longer than this without being renewed, whatever the vault says.
const TTL_MAX: Duration = Duration::from_secs(15 * 60);
/// A renewal that failed is tried again after this, and up to as much again.
const RETRY: Duration = Duration::from_secs(5);

/// A secret with its end.
pub(super) struct Lease {
    secret: Arc<SecretBytes>,
    ttl: Duration,
    received: Instant,
    used: Instant,
    renew_at: Instant,
}

/// What the keeper of a lease does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Wait(Duration),
    Renew,
    /// The lease is over, or nobody has used it for as long as it lasts.
    End,
}

// === impl Lease ===

impl Lease {
    /// A lease that was received at `now`: the holder counts from there.
    pub(super) fn new(secret: Arc<SecretBytes>, ttl: Duration, now: Instant) -> Self {
        let ttl = ttl.min(TTL_MAX);
        Self { secret, ttl, received: now, used: now, renew_at: now + ttl / 3 }
    }

    /// The secret, while it may be used.
    pub(super) fn use_at(&mut self, now: Instant) -> Option<Arc<SecretBytes>> {
        if self.is_over(now) {
            return None;
        }
        self.used = now;
        Some(Arc::clone(&self.secret))
    }

    /// Whether it is this secret, and not one that was leased before or after it.
    pub(super) fn lends(&self, secret: &Arc<SecretBytes>) -> bool {
        Arc::ptr_eq(&self.secret, secret)
    }

    pub(super) fn next(&self, now: Instant) -> Next {
        let is_idle = self.ttl <= now.duration_since(self.used);
        if self.is_over(now) || is_idle {
            return Next::End;
        }
        match self.renew_at.checked_duration_since(now) {
            Some(wait) if !wait.is_zero() => Next::Wait(wait.min(self.ttl - now.duration_since(self.received))),
            _ => Next::Renew,
        }
    }

    /// Takes the place of the lease before, which was used as this one is.
    pub(super) fn renewing(self, before: &Lease) -> Self {
        Self { used: before.used, ..self }
    }

    /// Notes that a renewal failed at `now`; `jitter` spreads the next one. Returns whether the lease goes on: one whose secret was
    /// removed or may not be had any more ends at once.
    pub(super) fn goes_on(&mut self, code: ErrorCode, now: Instant, jitter: u64) -> bool {
        let retry_ms = u64::try_from(RETRY.as_millis()).unwrap_or(u64::MAX);
        self.renew_at = now + RETRY + Duration::from_millis(jitter % retry_ms);
        !matches!(code, ErrorCode::NotFound | ErrorCode::Forbidden) && !self.is_over(now)
    }

    fn is_over(&self, now: Instant) -> bool {
        self.ttl <= now.duration_since(self.received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(900);

    fn lease(now: Instant) -> Lease {
        Lease::new(Arc::new(SecretBytes::new(b"value".to_vec())), TTL, now)
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn a_lease_is_used_until_it_is_over() {
        let start = Instant::now();
        let mut lease = lease(start);
        assert!(lease.use_at(start + seconds(899)).is_some());
        assert!(lease.use_at(start + TTL).is_none());
    }

    #[test]
    fn a_lease_is_renewed_at_a_third() {
        let start = Instant::now();
        let lease = lease(start);
        assert_eq!(lease.next(start), Next::Wait(seconds(300)));
        assert_eq!(lease.next(start + seconds(299)), Next::Wait(seconds(1)));
        assert_eq!(lease.next(start + seconds(300)), Next::Renew);
    }

    #[test]
    fn a_lease_goes_on_without_the_vault_until_it_is_over() {
        let start = Instant::now();
        let mut lease = lease(start);
        let mut now = start;
        loop {
            let _ = lease.use_at(now);
            match lease.next(now) {
                Next::Wait(wait) => now += wait,
                Next::Renew => assert!(lease.goes_on(ErrorCode::Unavailable, now, 7), "at {:?}", now - start),
                Next::End => break,
            }
        }
        assert_eq!(now - start, TTL);
    }

    #[test]
    fn a_failed_renewal_is_not_repeated_at_once() {
        let start = Instant::now();
        let mut lease = lease(start);
        let now = start + seconds(300);
        assert!(lease.goes_on(ErrorCode::Timeout, now, 4_999));
        assert_eq!(lease.next(now), Next::Wait(Duration::from_millis(9_999)));
    }

    #[test]
    fn a_removed_secret_ends_its_lease_at_once() {
        let start = Instant::now();
        for code in [ErrorCode::NotFound, ErrorCode::Forbidden] {
            assert!(!lease(start).goes_on(code, start + seconds(300), 0), "{code}");
        }
    }

    #[test]
    fn a_renewed_lease_counts_from_its_own_receipt() {
        let start = Instant::now();
        let before = lease(start);
        let mut renewed = lease(start + seconds(300)).renewing(&before);
        assert!(renewed.use_at(start + seconds(1_199)).is_some());
        assert!(renewed.use_at(start + seconds(1_200)).is_none());
    }

    #[test]
    fn a_lease_that_nobody_uses_ends() {
        let start = Instant::now();
        let (mut now, mut held) = (start, lease(start));
        while held.next(now) != Next::End {
            now += seconds(300);
            held = lease(now).renewing(&held);
        }
        assert_eq!(now - start, TTL);
    }

    #[test]
    fn no_lease_is_longer_than_a_quarter_of_an_hour() {
        let start = Instant::now();
        let mut lease = Lease::new(Arc::new(SecretBytes::new(b"value".to_vec())), Duration::MAX, start);
        assert!(lease.use_at(start + TTL_MAX).is_none());
    }
}
