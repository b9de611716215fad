//! Under which nick somebody is reached. A conversation is with a person, and persons change their nicks.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use argentum_proto::{channel::v1::AcceptMessageRequest, ids::Gateway};
use argentum_store::{Batch, StoreError, Tree};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::channels::shelf::Shelf;

const TREE: Tree = Tree::new("irc-contact");
/// What the identity of somebody begins with whom the network's services know.
pub(super) const ACCOUNT: &str = "account:";
/// What the name of a channel begins with.
pub(super) const CHANNEL_SIGNS: [char; 4] = ['#', '&', '+', '!'];
/// Messages whose senders are remembered, to name them in a channel.
const ASKERS_MAX: usize = 1_000;

/// The people who write to one account.
pub(super) struct Contacts {
    gateway: Gateway,
    shelf: Shelf,
    lately: Mutex<Lately>,
}

#[derive(Default)]
struct Lately {
    /// Message and nick of who wrote it, oldest first.
    askers: VecDeque<(String, String)>,
    /// Nicks of those whom the network's services know, also of strangers.
    nicks: HashMap<String, String>,
}

// === impl Contacts ===

impl Contacts {
    pub(super) fn new(gateway: Gateway, shelf: Shelf) -> Self {
        Self { gateway, shelf, lately: Mutex::default() }
    }

    /// Notes who sent a message, as long as this process lives.
    pub(super) fn hear(&self, request: &AcceptMessageRequest) {
        let Some(sender) = &request.sender else { return };
        let mut lately = self.lock();
        if ASKERS_MAX <= lately.askers.len() {
            lately.askers.pop_front();
        }
        lately.askers.push_back((request.platform_message_id.clone(), sender.display_name.clone()));
        if is_account(request) {
            if ASKERS_MAX <= lately.nicks.len() {
                lately.nicks.clear();
            }
            lately.nicks.insert(request.platform_conversation_id.clone(), sender.display_name.clone());
        }
    }

    /// Puts into `batch` where a private answer goes.
    pub(super) fn note(&self, request: &AcceptMessageRequest, batch: &mut Batch) {
        if let Some(sender) = request.sender.as_ref().filter(|_| is_account(request)) {
            batch.put(TREE, self.key(&request.platform_conversation_id), sender.display_name.as_bytes());
        }
    }

    /// The nick of who wrote a message, as long as it is remembered.
    pub(super) fn asker(&self, message_id: &str) -> Option<String> {
        self.lock().askers.iter().rev().find(|(id, _)| id == message_id).map(|(_, nick)| nick.clone())
    }

    /// Where a conversation's lines go: to its channel, or to the nick of its person. `None` where nobody ever wrote in it.
    pub(super) async fn target(&self, conversation: &str) -> Result<Option<String>, StoreError> {
        if conversation.starts_with(ACCOUNT) {
            if let Some(nick) = self.lock().nicks.get(conversation) {
                return Ok(Some(nick.clone()));
            }
            let nick = self.shelf.store().got(TREE, self.key(conversation).into_bytes()).await?;
            return Ok(nick.and_then(|nick| String::from_utf8(nick).ok()));
        }
        // Else it is a channel, or `nick!user@host`. A channel may have a `!` in its name, but no nick begins like one.
        let nick = conversation.split_once('!').map(|(nick, _)| nick).filter(|_| !conversation.starts_with(CHANNEL_SIGNS));
        Ok(Some(nick.unwrap_or(conversation).to_owned()))
    }

    /// Identities may be longer than keys.
    fn key(&self, identity: &str) -> String {
        format!("{}/{}", self.gateway, HEXLOWER.encode(&Sha256::digest(identity.as_bytes())[..16]))
    }

    fn lock(&self) -> MutexGuard<'_, Lately> {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_account(request: &AcceptMessageRequest) -> bool {
    request.platform_conversation_id.starts_with(ACCOUNT)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use argentum_proto::channel::v1::Sender;
    use argentum_store::{MemoryStore, Store};

    use super::*;

    fn contacts(store: &Arc<MemoryStore>) -> Contacts {
        Contacts::new("irc".parse().unwrap(), Shelf::over(Arc::clone(store) as Arc<dyn Store>))
    }

    fn request(nick: &str) -> AcceptMessageRequest {
        AcceptMessageRequest {
            platform_conversation_id: "account:ada".to_owned(),
            platform_message_id: "1".to_owned(),
            sender: Some(Sender { platform_id: "account:ada".to_owned(), display_name: nick.to_owned() }),
            ..AcceptMessageRequest::default()
        }
    }

    #[tokio::test]
    async fn an_account_is_reached_under_its_last_nick_after_a_restart() {
        let store = Arc::new(MemoryStore::new());
        for nick in ["Ada", "Ada_"] {
            let mut batch = Batch::new();
            contacts(&store).note(&request(nick), &mut batch);
            store.commit_blocking(batch).unwrap();
        }
        assert_eq!(contacts(&store).target("account:ada").await.unwrap(), Some("Ada_".to_owned()));
        assert_eq!(contacts(&store).target("account:eve").await.unwrap(), None);
    }

    #[tokio::test]
    async fn others_and_channels_name_themselves() {
        let contacts = contacts(&Arc::new(MemoryStore::new()));
        assert_eq!(contacts.target("ada!a@h").await.unwrap(), Some("ada".to_owned()));
        assert_eq!(contacts.target("#tea").await.unwrap(), Some("#tea".to_owned()));
        assert_eq!(contacts.target("#tea!").await.unwrap(), Some("#tea!".to_owned()));
    }

    #[test]
    fn who_asked_is_remembered_within_bounds() {
        let contacts = contacts(&Arc::new(MemoryStore::new()));
        contacts.hear(&request("Ada"));
        assert_eq!(contacts.asker("1"), Some("Ada".to_owned()));
        for id in 0..ASKERS_MAX {
            contacts.hear(&AcceptMessageRequest { platform_message_id: format!("m{id}"), ..request("Eve") });
        }
        assert_eq!(contacts.asker("1"), None);
    }

    #[tokio::test]
    async fn a_stranger_is_reached_who_was_never_spooled() {
        let contacts = contacts(&Arc::new(MemoryStore::new()));
        contacts.hear(&request("Ada"));
        assert_eq!(contacts.target("account:ada").await.unwrap(), Some("Ada".to_owned()));
    }
}
