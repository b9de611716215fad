//! `authorization`: one user, one token, or a list of users.

use std::collections::HashSet;
use std::time::Duration;

use nkeys::{KeyPair, KeyPairType};

use super::fault::Fault;
use super::permissions;
use super::section::FaultList;
use super::value::{Entry, Located, Map};
use crate::authentication::Credential;
use crate::permissions::Permissions;
use crate::users::User;

/// The name of the user that a configured token proves.
const TOKEN_USER: &str = "token";

/// Who may connect.
#[derive(Default)]
pub(crate) struct Authorization {
    pub(crate) users: Vec<User>,
    pub(crate) anonymous_user: Option<String>,
    pub(crate) timeout: Option<Duration>,
}

/// What one map says before it is a user.
#[derive(Default)]
struct Draft {
    user: Option<String>,
    password: Option<String>,
    token: Option<String>,
    nkey: Option<String>,
    permissions: Option<Permissions>,
}

/// What a text that starts like a bcrypt hash is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum HashShape {
    Plain,
    Hash,
    /// It starts like a hash and is none: comparing it as plain text would open a door.
    Broken,
}

pub(crate) fn hash_shape(text: &str) -> HashShape {
    let is_marked = ["$2a$", "$2b$", "$2x$", "$2y$"].iter().any(|prefix| text.starts_with(prefix));
    match text.parse::<bcrypt::HashParts>() {
        _ if !is_marked => HashShape::Plain,
        Ok(_) => HashShape::Hash,
        Err(_) => HashShape::Broken,
    }
}

/// Reads the whole section.
pub(crate) fn read(value: &Located, faults: &mut FaultList) -> Authorization {
    let mut authorization = Authorization::default();
    let Some(map) = value.map(faults) else { return authorization };
    let (mut draft, mut list, mut defaults) = (Draft::default(), None, None);
    for entry in &map.entries {
        match entry.name().as_str() {
            "timeout" => authorization.timeout = entry.value.duration(faults),
            "users" => list = Some(entry),
            "default_permissions" | "default_permission" | "permissions" => {
                defaults = Some((entry, permissions::read(&entry.value, faults)));
            }
            "auth_callout" | "auth_hook" | "proxy_required" => entry.unsupported("name the users here", faults),
            name if credential(name, entry, &mut draft, faults) => {}
            _ => entry.unknown(" in `authorization`", faults),
        }
    }
    match list {
        Some(entry) => {
            if draft.is_any() {
                faults.push(Fault::with_remedy(
                    &entry.key_position,
                    "`users` cannot stand beside a single user or token",
                    "move that user into `users`",
                ));
            }
            authorization.users = users(entry, &defaults.map_or_else(Permissions::all, |(_, permissions)| permissions), faults);
        }
        None => {
            if let Some((entry, _)) = defaults {
                // nats-server reads them and applies them to nobody.
                faults.push(Fault::with_remedy(
                    &entry.key_position,
                    "permissions apply only to `users`",
                    "write the user into a `users` list",
                ));
            }
            authorization.users.extend(draft.finish(map, &Permissions::all(), faults));
        }
    }
    if authorization.users.is_empty() && faults.is_empty() {
        faults.push(Fault::with_remedy(
            &map.position,
            "`authorization` names nobody",
            "add users, or remove the section to let everyone in",
        ));
    }
    authorization
}

fn users(list: &Entry, defaults: &Permissions, faults: &mut FaultList) -> Vec<User> {
    let mut names = HashSet::new();
    let mut users = Vec::new();
    for value in list.value.array(faults).unwrap_or_default() {
        let Some(map) = value.map(faults) else { continue };
        let mut draft = Draft::default();
        for entry in &map.entries {
            match entry.name().as_str() {
                "token" => entry.unsupported("a token stands alone in `authorization`", faults),
                "permission" | "permissions" | "authorization" => draft.permissions = Some(permissions::read(&entry.value, faults)),
                "allowed_connection_types" | "connection_types" | "clients" | "proxy_required" => {
                    entry.unsupported("remove it: there are only NATS connections", faults);
                }
                name if credential(name, entry, &mut draft, faults) => {}
                _ => entry.unknown(" in a user", faults),
            }
        }
        let Some(user) = draft.finish(map, defaults, faults) else { continue };
        if !names.insert(user.name.clone()) {
            faults.push(Fault::new(&map.position, format!("user `{}` appears twice", user.name)));
        }
        users.push(user);
    }
    users
}

fn credential(name: &str, entry: &Entry, draft: &mut Draft, faults: &mut FaultList) -> bool {
    let field = match name {
        "user" | "username" => &mut draft.user,
        "pass" | "password" => &mut draft.password,
        "token" => &mut draft.token,
        "nkey" => &mut draft.nkey,
        _ => return false,
    };
    *field = entry.value.text(faults);
    if field.as_ref().is_some_and(String::is_empty) {
        faults.push(Fault::new(&entry.value.position, format!("`{}` must not be empty", entry.key)));
    }
    true
}

// === impl Draft ===

impl Draft {
    fn is_any(&self) -> bool {
        self.user.is_some() || self.password.is_some() || self.token.is_some() || self.nkey.is_some()
    }

    /// The user, or a fault where the parts do not make one. Nothing at all makes none without a fault.
    fn finish(self, map: &Map, defaults: &Permissions, faults: &mut FaultList) -> Option<User> {
        let permissions = self.permissions.unwrap_or_else(|| defaults.clone());
        let (name, credential) = match (self.user, self.password, self.token, self.nkey) {
            (Some(user), Some(password), None, None) => (user.clone(), password_of(user, password, map, faults)),
            (None, None, Some(token), None) => (TOKEN_USER.to_owned(), token_of(token, map, faults)),
            (None, None, None, Some(nkey)) => (nkey.clone(), nkey_of(nkey, map, faults)),
            (None, None, None, None) => return None,
            _ => {
                faults.push(Fault::new(&map.position, "a user has a name and a password, or an nkey; a token stands alone"));
                return None;
            }
        };
        Some(User { name, credential: credential?, permissions })
    }
}

fn password_of(user: String, password: String, map: &Map, faults: &mut FaultList) -> Option<Credential> {
    match hash_shape(&password) {
        HashShape::Plain => Some(Credential::Password { user, password: password.into() }),
        HashShape::Hash => Some(Credential::PasswordHash { user, hash: password }),
        HashShape::Broken => broken(map, faults),
    }
}

fn token_of(token: String, map: &Map, faults: &mut FaultList) -> Option<Credential> {
    match hash_shape(&token) {
        HashShape::Plain => Some(Credential::Token(token.into())),
        HashShape::Hash => Some(Credential::TokenHash(token)),
        HashShape::Broken => broken(map, faults),
    }
}

fn broken(map: &Map, faults: &mut FaultList) -> Option<Credential> {
    faults.push(Fault::new(&map.position, "the secret starts like a bcrypt hash and is none"));
    None
}

fn nkey_of(nkey: String, map: &Map, faults: &mut FaultList) -> Option<Credential> {
    let is_user = KeyPair::from_public_key(&nkey).is_ok_and(|key| key.key_pair_type() == KeyPairType::User);
    if !is_user {
        faults.push(Fault::with_remedy(&map.position, "`nkey` is not the public key of a user", "it starts with U and has 56 letters"));
    }
    is_user.then_some(Credential::Nkey(nkey))
}
