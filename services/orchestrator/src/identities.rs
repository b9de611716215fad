//! Who may do what on the bus: nkeys, made per start of a child, and the rights that come from the permission matrix.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use argentum_bus::{Credential, permissions};
use argentum_bus_server::{Credential as ServerCredential, Permissions, Rules, User, Users};
use argentum_proto::ids::Gateway;
use nkeys::KeyPair;

/// The users of the embedded bus.
pub(crate) struct Identities {
    users: Users,
    /// Accounts that the gateway runs.
    accounts: Vec<Gateway>,
    /// Name of the live user of each credential: one life of a process.
    live: Mutex<HashMap<Credential, String>>,
}

/// A key pair could not be made.
#[derive(Debug, thiserror::Error)]
#[error("failed to make an nkey: {0}")]
pub(crate) struct KeyError(String);

// === impl Identities ===

impl Identities {
    pub(crate) fn new(users: Users, accounts: Vec<Gateway>) -> Self {
        Self { users, accounts, live: Mutex::default() }
    }

    /// Makes a new identity for `credential` and revokes the one before: its connection is cut. Returns the seed.
    pub(crate) fn issue(&self, credential: Credential) -> Result<String, KeyError> {
        let pair = KeyPair::new_user();
        let seed = pair.seed().map_err(|error| KeyError(error.to_string()))?;
        self.revoke(credential);
        let name = pair.public_key();
        self.users.insert(User {
            name: name.clone(),
            credential: ServerCredential::Nkey(pair.public_key()),
            permissions: rights(credential, &self.accounts),
        });
        self.live.lock().unwrap_or_else(PoisonError::into_inner).insert(credential, name);
        Ok(seed)
    }

    /// Ends the identity of `credential`; a process that still uses it is cut off.
    pub(crate) fn revoke(&self, credential: Credential) {
        let name = self.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&credential);
        if let Some(name) = name {
            self.users.remove(&name);
        }
    }
}

/// The permission matrix, as the server takes it.
fn rights(credential: Credential, accounts: &[Gateway]) -> Permissions {
    let grants = permissions::grants(credential, accounts);
    Permissions { publish: Rules::only(grants.publish), subscribe: Rules::only(grants.subscribe), allow_responses: None }
}
