//! Reply subjects that a connection received and may therefore answer (`allow_responses`).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::permissions::Responses;

/// Reply subjects kept at a time. Beyond, expired ones are dropped, then new ones are not taken: their answers are violations.
const REPLIES_MAX: usize = 64 * 1024;

/// The open replies of one connection.
#[derive(Default)]
pub(crate) struct ResponseLedger {
    replies: Mutex<HashMap<Box<[u8]>, Reply>>,
}

struct Reply {
    received: Instant,
    answers: u32,
}

// === impl ResponseLedger ===

impl ResponseLedger {
    /// Notes that a message with this reply subject was delivered.
    pub(crate) fn expect(&self, subject: &[u8], limits: Responses, now: Instant) {
        let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        if REPLIES_MAX <= replies.len() {
            replies.retain(|_, reply| reply.is_open(limits, now));
        }
        if replies.len() < REPLIES_MAX || replies.contains_key(subject) {
            replies.insert(subject.into(), Reply { received: now, answers: 0 });
        }
    }

    /// Takes one answer to this subject, if one is left.
    pub(crate) fn take(&self, subject: &[u8], limits: Responses, now: Instant) -> bool {
        let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(reply) = replies.get_mut(subject) else { return false };
        let is_open = reply.is_open(limits, now);
        reply.answers += 1;
        if !reply.is_open(limits, now) {
            replies.remove(subject);
        }
        is_open
    }
}

// === impl Reply ===

impl Reply {
    fn is_open(&self, limits: Responses, now: Instant) -> bool {
        limits.messages_max.is_none_or(|max| self.answers < max)
            && limits.expires.is_none_or(|expires| now.saturating_duration_since(self.received) <= expires)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn answers_end_by_count_and_by_time() {
        let (ledger, start) = (ResponseLedger::default(), Instant::now());
        let limits = Responses { messages_max: Some(2), expires: Some(Duration::from_secs(1)) };
        ledger.expect(b"r", limits, start);
        let by_count: Vec<bool> = (0..3).map(|_| ledger.take(b"r", limits, start)).collect();
        ledger.expect(b"r", limits, start);
        let too_late = ledger.take(b"r", limits, start + Duration::from_secs(2));
        assert_eq!((by_count, too_late), (vec![true, true, false], false));
    }

    #[test]
    fn the_number_of_open_replies_is_bounded() {
        let (ledger, start) = (ResponseLedger::default(), Instant::now());
        let limits = Responses::default();
        for number in 0..=REPLIES_MAX {
            ledger.expect(number.to_string().as_bytes(), limits, start);
        }
        let newest = REPLIES_MAX.to_string();
        assert!(!ledger.take(newest.as_bytes(), limits, start) && ledger.take(b"0", limits, start));
    }
}
