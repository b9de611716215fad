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
    /// Bytes below it may stand at the platform already. A labelled part may be shorter than the one that it repeats; what is left
    /// of that one is labelled, too.
    doubtful_until: u64,
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
            doubtful_until: 0,
            request: 0,
            repeats: 0,
            due_ms: None,
        }
    }

    /// Equal for those of which the same can become, whatever the time and the number of the request.
    #[cfg(any(test, feature = "explore"))]
    pub(super) fn fingerprint(&self) -> impl std::hash::Hash + use<> {
        // Prints alike when it is alike; what it is to send follows from its id.
        (self.id, format!("{:?}", self.phase), self.from_byte, self.doubtful_until, self.due_ms.is_some())
    }

    /// When the next repetition is due.
    pub(super) fn due_ms(&self) -> Option<u64> {
        self.due_ms
    }

    /// Goes on as if the offer were a grant.
    pub(super) fn assume_granted(&mut self, split: Split) {
        self.begin(self.ready.from_byte, self.ready.maybe_sent, split);
        self.enter(Phase::Ready);
    }

    /// Goes on as if the part on its way had its receipt. Returns whether another part follows.
    pub(super) fn skip_receipt(&mut self) -> bool {
        match self.phase {
            Phase::Sending { to_byte } if to_byte < self.length() => {
                self.from_byte = to_byte;
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

    /// Whether this request is the one whose answer counts.
    pub(super) fn awaits(&self, request: u64) -> bool {
        request == self.request
    }

    /// Takes an answer of the router. Returns whether nothing is left to do.
    pub(super) fn answered(&mut self, response: &ReportDeliveryResponse, split: Split) -> bool {
        let Phase::Reporting(report) = &self.phase else { return false };
        match (&response.answer, report) {
            (Some(Answer::Granted(granted)), Report::Taken(_)) if self.is_boundary(granted.from_byte) => {
                self.begin(granted.from_byte, granted.maybe_sent, split);
            }
            (Some(Answer::Noted(_)), Report::Sent(sent)) if !sent.last => self.from_byte = sent.to_byte,
            (Some(Answer::Noted(_)), Report::Unknown(_)) => {}
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
            Outcome::Unknown => {
                self.doubtful_until = self.doubtful_until.max(to_byte);
                Report::Unknown(Unknown { from_byte })
            }
            Outcome::NeverLeft { retry_after_ms } => {
                self.phase = Phase::Ready;
                return self.repeat_after(retry_after_ms, now_ms);
            }
        };
        self.enter(Phase::Reporting(report));
    }

    /// From here on it is to be sent. What may have been sent is the part that whoever held it before would have made.
    fn begin(&mut self, from_byte: u64, maybe_sent: bool, split: Split) {
        self.from_byte = from_byte;
        self.doubtful_until = if maybe_sent { from_byte + split(self.rest(), false) as u64 } else { from_byte };
    }

    fn rest(&self) -> &str {
        let from = usize::try_from(self.from_byte).unwrap_or(usize::MAX).min(self.ready.text.len());
        &self.ready.text[from..]
    }

    fn part(&self, split: Split) -> Part {
        let (rest, maybe_sent) = (self.rest(), self.from_byte < self.doubtful_until);
        let length = split(rest, maybe_sent);
        Part {
            id: PartId { outbound: self.id, first_byte: self.from_byte },
            platform_conversation_id: self.ready.platform_conversation_id.clone(),
            reply_to: self.ready.platform_message_id.clone(),
            text: rest[..length].to_owned(),
            maybe_sent,
            traceparent: self.ready.traceparent.clone(),
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
