//! Which accounts their platform has not let in: the operator reads it in `argentum status`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use argentum_proto::ids::Gateway;
use argentum_service::health::{self, Health, LOGIN_PENDING, LOGIN_REFUSED};

/// The accounts of this process that are not let in, with the health code that says why.
pub(super) struct Standings {
    health: Health,
    outside: Mutex<BTreeMap<Gateway, &'static str>>,
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
        Arc::new(Self { health, outside: Mutex::default() })
    }

    /// The standing of an account that begins.
    pub(super) fn of(self: &Arc<Self>, gateway: Gateway) -> Standing {
        self.note(&gateway, Some(LOGIN_PENDING));
        Standing { gateway, all: Arc::clone(self) }
    }

    fn note(&self, gateway: &Gateway, code: Option<&'static str>) {
        let mut outside = self.outside.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match code {
            Some(code) => outside.insert(gateway.clone(), code),
            None => outside.remove(gateway),
        };
        if before != code {
            self.health.report(outside.iter().map(|(gateway, code)| health::about(code, gateway)).collect());
        }
    }
}

// === impl Standing ===

impl Standing {
    /// Notes whether the platform refused the account's token or password when it was last shown.
    pub(super) fn note_login(&self, is_refused: bool) {
        self.all.note(&self.gateway, is_refused.then_some(LOGIN_REFUSED));
    }
}

/// The standing of an account that no orchestrator hears of.
#[cfg(test)]
pub(super) fn of_nobody() -> Standing {
    let gateway = "home".parse().expect("it is a name of an account");
    Standings::new(Health::unheard()).of(gateway)
}
