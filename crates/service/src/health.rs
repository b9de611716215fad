//! The registry of health codes: what a process tells the orchestrator of how it is, and what that means to the operator.
//!
//! A code may name what it is about behind a colon, as in `login-refused:home`.

use argentum_proto::control::v1::{self as control, FromChild, from_child};
use tokio::sync::mpsc;

pub const DISK_LOW: &str = "disk-low";
pub const VAULT_UNAVAILABLE: &str = "vault-unavailable";
/// The platform has said nothing of an account yet.
pub const LOGIN_PENDING: &str = "login-pending";
/// The platform does not take an account's token or password.
pub const LOGIN_REFUSED: &str = "login-refused";

/// Tells the orchestrator how this process is. Cheap to clone.
#[derive(Clone)]
pub struct Health(pub(crate) mpsc::Sender<FromChild>);

/// The code `code` about `subject`.
pub fn about(code: &str, subject: impl std::fmt::Display) -> String {
    format!("{code}:{subject}")
}

/// What a code means, and what helps.
pub fn meaning(code: &str) -> String {
    match code.split_once(':').unwrap_or((code, "")) {
        (DISK_LOW, _) => "no new messages are taken until there is more room on the disk".to_owned(),
        (VAULT_UNAVAILABLE, _) => "no new messages are taken until the vault lends the keys of the models".to_owned(),
        (LOGIN_PENDING, account) => format!("the platform has not let `{account}` in yet; `argentum logs channel-gateway` tells why"),
        (LOGIN_REFUSED, account) => format!(
            "the platform refuses the token or password of `{account}`; put the right one with `argentum secret put channel/{account}`, \
             it is tried again within two minutes (IRC: a quarter of an hour) or with `argentum restart channel-gateway`"
        ),
        _ => "see `argentum logs`".to_owned(),
    }
}

// === impl Health ===

impl Health {
    /// One that nobody hears: for tests.
    pub fn unheard() -> Self {
        Self(mpsc::channel(1).0)
    }

    /// Tells which codes hold now. A full queue drops it: the next change tells again.
    pub fn report(&self, codes: Vec<String>) {
        let message = from_child::Message::Health(control::Health { codes });
        let _ = self.0.try_send(FromChild { message: Some(message) });
    }
}
