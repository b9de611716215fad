//! Who speaks on the bus, and the subject tokens that say so.

use std::{fmt, str::FromStr};

use argentum_proto::ids::{ConversationToken, Gateway, StreamId, TurnId};

/// Prefix of the inboxes of all accounts.
pub(crate) const ACCOUNT_INBOXES: &str = "_INBOX.account";

/// One identity that the bus server knows. Its name is a subject token, its inbox prefix and its user name at the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Credential {
    /// Starts and supervises the services, and embeds the bus.
    Orchestrator,
    /// Platforms in and out.
    ChannelGateway,
    /// Turns, routing, model vendors.
    ProviderRouter,
    /// Sealed secrets, leases, audit.
    Vault,
    /// Conversations, facts, recall.
    Memory,
}

/// A name that belongs to no credential.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a credential of the bus")]
pub struct UnknownCredential(String);

/// The parts of a subject that change from message to message.
///
/// The tokens are enforced by the server: a client may publish only under its own. They are therefore the identity of the
/// sender, and no field of a body ever is.
pub trait Address: Sized + Send + Sync + 'static {
    /// Number of tokens.
    const TOKENS: usize;

    /// The tokens, in order.
    fn tokens(&self) -> Vec<String>;

    /// The address that `tokens` spell, if they do.
    fn parse(tokens: &[&str]) -> Option<Self>;

    /// The inbox of whom the first token names; `None` where it names nobody.
    fn inbox(&self) -> Option<String>;
}

/// A request that names only who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Caller(pub Credential);

/// One configured account of a platform.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account(pub Gateway);

/// A conversation of an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountConversation {
    pub gateway: Gateway,
    pub conversation: ConversationToken,
}

/// A turn of an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountTurn {
    pub gateway: Gateway,
    pub turn: TurnId,
}

/// An answer that is streamed to an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountStream {
    pub gateway: Gateway,
    pub stream: StreamId,
}

/// An event that names nobody: its subject has a single sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Everyone;

// === impl Credential ===

impl Credential {
    /// All of them.
    pub const ALL: [Credential; 5] =
        [Credential::Orchestrator, Credential::ChannelGateway, Credential::ProviderRouter, Credential::Vault, Credential::Memory];

    /// The name, as subject token.
    pub fn token(self) -> &'static str {
        match self {
            Credential::Orchestrator => "orchestrator",
            Credential::ChannelGateway => "channel-gateway",
            Credential::ProviderRouter => "provider-router",
            Credential::Vault => "vault",
            Credential::Memory => "memory",
        }
    }

    /// Prefix of the subjects on which this credential, and nobody else, receives replies.
    pub fn inbox(self) -> String {
        format!("_INBOX.{}", self.token())
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.token())
    }
}

impl FromStr for Credential {
    type Err = UnknownCredential;

    fn from_str(token: &str) -> Result<Self, UnknownCredential> {
        Credential::ALL.into_iter().find(|credential| credential.token() == token).ok_or_else(|| UnknownCredential(token.to_owned()))
    }
}

// === impl Caller ===

impl Address for Caller {
    const TOKENS: usize = 1;

    fn tokens(&self) -> Vec<String> {
        vec![self.0.token().to_owned()]
    }

    fn parse(tokens: &[&str]) -> Option<Self> {
        match tokens {
            [token] => token.parse().ok().map(Caller),
            _ => None,
        }
    }

    fn inbox(&self) -> Option<String> {
        Some(self.0.inbox())
    }
}

// === impl Account and what belongs to it ===

/// Prefix of the subjects on which an account receives replies.
pub(crate) fn account_inbox(gateway: &Gateway) -> String {
    format!("{ACCOUNT_INBOXES}.{gateway}")
}

impl Address for Account {
    const TOKENS: usize = 1;

    fn tokens(&self) -> Vec<String> {
        vec![self.0.to_string()]
    }

    fn parse(tokens: &[&str]) -> Option<Self> {
        match tokens {
            [gateway] => gateway.parse().ok().map(Account),
            _ => None,
        }
    }

    fn inbox(&self) -> Option<String> {
        Some(account_inbox(&self.0))
    }
}

impl Address for AccountConversation {
    const TOKENS: usize = 2;

    fn tokens(&self) -> Vec<String> {
        vec![self.gateway.to_string(), self.conversation.to_string()]
    }

    fn parse(tokens: &[&str]) -> Option<Self> {
        match tokens {
            [gateway, conversation] => Some(Self { gateway: gateway.parse().ok()?, conversation: conversation.parse().ok()? }),
            _ => None,
        }
    }

    fn inbox(&self) -> Option<String> {
        Some(account_inbox(&self.gateway))
    }
}

impl Address for AccountTurn {
    const TOKENS: usize = 2;

    fn tokens(&self) -> Vec<String> {
        vec![self.gateway.to_string(), self.turn.to_string()]
    }

    fn parse(tokens: &[&str]) -> Option<Self> {
        match tokens {
            [gateway, turn] => Some(Self { gateway: gateway.parse().ok()?, turn: turn.parse().ok()? }),
            _ => None,
        }
    }

    fn inbox(&self) -> Option<String> {
        Some(account_inbox(&self.gateway))
    }
}

impl Address for AccountStream {
    const TOKENS: usize = 2;

    fn tokens(&self) -> Vec<String> {
        vec![self.gateway.to_string(), self.stream.to_string()]
    }

    fn parse(tokens: &[&str]) -> Option<Self> {
        match tokens {
            [gateway, stream] => Some(Self { gateway: gateway.parse().ok()?, stream: stream.parse().ok()? }),
            _ => None,
        }
    }

    fn inbox(&self) -> Option<String> {
        Some(account_inbox(&self.gateway))
    }
}

// === impl Everyone ===

impl Address for Everyone {
    const TOKENS: usize = 0;

    fn tokens(&self) -> Vec<String> {
        Vec::new()
    }

    fn parse(tokens: &[&str]) -> Option<Self> {
        tokens.is_empty().then_some(Everyone)
    }

    fn inbox(&self) -> Option<String> {
        None
    }
}
