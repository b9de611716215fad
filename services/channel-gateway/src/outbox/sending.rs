//! One outbound: asked for, sent part by part, each with its receipt.

use argentum_proto::{
    channel::v1::{
        OutboundReady, Refused, ReportDeliveryRequest, ReportDeliveryResponse, Sent, Taken, Unknown, report_delivery_request::Report,
        report_delivery_response::Answer,
    },
    ids::{Incarnation, OutboundId, PartId},
};

use super::{AGAIN_MAX_MS, AGAIN_MIN_MS, Effect, Outcome, Part, Split};

/// One outbound on its way.
#[derive(Clone, Debug)]
pub(super) struct Sending {
    id: OutboundId,
    ready: OutboundReady,
    phase: Phase,
    /// First byte without an answered receipt.
    from_byte: u64,
    maybe_sent: bool,
    /// The request whose answer counts.
    request: u64,
    /// Times that something was repeated in this phase.
    repeats: u32,
    due_ms: Option<u64>,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq)]
enum Phase {
    /// The router, to answer this.
    Reporting(Report),
    /// The moment to send the part at `from_byte`.
    Ready,
    /// The platform, with the part up to this byte.
    Sending { to_byte: u64 },
}

// === impl Sending ===

impl Sending {
    pub(super) fn new(id: OutboundId, ready: OutboundReady) -> Self {
        Self {
            id,
            ready,
            phase: Phase::Reporting(Report::Taken(Taken {})),
            from_byte: 0,
            maybe_sent: false,
            request: 0,
            repeats: 0,
            due_ms: None,
        }
    }

    /// When the next repetition is due.
    pub(super) fn due_ms(&self) -> Option<u64> {
        self.due_ms
    }

    #[cfg(any(test, feature = "explore"))]
    pub(super) fn assume_granted(&mut self) {
        (self.from_byte, self.maybe_sent) = (self.ready.from_byte, self.ready.maybe_sent);
        self.enter(Phase::Ready);
    }

    /// Goes on as if the part on its way had its receipt. Returns whether another part follows.
    pub(super) fn skip_receipt(&mut self) -> bool {
        match self.phase {
            Phase::Sending { to_byte } if to_byte < self.length() => {
                (self.from_byte, self.maybe_sent) = (to_byte, false);
                self.enter(Phase::Ready);
                true
            }
            _ => false,
        }
    }

    /// What the phase calls for, if it is due.
    pub(super) fn next(&mut self, incarnation: &Incarnation, split: Split, requests: &mut u64, now_ms: u64) -> Option<Effect> {
        if self.due_ms.is_some_and(|due_ms| now_ms < due_ms) {
            return None;
        }
        match &self.phase {
            Phase::Reporting(report) => {
                *requests += 1;
                let report = ReportDeliveryRequest {
                    outbound_id: self.id.to_string(),
                    incarnation: incarnation.to_string(),
                    report: Some(report.clone()),
                };
                self.request = *requests;
                self.repeat_after(None, now_ms);
                Some(Effect::Report { request: self.request, report: Box::new(report) })
            }
            Phase::Ready => {
                let part = self.part(split);
                let to_byte = self.from_byte + part.text.len() as u64;
                self.phase = Phase::Sending { to_byte };
                self.due_ms = None;
                Some(Effect::Send(Box::new(part)))
            }
            Phase::Sending { .. } => None,
        }
    }

    /// Takes an answer of the router. Returns whether nothing is left to do. An answer to an earlier request is void.
    pub(super) fn answered(&mut self, request: u64, response: &ReportDeliveryResponse) -> bool {
        let Phase::Reporting(report) = &self.phase else { return false };
        if request != self.request {
            return false;
        }
        match (&response.answer, report) {
            (Some(Answer::Granted(granted)), Report::Taken(_)) if self.is_boundary(granted.from_byte) => {
                (self.from_byte, self.maybe_sent) = (granted.from_byte, granted.maybe_sent);
            }
            (Some(Answer::Noted(_)), Report::Sent(sent)) if !sent.last => (self.from_byte, self.maybe_sent) = (sent.to_byte, false),
            (Some(Answer::Noted(_)), Report::Unknown(_)) => self.maybe_sent = true,
            (Some(Answer::Noted(_)), Report::Sent(_) | Report::Refused(_)) | (Some(Answer::NotYours(_)), _) => return true,
            // Not an answer to what was asked: it is asked again.
            _ => return false,
        }
        self.enter(Phase::Ready);
        false
    }

    /// Takes the end of a send.
    pub(super) fn ended(&mut self, part: PartId, outcome: Outcome, now_ms: u64) {
        let Phase::Sending { to_byte } = self.phase else { return };
        let from_byte = self.from_byte;
        if part.first_byte != from_byte {
            return;
        }
        let report = match outcome {
            Outcome::Sent { platform_message_ids } => {
                Report::Sent(Sent { from_byte, to_byte, platform_message_ids, last: to_byte == self.length() })
            }
            Outcome::Refused { code, text } => Report::Refused(Refused { from_byte, code, text }),
            Outcome::Unknown => Report::Unknown(Unknown { from_byte }),
            Outcome::NeverLeft { retry_after_ms } => {
                self.phase = Phase::Ready;
                return self.repeat_after(retry_after_ms, now_ms);
            }
        };
        self.enter(Phase::Reporting(report));
    }

    fn part(&self, split: Split) -> Part {
        let from = usize::try_from(self.from_byte).unwrap_or(usize::MAX).min(self.ready.text.len());
        let rest = &self.ready.text[from..];
        let length = split(rest, self.maybe_sent);
        Part {
            id: PartId { outbound: self.id, first_byte: self.from_byte },
            platform_conversation_id: self.ready.platform_conversation_id.clone(),
            reply_to: self.ready.platform_message_id.clone(),
            text: rest[..length].to_owned(),
            maybe_sent: self.maybe_sent,
        }
    }

    fn length(&self) -> u64 {
        self.ready.text.len() as u64
    }

    fn is_boundary(&self, byte: u64) -> bool {
        usize::try_from(byte).is_ok_and(|byte| byte < self.ready.text.len() && self.ready.text.is_char_boundary(byte))
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.repeats = 0;
        self.due_ms = None;
    }

    fn repeat_after(&mut self, wait_ms: Option<u64>, now_ms: u64) {
        let backoff_ms = (AGAIN_MIN_MS << self.repeats.min(16)).min(AGAIN_MAX_MS);
        self.repeats = self.repeats.saturating_add(1);
        self.due_ms = Some(now_ms.saturating_add(wait_ms.unwrap_or(backoff_ms)));
    }
}
