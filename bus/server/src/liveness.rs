//! When a silent connection is pinged and when it is given up: a plain value that is asked with the time.

use std::time::{Duration, Instant};

/// After CONNECT the first ping comes this soon, to learn the round trip.
const FIRST_PING: Duration = Duration::from_secs(2);

/// Even a busy connection is pinged this often.
const ROUND_TRIP_INTERVAL: Duration = Duration::from_secs(3600);

/// The liveness of one connection.
#[derive(Debug)]
pub(crate) struct Liveness {
    ping_interval: Duration,
    pings_outstanding_max: u32,
    pings_outstanding: u32,
    last_activity: Instant,
    last_ping: Option<Instant>,
    /// Until when credentials must have come.
    auth_deadline: Option<Instant>,
    next: Instant,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Ping,
    Stale,
    AuthenticationTimeout,
}

// === impl Liveness ===

impl Liveness {
    /// A connection that just opened; `auth_timeout` where it must show credentials.
    pub(crate) fn new(ping_interval: Duration, pings_outstanding_max: u32, auth_timeout: Option<Duration>, now: Instant) -> Self {
        Self {
            ping_interval,
            pings_outstanding_max,
            pings_outstanding: 0,
            last_activity: now,
            last_ping: None,
            auth_deadline: auth_timeout.map(|timeout| now + timeout),
            next: now + ping_interval,
        }
    }

    /// CONNECT came. `spread` between 0 and 1 sets apart connections that opened together.
    pub(crate) fn connected(&mut self, now: Instant, spread: f64) {
        self.auth_deadline = None;
        self.last_activity = now;
        let first = self.ping_interval.min(FIRST_PING);
        self.next = now + first + first.mul_f64(0.2 * spread.clamp(0.0, 1.0));
    }

    /// Messages, subscriptions or a ping came in.
    pub(crate) fn active(&mut self, now: Instant) {
        self.last_activity = now;
    }

    pub(crate) fn pong(&mut self) {
        self.pings_outstanding = 0;
    }

    /// When to ask again.
    pub(crate) fn deadline(&self) -> Instant {
        self.auth_deadline.map_or(self.next, |deadline| deadline.min(self.next))
    }

    /// What is due at `now`.
    pub(crate) fn due(&mut self, now: Instant) -> Due {
        if self.auth_deadline.is_some_and(|deadline| deadline <= now) {
            return Due::AuthenticationTimeout;
        }
        if now < self.next {
            return Due::Nothing;
        }
        self.next = now + self.ping_interval;
        let is_quiet = self.ping_interval <= now.saturating_duration_since(self.last_activity);
        let is_round_trip_old = self.last_ping.is_none_or(|last| ROUND_TRIP_INTERVAL <= now.saturating_duration_since(last));
        if !is_quiet && !is_round_trip_old {
            return Due::Nothing;
        }
        if self.pings_outstanding_max <= self.pings_outstanding {
            return Due::Stale;
        }
        self.pings_outstanding += 1;
        self.last_ping = Some(now);
        Due::Ping
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(120);

    #[test]
    fn pings_soon_after_connect_then_only_the_silent() {
        let start = Instant::now();
        let mut liveness = Liveness::new(INTERVAL, 2, None, start);
        liveness.connected(start, 0.5);
        let first = liveness.deadline();
        assert!(start + FIRST_PING <= first && first <= start + FIRST_PING * 12 / 10);
        assert_eq!(liveness.due(first), Due::Ping);
        liveness.pong();
        liveness.active(first + INTERVAL / 2);
        let second = liveness.deadline();
        assert_eq!(liveness.due(second), Due::Nothing);
        assert_eq!(liveness.due(second + INTERVAL), Due::Ping);
    }

    #[test]
    fn is_stale_after_unanswered_pings() {
        let start = Instant::now();
        let mut liveness = Liveness::new(INTERVAL, 2, None, start);
        let due: Vec<Due> = (1..=3).map(|round| liveness.due(start + INTERVAL * round)).collect();
        assert_eq!(due, [Due::Ping, Due::Ping, Due::Stale]);
    }

    #[test]
    fn credentials_must_come_in_time() {
        let start = Instant::now();
        let mut liveness = Liveness::new(INTERVAL, 2, Some(Duration::from_secs(2)), start);
        assert_eq!(liveness.due(start + Duration::from_secs(1)), Due::Nothing);
        assert_eq!(liveness.due(start + Duration::from_secs(2)), Due::AuthenticationTimeout);
        liveness.connected(start, 0.5);
        assert_eq!(liveness.due(start + Duration::from_secs(2)), Due::Nothing);
    }
}
