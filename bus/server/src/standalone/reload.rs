//! SIGHUP: users change in the running server, everything else says that it needs a restart.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use crate::authentication::Credential;
use crate::conf::Configuration;
use crate::permissions::Rules;
use crate::users::{User, Users};

/// What is in force, in a form that can be compared and holds no secret.
pub(super) struct Reload {
    hashing: RandomState,
    /// By user name: a fingerprint of credential and permissions.
    users: HashMap<String, u64>,
    settings: Vec<(&'static str, String)>,
    is_open: bool,
}

/// What a reload did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) changed: usize,
    pub(super) removed: usize,
    pub(super) refused: Vec<String>,
}

// === impl Reload ===

impl Reload {
    pub(super) fn new(configuration: &Configuration, users: &[User]) -> Self {
        let hashing = RandomState::new();
        let fingerprints = users.iter().map(|user| (user.name.clone(), fingerprint(user, &hashing))).collect();
        Self { users: fingerprints, hashing, settings: settings(configuration), is_open: users.is_empty() }
    }

    /// Brings the users of a running server to those of the configuration. Connections of removed and changed users are cut, others stay.
    pub(super) fn apply(&mut self, configuration: Configuration, users: &Users) -> Report {
        let mut report = Report { refused: self.refused(&configuration), ..Report::default() };
        let wanted = configuration.authorization.users;
        if wanted.is_empty() != self.is_open {
            report.refused.push("`authorization` cannot be switched on or off while running; restart the server".to_owned());
            return report;
        }
        let names: Vec<String> = wanted.iter().map(|user| user.name.clone()).collect();
        for name in self.users.keys().filter(|name| !names.contains(name)) {
            users.remove(name);
            report.removed += 1;
        }
        self.users.retain(|name, _| names.contains(name));
        for user in wanted {
            let fingerprint = fingerprint(&user, &self.hashing);
            if self.users.insert(user.name.clone(), fingerprint) != Some(fingerprint) {
                users.insert(user);
                report.changed += 1;
            }
        }
        report
    }

    fn refused(&self, configuration: &Configuration) -> Vec<String> {
        let new = settings(configuration);
        let changed = self.settings.iter().zip(&new).filter(|(old, new)| old != new);
        changed.map(|((name, _), _)| format!("`{name}` cannot be changed while running; restart the server")).collect()
    }
}

/// Every setting that a reload leaves as it is.
fn settings(configuration: &Configuration) -> Vec<(&'static str, String)> {
    let Configuration { host, port, options, authorization, log, pid_file, farewell } = configuration;
    vec![
        ("listen", format!("{host}:{port}")),
        ("server_name", options.server_name.clone()),
        ("max_payload", options.payload_bytes_max.to_string()),
        ("max_pending", options.pending_bytes_max.to_string()),
        ("max_control_line", options.control_line_bytes_max.to_string()),
        ("max_connections", options.connections_max.to_string()),
        ("max_subscriptions", format!("{:?}", options.subscriptions_max)),
        ("ping_interval", format!("{:?}", options.ping_interval)),
        ("ping_max", options.pings_outstanding_max.to_string()),
        ("tls", format!("{:?}", options.tls)),
        ("write_deadline", format!("{:?}", options.write_deadline)),
        ("authorization.timeout", format!("{:?}", authorization.timeout)),
        ("no_auth_user", format!("{:?}", authorization.anonymous_user)),
        ("debug, trace, logtime, log_file", format!("{log:?}")),
        ("pid_file", format!("{pid_file:?}")),
        ("lame_duck_duration, lame_duck_grace_period", format!("{farewell:?}")),
    ]
}

fn fingerprint(user: &User, hashing: &RandomState) -> u64 {
    let mut hasher = hashing.build_hasher();
    match &user.credential {
        Credential::Nkey(public) => (0, public).hash(&mut hasher),
        Credential::Token(token) => (1, token.text()).hash(&mut hasher),
        Credential::Password { user, password } => (2, user, password.text()).hash(&mut hasher),
        Credential::PasswordHash { user, hash } => (3, user, hash).hash(&mut hasher),
        Credential::TokenHash(hash) => (4, hash).hash(&mut hasher),
    }
    let rules = |rules: &Rules, hasher: &mut _| (&rules.allow, &rules.deny).hash(hasher);
    rules(&user.permissions.publish, &mut hasher);
    rules(&user.permissions.subscribe, &mut hasher);
    let responses = user.permissions.allow_responses.map(|responses| (responses.messages_max, responses.expires));
    responses.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::Authorization;
    use crate::permissions::Permissions;

    fn user(name: &str, password: &str) -> User {
        User {
            name: name.into(),
            credential: Credential::Password { user: name.into(), password: password.into() },
            permissions: Permissions::all(),
        }
    }

    fn configuration(users: Vec<User>) -> Configuration {
        Configuration { authorization: Authorization { users, ..Authorization::default() }, ..Configuration::default() }
    }

    #[test]
    fn users_come_go_and_change() {
        let users = Users::default();
        let before = vec![user("same", "1"), user("changed", "1"), user("gone", "1")];
        let mut reload = Reload::new(&configuration(Vec::new()), &before);
        before.into_iter().for_each(|user| users.insert(user));
        let report = reload.apply(configuration(vec![user("same", "1"), user("changed", "2"), user("new", "1")]), &users);
        let mut names = users.names();
        names.sort();
        assert_eq!((report.changed, report.removed, names), (2, 1, vec!["changed".into(), "new".into(), "same".into()]));
    }

    #[test]
    fn other_settings_and_opening_the_server_are_refused_by_name() {
        let users = Users::default();
        let mut reload = Reload::new(&Configuration::default(), &[user("a", "1")]);
        let mut changed = configuration(Vec::new());
        changed.port = 1;
        let refused = reload.apply(changed, &users).refused;
        assert!(refused.len() == 2 && refused[0].starts_with("`listen`") && refused[1].starts_with("`authorization`"), "{refused:?}");
    }
}
