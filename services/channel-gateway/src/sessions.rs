//! Who may use the page: login tokens and page sessions, as plain values. Times are Unix milliseconds.
//!
//! Only hashes are kept, so that whoever reads the file cannot log in with it. An expiry is stored as issued-at and length: a clock
//! before issued-at means expired, so that a clock that jumps back lets nobody in.

use std::{cmp::Reverse, collections::BTreeMap};

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
/// Hexadecimal digits of a session's id: too few to find the secret, enough to tell a hundred sessions apart.
const ID_DIGITS: usize = 16;
/// Longest name of a browser that is kept, in characters.
const AGENT_CHARS_MAX: usize = 200;

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
    /// What the browser called itself when it logged in; for its owner to know it again, never to be trusted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    agent: String,
}

/// A session, as its owner may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Listed {
    /// Names it, and lets nobody in: the beginning of the hash.
    pub(crate) id: String,
    pub(crate) began_ms: u64,
    /// To about an hour.
    pub(crate) used_ms: u64,
    pub(crate) agent: String,
    /// The one that asks.
    pub(crate) is_current: bool,
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

    /// Swaps a login link for a session whose secret is `session`, of the browser that calls itself `agent`. A link works once.
    pub(crate) fn log_in(&mut self, token: &str, (session, agent): (&str, &str), now_ms: u64) -> bool {
        let Some(issued_ms) = self.tokens.remove(&Hash::of(token)) else { return false };
        if !is_within(issued_ms, LOGIN_MS, now_ms) {
            return false;
        }
        let agent = agent.chars().filter(|character| !character.is_control()).take(AGENT_CHARS_MAX).collect();
        self.sessions.insert(Hash::of(session), Session { began_ms: now_ms, used_ms: now_ms, agent });
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

    /// The sessions that may come in now, the one that was used last first. `current` is the one that asks.
    pub(crate) fn list(&self, current: &str, now_ms: u64) -> Vec<Listed> {
        let current = Hash::of(current);
        let living = self.sessions.iter().filter(|(_, session)| is_within(session.used_ms, IDLE_MS, now_ms));
        let mut listed: Vec<Listed> = living
            .map(|(hash, Session { began_ms, used_ms, agent })| Listed {
                id: hash.id().to_owned(),
                began_ms: *began_ms,
                used_ms: *used_ms,
                agent: agent.clone(),
                is_current: *hash == current,
            })
            .collect();
        listed.sort_by_key(|session| Reverse((session.is_current, session.used_ms, session.began_ms)));
        listed
    }

    /// Ends the session that [`Sessions::list`] calls `id`. Returns whether there was one.
    pub(crate) fn revoke(&mut self, id: &str) -> bool {
        let before = self.sessions.len();
        self.sessions.retain(|hash, _| hash.id() != id);
        self.sessions.len() < before
    }
}

// === impl Hash ===

impl Hash {
    fn of(secret: &str) -> Self {
        Self(HEXLOWER.encode(&Sha256::digest(secret.as_bytes())))
    }

    /// A file that was written by hand may hold a shorter one.
    fn id(&self) -> &str {
        self.0.get(..ID_DIGITS).unwrap_or(&self.0)
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
        assert!(sessions.log_in("secret-link", ("secret-session", "Browser/1"), 2_000));
        sessions
    }

    /// A second browser logs in.
    fn log_in_another(sessions: &mut Sessions, now_ms: u64) {
        sessions.issue("another-link", now_ms);
        assert!(sessions.log_in("another-link", ("another-session", "Browser/2"), now_ms));
    }

    #[test]
    fn a_link_works_once() {
        let mut sessions = logged_in();
        assert!(!sessions.log_in("secret-link", ("other", ""), 2_001));
    }

    #[test]
    fn a_link_expires_and_works_not_before_its_issue() {
        for (now_ms, works) in [(1_000 + LOGIN_MS, true), (1_001 + LOGIN_MS, false), (999, false)] {
            let mut sessions = Sessions::default();
            sessions.issue("secret-link", 1_000);
            assert_eq!(sessions.log_in("secret-link", ("secret-session", ""), now_ms), works, "at {now_ms}");
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
    fn the_session_that_asks_is_listed_first_and_as_such() {
        let mut sessions = logged_in();
        log_in_another(&mut sessions, 3_000);
        let listed = sessions.list("secret-session", 4_000);
        let seen: Vec<_> = listed.iter().map(|session| (session.agent.as_str(), session.began_ms, session.is_current)).collect();
        assert_eq!(seen, [("Browser/1", 2_000, true), ("Browser/2", 3_000, false)]);
    }

    #[test]
    fn a_session_that_expired_is_not_listed() {
        assert_eq!(logged_in().list("", 2_001 + IDLE_MS), []);
    }

    #[test]
    fn who_is_revoked_does_not_come_in_and_others_do() {
        let mut sessions = logged_in();
        log_in_another(&mut sessions, 3_000);
        let id = sessions.list("secret-session", 4_000)[1].id.clone();
        assert_eq!([sessions.revoke(&id), sessions.revoke(&id)], [true, false]);
        let admissions = ["secret-session", "another-session"].map(|session| sessions.admit(session, 4_000));
        assert_eq!(admissions, [Admission::Admitted, Admission::Refused]);
    }

    #[test]
    fn what_a_browser_calls_itself_is_cut_and_printable() {
        let mut sessions = Sessions::default();
        sessions.issue("link", 1_000);
        sessions.log_in("link", ("session", &format!("a\nb{}", "x".repeat(1_000))), 1_000);
        let agent = sessions.list("", 1_000).remove(0).agent;
        assert_eq!((agent.len(), &agent[..3]), (200, "abx"));
    }

    #[test]
    fn sessions_of_an_earlier_version_are_read() {
        let kept = format!(r#"{{"sessions":{{"{}":{{"began_ms":1,"used_ms":2}}}}}}"#, Hash::of("secret-session").0);
        let mut read: Sessions = serde_json::from_str(&kept).unwrap();
        assert_eq!(read.admit("secret-session", 3), Admission::Admitted);
    }

    #[test]
    fn what_is_kept_holds_no_secret_and_no_link() {
        let mut sessions = logged_in();
        sessions.issue("secret-another", 3_000);
        let kept = serde_json::to_string(&sessions).unwrap();
        assert!(!kept.contains("secret"), "{kept}");
        let mut read: Sessions = serde_json::from_str(&kept).unwrap();
        assert_eq!(read.admit("secret-session", 2_001), Admission::Admitted);
        assert!(!read.log_in("secret-another", ("new", ""), 3_001));
    }

    #[test]
    fn the_oldest_links_make_room() {
        let mut sessions = Sessions::default();
        for number in 0..=TOKENS_MAX as u64 {
            sessions.issue(&format!("link {number}"), 1_000 + number);
        }
        assert!(!sessions.log_in("link 0", ("a", ""), 2_000));
        assert!(sessions.log_in("link 1", ("b", ""), 2_000));
    }
}
