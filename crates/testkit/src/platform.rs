//! A platform that keeps count: what was posted, how often, with which label; and that misbehaves as it is told.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How the platform takes the next post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It stands, and the sender is told.
    Store,
    /// It stands, and the sender never hears of it.
    StoreSilently,
    /// It is lost, and the sender never hears of it.
    LoseSilently,
    /// It never gets there, and the sender knows.
    Unreachable,
    /// It is refused for good.
    Refuse,
    /// It stands, and the sender's process breaks before it can take note.
    StoreAndBreak,
}

/// What stands at the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Of the part: outbound and first byte.
    pub name: String,
    pub text: String,
    pub is_labelled: bool,
}

/// A platform in memory.
#[derive(Debug, Default)]
pub struct FakePlatform {
    posted: Mutex<Vec<Posted>>,
    script: Mutex<VecDeque<Behaviour>>,
}

// === impl FakePlatform ===

impl FakePlatform {
    /// Takes the next posts as `script` says, and stores all that follow.
    pub fn that(script: impl IntoIterator<Item = Behaviour>) -> Self {
        Self { posted: Mutex::default(), script: Mutex::new(script.into_iter().collect()) }
    }

    /// Takes a post, and tells how.
    pub fn post(&self, posted: Posted) -> Behaviour {
        let behaviour = lock(&self.script).pop_front().unwrap_or(Behaviour::Store);
        if matches!(behaviour, Behaviour::Store | Behaviour::StoreSilently | Behaviour::StoreAndBreak) {
            lock(&self.posted).push(posted);
        }
        behaviour
    }

    /// Everything that stands, oldest first.
    pub fn posted(&self) -> Vec<Posted> {
        lock(&self.posted).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The platform outlives those who break while they talk to it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
