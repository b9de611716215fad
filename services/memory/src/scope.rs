//! Who may hear what: the one rule of what is recalled where.
//!
//! A record bears keys: of its conversation, of the person who said it or was answered, and of the page if it was said there. Who
//! asks holds keys, too. A record is recalled where they share one:
//!
//! - In every conversation: what was said in that conversation.
//! - In a direct one, moreover: what the same sender said, or was answered, anywhere on that account, in a group or alone.
//! - On the page, which is the owner's: everything that was said on the page.
//!
//! So a group hears nothing but itself, and nobody hears what others said elsewhere. A conversation that nobody called direct is
//! taken for a group. An account is its own world: that two ids of two accounts are one person is not known here.
//!
//! Forgetting reaches less far: what the same sender said or was answered, and, on the page, what was said there.

use std::fmt::Write as _;

use argentum_proto::{
    ids::{ConversationId, Gateway, SenderId},
    memory::v1::Audience,
};
use sha2::{Digest, Sha256};

/// The account that is the page: one person's, whatever a session calls itself.
const PAGE: &str = "web";
/// Bytes of a hash that stand for a conversation or a person.
const HASH_BYTES: usize = 16;

/// Something by which records are shared. As text it is a word of the index, as bytes a prefix in the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ScopeKey(String);

/// Where somebody speaks, and who.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Speaker {
    pub(crate) gateway: Gateway,
    pub(crate) conversation: ConversationId,
    pub(crate) audience: Audience,
    pub(crate) sender: SenderId,
}

// === impl ScopeKey ===

impl ScopeKey {
    /// Of a conversation.
    pub(crate) fn conversation(gateway: &str, conversation: &str) -> Self {
        Self::hashed("conversation", gateway, conversation)
    }

    /// Of what a person said or was answered.
    pub(crate) fn sender(gateway: &str, sender: &str) -> Self {
        Self::hashed("sender", gateway, sender)
    }

    fn page() -> Self {
        Self("page".to_owned())
    }

    /// Ids of platforms may be long, and two parts must not run together.
    fn hashed(kind: &str, gateway: &str, id: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update((gateway.len() as u64).to_be_bytes());
        hash.update(gateway);
        hash.update(id);
        let mut key = format!("{kind}-");
        for byte in &hash.finalize()[..HASH_BYTES] {
            // Writing to a string cannot fail.
            let _ = write!(key, "{byte:02x}");
        }
        Self(key)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The keys that a record bears.
pub(crate) fn borne(gateway: &str, conversation: &str, sender: &str) -> Vec<ScopeKey> {
    let mut keys = vec![ScopeKey::conversation(gateway, conversation), ScopeKey::sender(gateway, sender)];
    if gateway == PAGE {
        keys.push(ScopeKey::page());
    }
    keys
}

// === impl Speaker ===

impl Speaker {
    /// The keys that the speaker holds for recalling: the rule.
    pub(crate) fn recalls(&self) -> Vec<ScopeKey> {
        let here = ScopeKey::conversation(self.gateway.as_str(), self.conversation.as_str());
        if self.is_on_page() {
            return vec![here, ScopeKey::page()];
        }
        match self.audience {
            Audience::Direct => vec![here, self.own()],
            Audience::Group | Audience::Unspecified => vec![here],
        }
    }

    /// The key of what the speaker may have forgotten.
    pub(crate) fn forgets(&self) -> ScopeKey {
        if self.is_on_page() { ScopeKey::page() } else { self.own() }
    }

    /// The key of the conversation.
    pub(crate) fn here(&self) -> ScopeKey {
        ScopeKey::conversation(self.gateway.as_str(), self.conversation.as_str())
    }

    fn own(&self) -> ScopeKey {
        ScopeKey::sender(self.gateway.as_str(), self.sender.as_str())
    }

    fn is_on_page(&self) -> bool {
        self.gateway.as_str() == PAGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speaker(gateway: &str, conversation: &str, audience: Audience, sender: &str) -> Speaker {
        Speaker {
            gateway: gateway.parse().unwrap(),
            conversation: conversation.parse().unwrap(),
            audience,
            sender: sender.parse().unwrap(),
        }
    }

    /// Whether `asker` recalls what `speaker` said.
    fn hears(asker: &Speaker, speaker: &Speaker) -> bool {
        let borne = borne(speaker.gateway.as_str(), speaker.conversation.as_str(), speaker.sender.as_str());
        asker.recalls().iter().any(|key| borne.contains(key))
    }

    #[test]
    fn everybody_in_a_conversation_hears_it() {
        for audience in [Audience::Unspecified, Audience::Direct, Audience::Group] {
            assert!(hears(&speaker("chat", "room", audience, "ann"), &speaker("chat", "room", audience, "bob")));
        }
    }

    #[test]
    fn alone_one_hears_what_one_said_elsewhere() {
        let alone = speaker("chat", "ann", Audience::Direct, "ann");
        assert!(hears(&alone, &speaker("chat", "room", Audience::Group, "ann")));
        assert!(!hears(&alone, &speaker("chat", "room", Audience::Group, "bob")));
    }

    #[test]
    fn a_group_hears_nothing_but_itself() {
        for audience in [Audience::Group, Audience::Unspecified] {
            let group = speaker("chat", "room", audience, "ann");
            assert!(!hears(&group, &speaker("chat", "ann", Audience::Direct, "ann")));
            assert!(!hears(&group, &speaker("chat", "bob", Audience::Direct, "bob")));
            assert!(!hears(&group, &speaker("chat", "other room", Audience::Group, "ann")));
        }
    }

    #[test]
    fn the_page_hears_all_of_the_page_and_nothing_else() {
        let page = speaker("web", "a", Audience::Unspecified, "owner");
        assert!(hears(&page, &speaker("web", "b", Audience::Unspecified, "another session")));
        assert!(!hears(&page, &speaker("chat", "a", Audience::Direct, "owner")));
    }

    #[test]
    fn the_same_ids_at_two_accounts_are_two_people_and_places() {
        let alone = speaker("chat", "room", Audience::Direct, "ann");
        assert!(!hears(&alone, &speaker("mail", "room", Audience::Direct, "ann")));
    }

    #[test]
    fn nobody_forgets_what_others_said() {
        let ann = speaker("chat", "room", Audience::Group, "ann");
        assert!(borne("chat", "room", "ann").contains(&ann.forgets()));
        assert!(!borne("chat", "room", "bob").contains(&ann.forgets()));
    }
}
