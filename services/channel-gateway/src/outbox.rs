//! What one account still has to send, as a plain value: no platform, bus or clock.
//!
//! The contract (PATH, "Delivering") in the gateway's words: nothing is sent before `Taken` is answered; no part before the receipt of the
//! one before is answered; a request is repeated until it is answered, and an answer to an earlier try is void; a send that ended
//! without an answer is *unknown*, never "not sent"; an outbound is forgotten only after the answer to its last receipt. An [`Outbox`]
//! is one incarnation: when it is lost, the next one has another name.

mod sending;

use std::collections::BTreeMap;

use argentum_proto::{
    channel::v1::{OutboundReady, ReportDeliveryRequest, ReportDeliveryResponse},
    ids::{Incarnation, InvalidId, OutboundId, PartId},
};

use sending::Sending;

/// Wait before a request is repeated, and before a part that never left is tried again; doubles.
const AGAIN_MIN_MS: u64 = 500;
const AGAIN_MAX_MS: u64 = 30_000;

/// A rule of the contract that a test may leave out, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Nothing is sent before its `Taken` is answered.
    NothingBeforeTaken,
    /// No part is sent before the receipt of the one before is answered.
    NoPartBeforeReceipt,
    /// A send without an answer is unknown, not "never left".
    NoAnswerIsUnknown,
    /// An answer to an earlier try is void.
    EarlierAnswersAreVoid,
}

/// Where a text ends that goes into one part: the number of bytes of `rest` that fit. At least one character always does. It depends on
/// nothing else, and a part that begins later never ends earlier: so a later incarnation knows what an earlier one may have sent.
pub type Split = fn(rest: &str, is_labelled: bool) -> usize;

/// What one account still has to send.
#[derive(Clone, Debug)]
pub struct Outbox {
    incarnation: Incarnation,
    split: Split,
    outbounds: BTreeMap<OutboundId, Sending>,
    /// Numbers requests, so that an answer to an earlier one is recognised.
    requests: u64,
    #[cfg(any(test, feature = "explore"))]
    left_out: Option<Rule>,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The router has something to send. Comes again and again until it is taken.
    Offered(OutboundReady),
    /// The answer to a report.
    Answered { request: u64, outbound: OutboundId, response: ReportDeliveryResponse },
    /// How a send ended.
    Ended { part: PartId, outcome: Outcome },
    /// Time went by.
    Tick,
}

/// How a send ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The platform has it, as these messages.
    Sent { platform_message_ids: Vec<String> },
    /// Nothing left this machine, or the platform asks to wait. Waiting counts as no attempt.
    NeverLeft { retry_after_ms: Option<u64> },
    /// The platform will never take it.
    Refused { code: String, text: String },
    /// It was written out and no answer came.
    Unknown,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Tell the router; its answer comes back with this number.
    Report { request: u64, report: Box<ReportDeliveryRequest> },
    /// Send a part. Where it may stand at the platform already, look first if the platform allows it, else label it visibly.
    Send(Box<Part>),
}

/// A part on its way to the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Names it: nonce, transaction id and Message-ID derive from this, never from chance.
    pub id: PartId,
    pub platform_conversation_id: String,
    /// The message that is answered.
    pub reply_to: String,
    pub text: String,
    /// It may stand at the platform already.
    pub maybe_sent: bool,
    /// W3C trace context of the turn; empty where it is part of no trace.
    pub traceparent: String,
}

// === impl Outbox ===

impl Outbox {
    /// An empty memory of outbounds, under a name that no other had or will have.
    pub fn new(incarnation: Incarnation, split: Split) -> Self {
        Self {
            incarnation,
            split,
            outbounds: BTreeMap::new(),
            requests: 0,
            #[cfg(any(test, feature = "explore"))]
            left_out: None,
        }
    }

    /// The same, with a rule left out.
    #[cfg(any(test, feature = "explore"))]
    pub fn without(incarnation: Incarnation, split: Split, rule: Option<Rule>) -> Self {
        Self { left_out: rule, ..Self::new(incarnation, split) }
    }

    pub fn incarnation(&self) -> &Incarnation {
        &self.incarnation
    }

    /// Whether nothing is under way: what a drain waits for.
    pub fn is_empty(&self) -> bool {
        self.outbounds.is_empty()
    }

    /// When [`Input::Tick`] is wanted next, in the milliseconds of `now_ms`.
    pub fn next_due_ms(&self) -> Option<u64> {
        self.outbounds.values().filter_map(Sending::due_ms).min()
    }

    /// Takes one thing that happened, at `now_ms` of a clock that never goes back.
    pub fn handle(&mut self, input: Input, now_ms: u64) -> Result<Vec<Effect>, InvalidId> {
        let mut effects = Vec::new();
        match input {
            Input::Offered(ready) => {
                let id: OutboundId = ready.outbound_id.parse()?;
                let (is_granted_first, split) = (self.keeps(Rule::NothingBeforeTaken), self.split);
                if let std::collections::btree_map::Entry::Vacant(vacant) = self.outbounds.entry(id) {
                    let sending = vacant.insert(Sending::new(id, ready));
                    if !is_granted_first {
                        sending.assume_granted(split);
                    }
                    self.step(id, now_ms, &mut effects);
                }
            }
            Input::Answered { request, outbound, response } => {
                let believes_all = !self.keeps(Rule::EarlierAnswersAreVoid);
                let awaiting = self.outbounds.get_mut(&outbound).filter(|sending| sending.awaits(request) || believes_all);
                let split = self.split;
                if awaiting.is_some_and(|sending| sending.answered(&response, split)) {
                    self.outbounds.remove(&outbound);
                } else {
                    self.step(outbound, now_ms, &mut effects);
                }
            }
            Input::Ended { part, outcome } => {
                let outcome = self.believed(outcome);
                if let Some(sending) = self.outbounds.get_mut(&part.outbound) {
                    sending.ended(part, outcome, now_ms);
                    self.step(part.outbound, now_ms, &mut effects);
                }
            }
            Input::Tick => {
                let due: Vec<OutboundId> = self
                    .outbounds
                    .iter()
                    .filter(|(_, sending)| sending.due_ms().is_some_and(|due| due <= now_ms))
                    .map(|(id, _)| *id)
                    .collect();
                for id in due {
                    self.step(id, now_ms, &mut effects);
                }
            }
        }
        Ok(effects)
    }

    /// Does for one outbound what its phase calls for.
    fn step(&mut self, id: OutboundId, now_ms: u64, effects: &mut Vec<Effect>) {
        let hurries = !self.keeps(Rule::NoPartBeforeReceipt);
        let Some(sending) = self.outbounds.get_mut(&id) else { return };
        while let Some(effect) = sending.next(&self.incarnation, self.split, &mut self.requests, now_ms) {
            effects.push(effect);
            if !(hurries && sending.skip_receipt()) {
                return;
            }
        }
    }

    fn believed(&self, outcome: Outcome) -> Outcome {
        let is_believed_unsent = !self.keeps(Rule::NoAnswerIsUnknown) && outcome == Outcome::Unknown;
        if is_believed_unsent { Outcome::NeverLeft { retry_after_ms: Some(0) } } else { outcome }
    }

    /// Whether a rule holds: always, outside explorations.
    #[cfg(any(test, feature = "explore"))]
    fn keeps(&self, rule: Rule) -> bool {
        self.left_out != Some(rule)
    }

    /// Whether a rule holds: always.
    #[cfg(not(any(test, feature = "explore")))]
    #[expect(clippy::unused_self, reason = "explorations look at it")]
    const fn keeps(&self, _: Rule) -> bool {
        true
    }

    /// Equal for outboxes of which the same can become, whatever the time and the numbers of their requests.
    #[cfg(any(test, feature = "explore"))]
    pub fn fingerprint(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut due: Vec<_> = self.outbounds.iter().map(|(id, sending)| (sending.due_ms(), id)).collect();
        due.sort_unstable();
        let mut hasher = DefaultHasher::new();
        self.incarnation.hash(&mut hasher);
        self.outbounds.values().for_each(|sending| sending.fingerprint().hash(&mut hasher));
        due.iter().for_each(|(_, id)| id.hash(&mut hasher));
        hasher.finish()
    }
}

#[cfg(test)]
mod tests;
