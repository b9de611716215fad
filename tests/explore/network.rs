//! The network: what is on its way stays there, so that it comes late and more than once, until all of it is lost.

use std::{collections::BTreeSet, rc::Rc};

use argentum_proto::channel::v1::{
    Granted, NotYours, Noted, OutboundReady, ReportDeliveryRequest, ReportDeliveryResponse, Sent, Taken, Unknown,
    report_delivery_request::Report, report_delivery_response::Answer,
};

use crate::router::{incarnation, outbound};

/// What is on its way.
#[derive(Clone, Default)]
pub(crate) struct Network {
    /// The router asks who lives.
    pub(crate) is_hello_asked: bool,
    pub(crate) offer: Option<Rc<OutboundReady>>,
    pub(crate) asks: BTreeSet<Ask>,
    pub(crate) answers: BTreeSet<(Asker, Verdict)>,
}

/// Whom an answer is for. Numbers of requests are told apart only as the gateway does: the last one, or an earlier one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Asker {
    pub(crate) life: u8,
    /// Its last request, not answered yet.
    pub(crate) is_open: bool,
}

/// A report of a gateway.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ask {
    pub(crate) asker: Asker,
    pub(crate) incarnation: u8,
    pub(crate) said: Said,
}

/// What a report says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Said {
    Taken,
    Sent { from_byte: u64, to_byte: u64, last: bool },
    Unknown { from_byte: u64 },
}

/// What the router answers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Verdict {
    Granted { from_byte: u64, maybe_sent: bool },
    Noted,
    NotYours,
}

// === impl Network ===

impl Network {
    /// The last request of this life is answered, or another one is asked: late answers to it are kept, or nobody hears them.
    pub(crate) fn close(&mut self, life: u8, keeps_late: bool) {
        let earlier = Asker { life, is_open: false };
        self.asks = self.asks.iter().map(|ask| if ask.asker.life == life { Ask { asker: earlier, ..*ask } } else { *ask }).collect();
        if !keeps_late {
            return self.forget(life);
        }
        let late = |(asker, verdict): &(Asker, Verdict)| (if asker.life == life { earlier } else { *asker }, *verdict);
        self.answers = self.answers.iter().map(late).collect();
    }

    /// Who hears the earlier of two answers to one request could as well have heard it before the later was given: only the
    /// later is kept.
    pub(crate) fn answer(&mut self, asker: Asker, verdict: Verdict, keeps_late: bool) {
        self.answers.retain(|(earlier, _)| keeps_late || *earlier != asker);
        self.answers.insert((asker, verdict));
    }

    /// Nobody is there any more to hear an answer.
    pub(crate) fn forget(&mut self, life: u8) {
        self.answers.retain(|(asker, _)| asker.life != life);
    }

    /// The same asked earlier leads to nothing else, but for its answer.
    pub(crate) fn ask(&mut self, ask: Ask, keeps_late: bool) {
        if !keeps_late {
            self.asks.retain(|earlier| (earlier.asker.life, earlier.said) != (ask.asker.life, ask.said));
        }
        self.asks.insert(ask);
    }
}

// === impl Asker ===

impl Asker {
    /// It as the router's name of a request, and back.
    pub(crate) fn to_number(self) -> u64 {
        u64::from(self.life) * 2 + u64::from(self.is_open)
    }

    pub(crate) fn from_number(number: u64) -> Self {
        Self { life: u8::try_from(number / 2).unwrap(), is_open: number % 2 == 1 }
    }
}

// === impl Said ===

impl Said {
    pub(crate) fn of(wire: &ReportDeliveryRequest) -> Self {
        match wire.report.as_ref().unwrap() {
            Report::Taken(_) => Self::Taken,
            Report::Sent(Sent { from_byte, to_byte, last, .. }) => Self::Sent { from_byte: *from_byte, to_byte: *to_byte, last: *last },
            Report::Unknown(Unknown { from_byte }) => Self::Unknown { from_byte: *from_byte },
            Report::Refused(_) => unreachable!("this platform refuses nothing"),
        }
    }
}

// === impl Ask ===

impl Ask {
    pub(crate) fn to_wire(self) -> ReportDeliveryRequest {
        let report = match self.said {
            Said::Taken => Report::Taken(Taken {}),
            Said::Sent { from_byte, to_byte, last } => Report::Sent(Sent { from_byte, to_byte, platform_message_ids: vec![], last }),
            Said::Unknown { from_byte } => Report::Unknown(Unknown { from_byte }),
        };
        let incarnation = incarnation(self.incarnation).to_string();
        ReportDeliveryRequest { outbound_id: outbound().to_string(), incarnation, report: Some(report) }
    }
}

// === impl Verdict ===

impl Verdict {
    pub(crate) fn of(answer: &Answer) -> Self {
        match answer {
            Answer::Granted(Granted { from_byte, maybe_sent }) => Self::Granted { from_byte: *from_byte, maybe_sent: *maybe_sent },
            Answer::Noted(_) => Self::Noted,
            Answer::NotYours(_) => Self::NotYours,
        }
    }

    pub(crate) fn to_wire(self) -> ReportDeliveryResponse {
        let answer = match self {
            Self::Granted { from_byte, maybe_sent } => Answer::Granted(Granted { from_byte, maybe_sent }),
            Self::Noted => Answer::Noted(Noted {}),
            Self::NotYours => Answer::NotYours(NotYours {}),
        };
        ReportDeliveryResponse { answer: Some(answer) }
    }
}
