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
    /// Accounts that the gateway runs, from its next start on.
    accounts: Mutex<Vec<Gateway>>,
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
        Self { users, accounts: Mutex::new(accounts), live: Mutex::default() }
    }

    pub(crate) fn set_accounts(&self, accounts: Vec<Gateway>) {
        *self.accounts.lock().unwrap_or_else(PoisonError::into_inner) = accounts;
    }

    /// Makes a new identity for `credential`. The one before is revoked first: its connections are gone when this returns, and nothing
    /// that it sent is still on its way. Returns the seed.
    pub(crate) async fn issue(&self, credential: Credential) -> Result<String, KeyError> {
        let pair = KeyPair::new_user();
        let seed = pair.seed().map_err(|error| KeyError(error.to_string()))?;
        self.revoke(credential).await;
        let name = pair.public_key();
        self.users.insert(User {
            name: name.clone(),
            credential: ServerCredential::Nkey(pair.public_key()),
            permissions: rights(credential, &self.accounts.lock().unwrap_or_else(PoisonError::into_inner)),
        });
        self.live.lock().unwrap_or_else(PoisonError::into_inner).insert(credential, name);
        Ok(seed)
    }

    /// Ends the identity of `credential`; a process that still uses it is cut off. The identity is gone with the call, its connections
    /// with the future; one that is issued meanwhile is another and stays.
    pub(crate) fn revoke(&self, credential: Credential) -> impl Future<Output = ()> + Send + use<> {
        let name = self.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&credential);
        let users = self.users.clone();
        async move {
            if let Some(name) = name {
                users.revoke(&name).await;
            }
        }
    }
}

/// The permission matrix, as the server takes it.
fn rights(credential: Credential, accounts: &[Gateway]) -> Permissions {
    let grants = permissions::grants(credential, accounts);
    Permissions { publish: Rules::only(grants.publish), subscribe: Rules::only(grants.subscribe), allow_responses: None }
}
