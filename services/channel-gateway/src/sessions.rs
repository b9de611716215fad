//! Who may use the page: login tokens and page sessions, as plain values. Times are Unix milliseconds.
//!
//! Only hashes are kept, so that whoever reads the file cannot log in with it. An expiry is stored as issued-at and length: a clock
//! before issued-at means expired, so that a clock that jumps back lets nobody in.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How long a login link is good for.
pub(crate) const LOGIN_MS: u64 = 10 * 60 * 1000;
/// How long a session may be idle.
pub(crate) const IDLE_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// How often the use of a session is noted.
const NOTE_MS: u64 = 60 * 60 * 1000;
/// Links and sessions kept; the oldest make room.
const TOKENS_MAX: usize = 32;
const SESSIONS_MAX: usize = 100;

/// SHA-256 of a secret, in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Hash(String);

/// Everybody who may use the page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sessions {
    sessions: BTreeMap<Hash, Session>,
    /// Login links that nobody has used; they end with the process.
    #[serde(skip)]
    tokens: BTreeMap<Hash, u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Session {
    began_ms: u64,
    used_ms: u64,
}

/// What becomes of a session that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Refused,
    Admitted,
    /// Admitted, and the sessions have changed: they are to be kept.
    Noted,
}

// === impl Sessions ===

impl Sessions {
    /// Takes note of a login link whose secret is `token`.
    pub(crate) fn issue(&mut self, token: &str, now_ms: u64) {
        self.tokens.insert(Hash::of(token), now_ms);
        drop_oldest(&mut self.tokens, TOKENS_MAX, |issued_ms| *issued_ms);
    }

    /// Swaps a login link for a session whose secret is `session`. A link works once.
    pub(crate) fn log_in(&mut self, token: &str, session: &str, now_ms: u64) -> bool {
        let Some(issued_ms) = self.tokens.remove(&Hash::of(token)) else { return false };
        if !is_within(issued_ms, LOGIN_MS, now_ms) {
            return false;
        }
        self.sessions.insert(Hash::of(session), Session { began_ms: now_ms, used_ms: now_ms });
        drop_oldest(&mut self.sessions, SESSIONS_MAX, |session| session.used_ms);
        true
    }

    /// Whether `session` may come in now.
    pub(crate) fn admit(&mut self, session: &str, now_ms: u64) -> Admission {
        let hash = Hash::of(session);
        match self.sessions.get_mut(&hash) {
            Some(known) if is_within(known.used_ms, IDLE_MS, now_ms) => {
                if now_ms - known.used_ms < NOTE_MS {
                    return Admission::Admitted;
                }
                known.used_ms = now_ms;
                Admission::Noted
            }
            _ => Admission::Refused,
        }
    }

    /// Ends `session`. Returns whether there was one.
    pub(crate) fn log_out(&mut self, session: &str) -> bool {
        self.sessions.remove(&Hash::of(session)).is_some()
    }
}

// === impl Hash ===

impl Hash {
    fn of(secret: &str) -> Self {
        Self(HEXLOWER.encode(&Sha256::digest(secret.as_bytes())))
    }
}

fn is_within(since_ms: u64, length_ms: u64, now_ms: u64) -> bool {
    since_ms <= now_ms && now_ms - since_ms <= length_ms
}

fn drop_oldest<T>(entries: &mut BTreeMap<Hash, T>, count_max: usize, age: impl Fn(&T) -> u64) {
    while entries.len() > count_max
        && let Some(oldest) = entries.iter().min_by_key(|(_, entry)| age(entry)).map(|(hash, _)| hash.clone())
    {
        entries.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged_in() -> Sessions {
        let mut sessions = Sessions::default();
        sessions.issue("secret-link", 1_000);
        assert!(sessions.log_in("secret-link", "secret-session", 2_000));
        sessions
    }

    #[test]
    fn a_link_works_once() {
        let mut sessions = logged_in();
        assert!(!sessions.log_in("secret-link", "other", 2_001));
    }

    #[test]
    fn a_link_expires_and_works_not_before_its_issue() {
        for (now_ms, works) in [(1_000 + LOGIN_MS, true), (1_001 + LOGIN_MS, false), (999, false)] {
            let mut sessions = Sessions::default();
            sessions.issue("secret-link", 1_000);
            assert_eq!(sessions.log_in("secret-link", "secret-session", now_ms), works, "at {now_ms}");
        }
    }

    #[test]
    fn a_session_lives_as_long_as_it_is_used() {
        let mut sessions = logged_in();
        let mut now_ms = 2_000;
        for _ in 0..10 {
            now_ms += IDLE_MS;
            assert_eq!(sessions.admit("secret-session", now_ms), Admission::Noted);
        }
        assert_eq!(sessions.admit("secret-session", now_ms + 1), Admission::Admitted);
        assert_eq!(sessions.admit("secret-session", now_ms + IDLE_MS + 1), Admission::Refused);
    }

    #[test]
    fn a_clock_that_jumps_back_lets_nobody_in() {
        assert_eq!(logged_in().admit("secret-session", 1_999), Admission::Refused);
    }

    #[test]
    fn nobody_comes_in_after_logging_out() {
        let mut sessions = logged_in();
        assert!(sessions.log_out("secret-session"));
        assert_eq!(sessions.admit("secret-session", 2_001), Admission::Refused);
    }

    #[test]
    fn what_is_kept_holds_no_secret_and_no_link() {
        let mut sessions = logged_in();
        sessions.issue("secret-another", 3_000);
        let kept = serde_json::to_string(&sessions).unwrap();
        assert!(!kept.contains("secret"), "{kept}");
        let mut read: Sessions = serde_json::from_str(&kept).unwrap();
        assert_eq!(read.admit("secret-session", 2_001), Admission::Admitted);
        assert!(!read.log_in("secret-another", "new", 3_001));
    }

    #[test]
    fn the_oldest_links_make_room() {
        let mut sessions = Sessions::default();
        for number in 0..=TOKENS_MAX as u64 {
            sessions.issue(&format!("link {number}"), 1_000 + number);
        }
        assert!(!sessions.log_in("link 0", "a", 2_000));
        assert!(sessions.log_in("link 1", "b", 2_000));
    }
}
