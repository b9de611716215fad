//! A gateway as in the contract's own model: one life of its memory of outbounds, and what it asks of the router.

use argentum_proto::{
    channel::v1::report_delivery_response::Answer,
    ids::{Gateway as Account, Incarnation, TurnId},
};
use ulid::Ulid;

use crate::core::{DeliveryReport, Input, Report, RequestId};

pub(super) const PARTS: usize = 2;
const PART_BYTES: u64 = 2;
/// Rules that are the gateway's to hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum GatewayRule {
    NothingBeforeTaken,
    NoPartBeforeReceipt,
    NewMemoryNewIncarnation,
    NoAnswerIsUnknown,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    Idle,
    Asked,
    Ready,
    Sent,
    Unknown,
    Done,
}

/// One life of a gateway's memory. Its open request is told by its phase and part.
#[derive(Clone, Copy, Hash)]
pub(super) struct Gateway {
    pub(super) incarnation: u8,
    pub(super) phase: Phase,
    pub(super) part: usize,
    pub(super) label: bool,
    pub(super) has_said_hello: bool,
}

/// A request of a gateway.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Ask {
    Taken { incarnation: u8 },
    Sent { incarnation: u8, part: usize },
    Unknown { incarnation: u8, part: usize },
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Verdict {
    Granted { part: usize, label: bool },
    Noted,
    NotYours,
}

pub(super) fn account() -> Account {
    Account::parse("chat").unwrap()
}

pub(super) fn turn() -> TurnId {
    TurnId::new(Ulid(1))
}

pub(super) fn incarnation(number: u8) -> Incarnation {
    Incarnation::parse(number.to_string()).unwrap()
}

// === impl Gateway ===

impl Gateway {
    pub(super) fn new(incarnation: u8) -> Self {
        Self { incarnation, phase: Phase::Idle, part: 0, label: false, has_said_hello: false }
    }

    /// The request whose answer it waits for.
    pub(super) fn open_ask(self) -> Option<Ask> {
        let Self { incarnation, part, .. } = self;
        match self.phase {
            Phase::Asked => Some(Ask::Taken { incarnation }),
            Phase::Sent => Some(Ask::Sent { incarnation, part }),
            Phase::Unknown => Some(Ask::Unknown { incarnation, part }),
            Phase::Idle | Phase::Ready | Phase::Done => None,
        }
    }

    pub(super) fn answered(self, verdict: Verdict) -> Self {
        let is_last = self.part + 1 == PARTS;
        match (verdict, self.phase) {
            (Verdict::Granted { part, label }, _) => Self { phase: Phase::Ready, part, label, ..self },
            (Verdict::NotYours, _) => Self { phase: Phase::Idle, part: 0, label: false, ..self },
            (Verdict::Noted, Phase::Unknown) => Self { phase: Phase::Ready, label: true, ..self },
            (Verdict::Noted, _) if is_last => Self { phase: Phase::Done, ..self },
            (Verdict::Noted, _) => Self { phase: Phase::Ready, part: self.part + 1, label: false, ..self },
        }
    }
}

// === impl Ask ===

impl Ask {
    pub(super) fn to_input(self) -> Input {
        let (incarnation_number, report) = match self {
            Self::Taken { incarnation } => (incarnation, Report::Taken),
            Self::Sent { incarnation, part } => (incarnation, sent(part)),
            Self::Unknown { incarnation, part } => (incarnation, Report::Unknown { from_byte: part as u64 * PART_BYTES }),
        };
        Input::Delivery(DeliveryReport {
            request: RequestId(self.to_number()),
            gateway: account(),
            incarnation: incarnation(incarnation_number),
            outbound: turn().into(),
            report,
        })
    }

    /// An ask as the number of its request, and back.
    fn to_number(self) -> u64 {
        match self {
            Self::Taken { incarnation } => u64::from(incarnation) * 100,
            Self::Sent { incarnation, part } => u64::from(incarnation) * 100 + 10 + part as u64,
            Self::Unknown { incarnation, part } => u64::from(incarnation) * 100 + 20 + part as u64,
        }
    }

    pub(super) fn from_number(number: u64) -> Self {
        let (incarnation, part) = (u8::try_from(number / 100).unwrap(), usize::try_from(number % 10).unwrap());
        match number / 10 % 10 {
            0 => Self::Taken { incarnation },
            1 => Self::Sent { incarnation, part },
            _ => Self::Unknown { incarnation, part },
        }
    }
}

fn sent(part: usize) -> Report {
    let from_byte = part as u64 * PART_BYTES;
    Report::Sent { from_byte, to_byte: from_byte + PART_BYTES, platform_message_ids: vec![], last: part + 1 == PARTS }
}

pub(super) fn verdict(answer: Answer) -> Verdict {
    match answer {
        Answer::Granted(granted) => {
            Verdict::Granted { part: usize::try_from(granted.from_byte / PART_BYTES).unwrap(), label: granted.maybe_sent }
        }
        Answer::Noted(_) => Verdict::Noted,
        Answer::NotYours(_) => Verdict::NotYours,
    }
}
