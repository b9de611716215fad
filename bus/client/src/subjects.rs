//! The map of the system: every message on the bus, where it travels, who sends it, who answers.
//!
//! Only this file spells a subject. `argentum.v1.<area>.…`, the sender's own token last or next to last wherever identity
//! matters. The permission matrix, the server's users and the reference are derived from [`EXCHANGES`].

use std::{fmt, time::Duration};

use argentum_proto::{channel::v1 as channel, control::v1 as control, memory::v1 as memory, provider::v1 as provider, vault::v1 as vault};
use prost::Message;

use crate::address::{
    Account, AccountConversation, AccountStream, AccountTurn, Address, Caller,
    Credential::{self, ChannelGateway, Memory, Orchestrator, ProviderRouter, Vault},
    Everyone,
};

/// A request that is answered, within a deadline, by exactly one service.
pub trait Rpc: Message + Default + 'static {
    type Reply: Message + Default + 'static;
    type Address: Address;
    /// The fixed tokens.
    const AREA: &'static [&'static str];
    /// No answer by then is [`crate::ErrorCode::Timeout`].
    const DEADLINE: Duration;
    /// Whom the first token of the address names.
    const NAMES: Names;
    /// Who asks, where [`Names::ReceiverAccount`]: the inbox in which the reply is expected.
    const SENDER: Credential;
}

/// A request of an account whose answer is a stream of frames, from exactly one service.
pub trait StreamRpc: Message + Default + 'static {
    type Frame: Frame;
    /// Its first token names the account that asks, and to whose inbox the frames go.
    type Address: Address;
    /// The fixed tokens.
    const AREA: &'static [&'static str];
    /// No first frame by then is [`crate::ErrorCode::Timeout`].
    const DEADLINE: Duration;
}

/// One piece of a streamed answer.
pub trait Frame: Message + Default + 'static {
    /// One that only tells that the sender lives.
    fn waiting() -> Self;
    /// Counted from 0, without a gap.
    fn sequence(&self) -> u64;
    fn set_sequence(&mut self, sequence: u64);
    /// Whether it costs credit.
    fn is_content(&self) -> bool;
    /// Whether nothing follows.
    fn is_final(&self) -> bool;
}

/// A fact that is told to whoever listens. It may be lost.
pub trait Event: Message + Default + 'static {
    type Address: Address;
    /// The fixed tokens.
    const AREA: &'static [&'static str];
}

/// Whom the first token behind the area names. The server enforces it either way: a sender may publish only under its own name, a
/// receiver may subscribe only to its own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Nobody: there is no such token.
    Nobody,
    /// The credential that sends.
    Sender,
    /// The account for which the gateway sends.
    SenderAccount,
    /// The account for which the gateway receives.
    ReceiverAccount,
}

/// A subject, or with wildcards a pattern of subjects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject(String);

/// Whether an exchange is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Request,
    Event,
    /// A request that is answered by many frames.
    Stream,
}

/// One row of the map.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    pub kind: Kind,
    /// Name of the message.
    pub message: &'static str,
    pub area: &'static [&'static str],
    /// Number of tokens behind the area.
    pub address_tokens: usize,
    /// Whom the first of them names.
    pub names: Names,
    /// Who may send it.
    pub senders: &'static [Credential],
    /// Who receives it: the one server of a request or a stream, the listeners of an event.
    pub receivers: &'static [Credential],
}

/// Declares exchanges: implements [`Rpc`], [`StreamRpc`] or [`Event`] for each message and lists them all in [`EXCHANGES`].
macro_rules! exchanges {
    ($(
        $kind:ident $module:ident :: $message:ident $(=> $reply:ident within $deadline:literal ms)?
            at $area:tt by $address:ident naming $names:ident, from $senders:tt to $receivers:tt;
    )*) => {
        /// Every exchange of the system.
        pub const EXCHANGES: &[Exchange] = &[$(Exchange {
            kind: Kind::$kind,
            message: stringify!($message),
            area: &$area,
            address_tokens: <$address as Address>::TOKENS,
            names: Names::$names,
            senders: &$senders,
            receivers: &$receivers,
        }),*];
        $(exchanges!(@$kind $module $message [$($reply $deadline)?] $area $address $names $senders);)*
    };
    (@Request $module:ident $message:ident [$reply:ident $deadline:literal] $area:tt $address:ident $names:ident [$sender:ident $($more:tt)*]) => {
        impl Rpc for $module::$message {
            type Reply = $module::$reply;
            type Address = $address;
            const AREA: &'static [&'static str] = &$area;
            const DEADLINE: Duration = Duration::from_millis($deadline);
            const NAMES: Names = Names::$names;
            const SENDER: Credential = $sender;
        }
    };
    (@Stream $module:ident $message:ident [$frame:ident $deadline:literal] $area:tt $address:ident SenderAccount $senders:tt) => {
        impl StreamRpc for $module::$message {
            type Frame = $module::$frame;
            type Address = $address;
            const AREA: &'static [&'static str] = &$area;
            const DEADLINE: Duration = Duration::from_millis($deadline);
        }
    };
    (@Event $module:ident $message:ident [] $area:tt $address:ident $names:ident $senders:tt) => {
        impl Event for $module::$message {
            type Address = $address;
            const AREA: &'static [&'static str] = &$area;
        }
    };
}

exchanges! {
    // The state of the bundle.
    Request control::GetStatusRequest => GetStatusResponse within 2000 ms
        at ["control", "status"] by Caller naming Sender, from [ChannelGateway] to [Orchestrator];
    Event control::BundleStatusChanged
        at ["control", "changed"] by Everyone naming Nobody, from [Orchestrator] to [ChannelGateway];
    Request control::ReadMetricsRequest => ReadMetricsResponse within 3000 ms
        at ["control", "metrics"] by Caller naming Sender, from [ChannelGateway] to [Orchestrator];

    // Models.
    Request provider::ListModelsRequest => ListModelsResponse within 5000 ms
        at ["provider", "models"] by Caller naming Sender, from [ChannelGateway, Orchestrator] to [ProviderRouter];
    Request provider::TestProviderRequest => TestProviderResponse within 30000 ms
        at ["provider", "test"] by Caller naming Sender, from [Orchestrator] to [ProviderRouter];

    // A message's way in.
    Request channel::AcceptMessageRequest => AcceptMessageResponse within 2000 ms
        at ["inbound"] by AccountConversation naming SenderAccount, from [ChannelGateway] to [ProviderRouter];
    Request channel::StopTurnRequest => StopTurnResponse within 2000 ms
        at ["turn", "stop"] by Account naming SenderAccount, from [ChannelGateway] to [ProviderRouter];

    // An answer's way out. Who lives is said by the gateway at its start, and asked by the router after its own.
    Event channel::OutboundReady
        at ["outbound"] by Account naming ReceiverAccount, from [ProviderRouter] to [ChannelGateway];
    Request channel::ReportDeliveryRequest => ReportDeliveryResponse within 2000 ms
        at ["receipt"] by Account naming SenderAccount, from [ChannelGateway] to [ProviderRouter];
    Request channel::SayHelloRequest => SayHelloResponse within 2000 ms
        at ["hello", "say"] by Account naming SenderAccount, from [ChannelGateway] to [ProviderRouter];
    Request channel::AskHelloRequest => AskHelloResponse within 2000 ms
        at ["hello"] by Account naming ReceiverAccount, from [ProviderRouter] to [ChannelGateway];

    // How an operator gets onto the page.
    Request channel::IssueLoginLinkRequest => IssueLoginLinkResponse within 2000 ms
        at ["login", "issue"] by Caller naming Sender, from [Orchestrator] to [ChannelGateway];

    // Who may write to an account.
    Request channel::ListPairingsRequest => ListPairingsResponse within 2000 ms
        at ["pair", "list"] by Caller naming Sender, from [Orchestrator] to [ChannelGateway];
    Request channel::ApprovePairingRequest => ApprovePairingResponse within 5000 ms
        at ["pair", "approve"] by Caller naming Sender, from [Orchestrator] to [ChannelGateway];
    Request channel::RevokePairingRequest => RevokePairingResponse within 5000 ms
        at ["pair", "revoke"] by Caller naming Sender, from [Orchestrator] to [ChannelGateway];

    // Secrets: borrowed by services, put in and taken out by an operator.
    Request vault::LeaseSecretRequest => LeaseSecretResponse within 2000 ms
        at ["vault", "lease"] by Caller naming Sender, from [ChannelGateway, ProviderRouter] to [Vault];
    Request vault::OfferIntakeRequest => OfferIntakeResponse within 2000 ms
        at ["vault", "intake"] by Caller naming Sender, from [Orchestrator] to [Vault];
    Request vault::PutSecretRequest => PutSecretResponse within 5000 ms
        at ["vault", "put"] by Caller naming Sender, from [Orchestrator] to [Vault];
    Request vault::ListSecretsRequest => ListSecretsResponse within 2000 ms
        at ["vault", "list"] by Caller naming Sender, from [Orchestrator] to [Vault];
    Request vault::RemoveSecretRequest => RemoveSecretResponse within 5000 ms
        at ["vault", "remove"] by Caller naming Sender, from [Orchestrator] to [Vault];
    Request vault::ReadAuditRequest => ReadAuditResponse within 2000 ms
        at ["vault", "audit"] by Caller naming Sender, from [Orchestrator] to [Vault];

    // Memory: what is remembered is recalled for questions, and forgotten again.
    Request memory::RecallRequest => RecallResponse within 500 ms
        at ["memory", "recall"] by Caller naming Sender, from [ProviderRouter] to [Memory];
    Request memory::RememberTurnRequest => RememberTurnResponse within 5000 ms
        at ["memory", "remember", "turn"] by Caller naming Sender, from [ProviderRouter] to [Memory];
    Request memory::RememberFactRequest => RememberFactResponse within 5000 ms
        at ["memory", "remember", "fact"] by Caller naming Sender, from [ProviderRouter] to [Memory];
    Request memory::ListFactsRequest => ListFactsResponse within 2000 ms
        at ["memory", "facts"] by Caller naming Sender, from [ProviderRouter] to [Memory];
    Request memory::ForgetRequest => ForgetResponse within 30000 ms
        at ["memory", "forget"] by Caller naming Sender, from [ProviderRouter] to [Memory];
    Request memory::SearchRecordsRequest => SearchRecordsResponse within 5000 ms
        at ["memory", "search"] by Caller naming Sender, from [Orchestrator] to [Memory];
    Request memory::EraseRecordsRequest => EraseRecordsResponse within 30000 ms
        at ["memory", "erase"] by Caller naming Sender, from [Orchestrator] to [Memory];

    // What a page shows.
    Request channel::GetTurnSnapshotRequest => GetTurnSnapshotResponse within 2000 ms
        at ["turn", "snapshot"] by Account naming SenderAccount, from [ChannelGateway] to [ProviderRouter];
    Request channel::ListConversationsRequest => ListConversationsResponse within 2000 ms
        at ["conversation", "list"] by Account naming SenderAccount, from [ChannelGateway] to [ProviderRouter];
    Request channel::GetConversationRequest => GetConversationResponse within 2000 ms
        at ["conversation", "get"] by Account naming SenderAccount, from [ChannelGateway] to [ProviderRouter];
    Event channel::TurnProgressed
        at ["progress"] by AccountTurn naming ReceiverAccount, from [ProviderRouter] to [ChannelGateway];

    // Completions of `/v1`.
    Stream provider::CompleteRequest => CompleteFrame within 5000 ms
        at ["complete"] by Account naming SenderAccount, from [ChannelGateway] to [ProviderRouter];
    Event provider::GrantCredit
        at ["complete", "grant"] by AccountStream naming SenderAccount, from [ChannelGateway] to [ProviderRouter];

    // Keys of `/v1`.
    Request channel::CreateApiKeyRequest => CreateApiKeyResponse within 2000 ms
        at ["key", "create"] by Caller naming Sender, from [Orchestrator] to [ChannelGateway];
    Request channel::ListApiKeysRequest => ListApiKeysResponse within 2000 ms
        at ["key", "list"] by Caller naming Sender, from [Orchestrator] to [ChannelGateway];
    Request channel::RevokeApiKeyRequest => RevokeApiKeyResponse within 2000 ms
        at ["key", "revoke"] by Caller naming Sender, from [Orchestrator] to [ChannelGateway];
}

// === impl Frame ===

impl Frame for provider::CompleteFrame {
    fn waiting() -> Self {
        Self { sequence: 0, content: Some(provider::complete_frame::Content::Waiting(provider::Waiting {})) }
    }

    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn set_sequence(&mut self, sequence: u64) {
        self.sequence = sequence;
    }

    fn is_content(&self) -> bool {
        use provider::complete_frame::Content;
        !matches!(self.content, None | Some(Content::Waiting(_) | Content::Ended(_) | Content::Failed(_)))
    }

    fn is_final(&self) -> bool {
        use provider::complete_frame::Content;
        matches!(self.content, Some(Content::Ended(_) | Content::Failed(_)))
    }
}

// === impl Subject ===

impl Subject {
    /// The subject of `area` and `tokens`.
    pub(crate) fn v1<'a>(area: &[&'a str], tokens: impl IntoIterator<Item = &'a str>) -> Self {
        let mut subject = String::from("argentum.v1");
        for token in area.iter().copied().chain(tokens) {
            subject.push('.');
            subject.push_str(token);
        }
        Self(subject)
    }

    /// The pattern of all subjects of `area` with so many tokens behind it.
    pub(crate) fn pattern(area: &[&str], tokens: usize) -> Self {
        Self::v1(area, std::iter::repeat_n("*", tokens))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The address at the end of `subject`, behind `area`.
pub(crate) fn parse_address<A: Address>(subject: &str, area: &[&str]) -> Option<A> {
    let tokens: Vec<&str> = subject.split('.').collect();
    let address = tokens.get(2 + area.len()..)?;
    if address.len() == A::TOKENS { A::parse(address) } else { None }
}
