//! Who is logged in as whom, as far as we see it: for servers that do not say it with every message (`account-tag`).
//!
//! An account is believed only while we share a channel with its nick. Whoever goes out of sight may come back as somebody else.

use std::collections::{BTreeMap, BTreeSet};

/// People whose account is known; with more in sight, the others are known by their address only.
const PEOPLE_MAX: usize = 10_000;

/// The people in our channels, by folded nick.
#[derive(Debug, Default)]
pub(super) struct People(BTreeMap<String, Person>);

#[derive(Debug)]
struct Person {
    account: String,
    /// Folded names of the channels where we see each other.
    channels: BTreeSet<String>,
}

// === impl People ===

impl People {
    pub(super) fn account(&self, nick: &str) -> Option<&str> {
        self.0.get(nick).map(|person| person.account.as_str())
    }

    /// Somebody is in a channel; `*` and nothing are no account.
    pub(super) fn came(&mut self, nick: String, channel: &str, account: Option<&str>) {
        let Some(account) = account.filter(|account| *account != "*" && !account.is_empty()) else { return };
        if PEOPLE_MAX <= self.0.len() && !self.0.contains_key(&nick) {
            return;
        }
        let person = self.0.entry(nick).or_insert_with(|| Person { account: String::new(), channels: BTreeSet::new() });
        account.clone_into(&mut person.account);
        person.channels.insert(channel.to_owned());
    }

    pub(super) fn went(&mut self, nick: &str, channel: &str) {
        if let Some(person) = self.0.get_mut(nick) {
            person.channels.remove(channel);
            if person.channels.is_empty() {
                self.0.remove(nick);
            }
        }
    }

    pub(super) fn gone(&mut self, nick: &str) {
        self.0.remove(nick);
    }

    pub(super) fn rename(&mut self, nick: &str, new: String) {
        // Whoever had the new nick before is not the one who has it now.
        self.0.remove(&new);
        if let Some(person) = self.0.remove(nick) {
            self.0.insert(new, person);
        }
    }

    /// An account changed: `*` is logged out. Of people of whom nothing is known, where they are is not known either.
    pub(super) fn logged_in(&mut self, nick: &str, account: &str) {
        if account == "*" {
            self.0.remove(nick);
        } else if let Some(person) = self.0.get_mut(nick) {
            account.clone_into(&mut person.account);
        }
    }

    /// We are in a channel no more.
    pub(super) fn we_left(&mut self, channel: &str) {
        self.0.retain(|_, person| {
            person.channels.remove(channel);
            !person.channels.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(nick: &str, channels: &[&str]) -> People {
        let mut people = People::default();
        channels.iter().for_each(|channel| people.came(nick.to_owned(), channel, Some("ada")));
        people
    }

    #[test]
    fn who_is_out_of_sight_is_known_no_more() {
        let mut people = seen("ada", &["#a", "#b"]);
        people.went("ada", "#a");
        assert_eq!(people.account("ada"), Some("ada"));
        people.we_left("#b");
        assert_eq!(people.account("ada"), None);
    }

    #[test]
    fn an_account_goes_with_the_nick_and_not_to_who_takes_the_old_one() {
        let mut people = seen("ada", &["#a"]);
        people.rename("ada", "ada2".to_owned());
        assert_eq!((people.account("ada"), people.account("ada2")), (None, Some("ada")));
        people.rename("eve", "ada2".to_owned());
        assert_eq!(people.account("ada2"), None);
    }

    #[test]
    fn who_logs_out_has_no_account() {
        let mut people = seen("ada", &["#a"]);
        people.logged_in("ada", "*");
        people.came("bob".to_owned(), "#a", Some("*"));
        assert_eq!((people.account("ada"), people.account("bob")), (None, None));
    }
}
