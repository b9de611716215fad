//! Which accounts their platform does not let in: the operator reads it in `argentum status`.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use argentum_proto::ids::Gateway;
use argentum_service::Health;

/// Begins the health code of an account that is refused; its name follows.
const LOGIN_REFUSED: &str = "login-refused:";

/// The accounts of this process that are refused.
pub(super) struct Standings {
    health: Health,
    refused: Mutex<BTreeSet<Gateway>>,
}

/// How one account stands with its platform. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Standing {
    gateway: Gateway,
    all: Arc<Standings>,
}

// === impl Standings ===

impl Standings {
    pub(super) fn new(health: Health) -> Arc<Self> {
        Arc::new(Self { health, refused: Mutex::default() })
    }

    pub(super) fn of(self: &Arc<Self>, gateway: Gateway) -> Standing {
        Standing { gateway, all: Arc::clone(self) }
    }
}

// === impl Standing ===

impl Standing {
    /// Notes whether the platform refused the account's token or password when it was last shown.
    pub(super) fn note_login(&self, is_refused: bool) {
        let mut refused = self.all.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = if is_refused { refused.insert(self.gateway.clone()) } else { refused.remove(&self.gateway) };
        if is_news {
            self.all.health.report(refused.iter().map(|gateway| format!("{LOGIN_REFUSED}{gateway}")).collect());
        }
    }
}

/// The standing of an account that no orchestrator hears of.
#[cfg(test)]
pub(super) fn of_nobody() -> Standing {
    let gateway = "home".parse().expect("it is a name of an account");
    Standings::new(Health::unheard()).of(gateway)
}
