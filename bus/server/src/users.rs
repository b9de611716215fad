//! The users of a server, and which connections are theirs right now.
//!
//! A connection is admitted and a user is removed under one lock, so a connection is either in the list that the removal cuts, or it is refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::authentication::{Credential, Verdict, is_anonymous};
use crate::client::{Client, Ending};
use crate::permissions::{Access, Permissions};
use crate::wire::ConnectOptions;

/// Someone who may connect.
pub struct User {
    /// Unique among the users; it appears in logs.
    pub name: String,
    pub credential: Credential,
    pub permissions: Permissions,
}

/// The users of a server. A cheap handle: clones see the same users.
#[derive(Clone, Default)]
pub struct Users {
    entries: Arc<Mutex<HashMap<String, Entry>>>,
}

/// A user in the form that connections hold.
pub(crate) struct Account {
    pub(crate) name: String,
    credential: Credential,
    pub(crate) access: Access,
}

struct Entry {
    account: Arc<Account>,
    connections: Vec<Arc<Client>>,
}

/// Whom an offer of credentials belongs to.
pub(crate) enum Identity {
    Known(Arc<Account>),
    /// One of these, if its bcrypt hash agrees.
    Hashed(Vec<Arc<Account>>),
    Unknown,
}

// === impl Users ===

impl Users {
    /// Adds a user, who can connect from now on. A user of the same name is replaced as if it had been removed.
    pub fn insert(&self, user: User) {
        let account = Arc::new(Account::new(user));
        let replaced = self.lock().insert(account.name.clone(), Entry { account, connections: Vec::new() });
        cut(replaced);
    }

    /// Removes a user and cuts its connections: nothing more is delivered to them, and of what they sent only an operation that is already being
    /// carried out still finishes. [`Users::revoke`] waits for that, too.
    pub fn remove(&self, name: &str) {
        let removed = self.lock().remove(name);
        cut(removed);
    }

    /// As [`Users::remove`], and waits until the last of the connections is closed and its subscriptions are gone.
    pub async fn revoke(&self, name: &str) {
        let removed = self.lock().remove(name);
        for connection in cut(removed) {
            connection.gone().await;
        }
    }

    /// The names of all users, in no order.
    pub fn names(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    pub(crate) fn identify(&self, offer: &ConnectOptions, nonce: &str, anonymous: Option<&str>) -> Identity {
        let entries = self.lock();
        if is_anonymous(offer) {
            let entry = anonymous.and_then(|name| entries.get(name));
            return entry.map_or(Identity::Unknown, |entry| Identity::Known(entry.account.clone()));
        }
        let mut hashed = Vec::new();
        for Entry { account, .. } in entries.values() {
            match account.credential.verdict(offer, nonce) {
                Verdict::Proved => return Identity::Known(account.clone()),
                Verdict::Hashed => hashed.push(account.clone()),
                Verdict::Refused => {}
            }
        }
        if hashed.is_empty() { Identity::Unknown } else { Identity::Hashed(hashed) }
    }

    /// Lists the connection under its user; false where that user was removed or replaced meanwhile.
    pub(crate) fn admit(&self, account: &Arc<Account>, connection: &Arc<Client>) -> bool {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(&account.name).filter(|entry| Arc::ptr_eq(&entry.account, account)) else { return false };
        entry.connections.push(connection.clone());
        true
    }

    pub(crate) fn leave(&self, account: &Account, connection: &Client) {
        if let Some(entry) = self.lock().get_mut(&account.name) {
            entry.connections.retain(|other| other.id != connection.id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        // Nothing that runs under the lock can panic halfway through a change.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cut(entry: Option<Entry>) -> Vec<Arc<Client>> {
    let connections = entry.map(|entry| entry.connections).unwrap_or_default();
    for connection in &connections {
        connection.close(Ending::Revoked);
    }
    connections
}

// === impl Account ===

impl Account {
    fn new(user: User) -> Self {
        let User { name, credential, permissions } = user;
        Self { name, credential, access: Access::new(&permissions) }
    }

    /// Everything is allowed, for servers without users.
    pub(crate) fn open() -> Self {
        Self::new(User { name: String::new(), credential: Credential::Token("".into()), permissions: Permissions::all() })
    }

    pub(crate) fn compare_hash(&self, offer: &ConnectOptions) -> bool {
        self.credential.compare_hash(offer)
    }
}
