//! The map of the system: every message on the bus, where it travels, who sends it, who answers.
//!
//! Only this file spells a subject. `argentum.v1.<area>.…`, the sender's own token last or next to last wherever identity
//! matters. The permission matrix, the server's users and the reference are derived from [`EXCHANGES`].

use std::{fmt, time::Duration};

use argentum_proto::{control::v1 as control, provider::v1 as provider};
use prost::Message;

use crate::address::{Address, Caller, Credential, Everyone};

/// A request that is answered, within a deadline, by exactly one service.
pub trait Rpc: Message + Default + 'static {
    type Reply: Message + Default + 'static;
    type Address: Address;
    /// The fixed tokens.
    const AREA: &'static [&'static str];
    /// No answer by then is [`crate::ErrorCode::Timeout`].
    const DEADLINE: Duration;
    /// Who answers. Its name is also the queue group, so that two servers never both answer.
    const SERVER: Credential;
}

/// A fact that is told to whoever listens. It may be lost.
pub trait Event: Message + Default + 'static {
    type Address: Address;
    /// The fixed tokens.
    const AREA: &'static [&'static str];
}

/// A subject, or with wildcards a pattern of subjects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject(String);

/// Whether an exchange is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Request,
    Event,
}

/// One row of the map.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    pub kind: Kind,
    /// Name of the message.
    pub message: &'static str,
    pub area: &'static [&'static str],
    /// Number of tokens behind the area; the sender's own is the first where there is one.
    pub address_tokens: usize,
    /// Who may send it.
    pub senders: &'static [Credential],
    /// Who receives it: the one server of a request, the listeners of an event.
    pub receivers: &'static [Credential],
}

/// Declares exchanges: implements [`Rpc`] or [`Event`] for each message and lists them all in [`EXCHANGES`].
macro_rules! exchanges {
    ($(
        $kind:ident $module:ident :: $message:ident $(=> $reply:ident within $deadline:literal ms)?
            at $area:tt by $address:ty, from $senders:tt to $receivers:tt;
    )*) => {
        /// Every exchange of the system.
        pub const EXCHANGES: &[Exchange] = &[$(Exchange {
            kind: Kind::$kind,
            message: stringify!($message),
            area: &$area,
            address_tokens: <$address as Address>::TOKENS,
            senders: &$senders,
            receivers: &$receivers,
        }),*];
        $(exchanges!(@$kind $module $message [$($reply $deadline)?] $area $address, $receivers);)*
    };
    (@Request $module:ident $message:ident [$reply:ident $deadline:literal] $area:tt $address:ty, [$server:path]) => {
        impl Rpc for $module::$message {
            type Reply = $module::$reply;
            type Address = $address;
            const AREA: &'static [&'static str] = &$area;
            const DEADLINE: Duration = Duration::from_millis($deadline);
            const SERVER: Credential = $server;
        }
    };
    (@Event $module:ident $message:ident [] $area:tt $address:ty, $receivers:tt) => {
        impl Event for $module::$message {
            type Address = $address;
            const AREA: &'static [&'static str] = &$area;
        }
    };
}

exchanges! {
    Request control::GetStatusRequest => GetStatusResponse within 2000 ms
        at ["control", "status"] by Caller, from [Credential::ChannelGateway] to [Credential::Orchestrator];
    Event control::BundleStatusChanged
        at ["control", "changed"] by Everyone, from [Credential::Orchestrator] to [Credential::ChannelGateway];
    Request provider::ListModelsRequest => ListModelsResponse within 2000 ms
        at ["provider", "models"] by Caller, from [Credential::ChannelGateway] to [Credential::ProviderRouter];
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
