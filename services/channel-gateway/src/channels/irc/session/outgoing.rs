//! What is said, and what became of it.
//!
//! IRC acknowledges nothing. But a server handles the lines of a connection one after the other: a `PING` behind a line comes back as
//! `PONG` only once the line was handled, and a refusal comes before it. With `echo-message` the server also says that it delivered the
//! line. One text is on its way at a time, so that a refusal is surely its own.

use std::collections::VecDeque;

use super::{super::flood::Bucket, Output};
use crate::{channels::irc::text::pieces, outbox::Outcome};

/// Texts that wait.
const WAITING_MAX: usize = 256;
/// Wait before a text is tried again whose channel we are not in, or that the server did not want yet.
const AGAIN_MS: u64 = 5_000;
const LATER_MS: u64 = 60_000;
/// Least room for a text in a line, however long the names around it are.
const ROOM_BYTES_MIN: usize = 40;

/// One line to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Say {
    /// Comes back with the outcome.
    pub(in super::super) ticket: u64,
    pub(in super::super) target: String,
    pub(in super::super) text: String,
    /// Nobody may answer a notice by itself (RFC 2812, section 3.3.2): for what the gateway says of itself.
    pub(in super::super) is_notice: bool,
}

/// What one connection has to say.
pub(super) struct Outgoing {
    waiting: VecDeque<Say>,
    flight: Option<Flight>,
    bucket: Bucket,
    flights: u64,
}

/// The text that is on its way.
struct Flight {
    say: Say,
    unsent: VecDeque<String>,
    sent: Vec<String>,
    /// How many of them the server said that it delivered, and their ids.
    echoed: usize,
    message_ids: Vec<String>,
    refusal: Option<Outcome>,
    /// What comes back when the server has handled it all, and since when it is waited for.
    barrier: Option<(String, u64)>,
}

// === impl Outgoing ===

impl Outgoing {
    pub(super) fn new(burst: u32, refill_ms: u64) -> Self {
        Self { waiting: VecDeque::new(), flight: None, bucket: Bucket::new(burst, refill_ms), flights: 0 }
    }

    /// Queues a text; where too many wait, it never left.
    pub(super) fn push(&mut self, say: Say) -> Option<Output> {
        if WAITING_MAX <= self.waiting.len() {
            return Some(never_left(say.ticket, AGAIN_MS));
        }
        self.waiting.push_back(say);
        None
    }

    /// Sends what may go out now: `room_bytes` are left for command, target and text.
    pub(super) fn pump(&mut self, now_ms: u64, room_bytes: usize, is_open: impl Fn(&str) -> bool, out: &mut Vec<Output>) {
        while self.flight.is_none() {
            let Some(say) = self.waiting.pop_front() else { return };
            if !is_open(&say.target) {
                out.push(never_left(say.ticket, AGAIN_MS));
                continue;
            }
            let room_bytes = room_bytes.saturating_sub("PRIVMSG  :".len() + say.target.len()).max(ROOM_BYTES_MIN);
            let unsent = pieces(&say.text, room_bytes).into();
            self.flights += 1;
            self.flight = Some(Flight::new(say, unsent));
        }
        let Some(flight) = &mut self.flight else { return };
        while !flight.unsent.is_empty() && self.bucket.take(now_ms) {
            out.extend(flight.send_piece());
        }
        if flight.unsent.is_empty() && flight.barrier.is_none() {
            let token = format!("said-{}", self.flights);
            out.push(Output::Line(format!("PING :{token}")));
            flight.barrier = Some((token, now_ms));
        }
    }

    /// The server handled everything before this token.
    pub(super) fn ponged(&mut self, token: &str, is_echoing: bool) -> Option<Output> {
        let flight = self.flight.take_if(|flight| flight.barrier.as_ref().is_some_and(|(awaited, _)| awaited == token))?;
        let ticket = flight.say.ticket;
        Some(Output::Ended { ticket, outcome: flight.outcome(is_echoing) })
    }

    /// The server delivered a text of ours. It may have changed it: only where it went is compared.
    pub(super) fn echoed(&mut self, is_target: impl Fn(&str) -> bool, message_id: Option<&str>) {
        if let Some(flight) = self.flight.as_mut().filter(|flight| is_target(&flight.say.target)) {
            flight.echoed += 1;
            flight.message_ids.extend(message_id.map(str::to_owned));
        }
    }

    /// The server will not deliver the text on its way, for good or for now.
    pub(super) fn refused(&mut self, is_target: impl Fn(&str) -> bool, code: u16, text: &str) {
        let Some(flight) = self.flight.as_mut().filter(|flight| !flight.sent.is_empty() && is_target(&flight.say.target)) else { return };
        flight.unsent.clear();
        // Too fast, too many targets, too busy: only for now, and nothing of it was delivered.
        let is_for_now = matches!(code, 263 | 439 | 707) && flight.sent.len() == 1;
        let refused = Outcome::Refused { code: format!("{code:03}"), text: text.to_owned() };
        flight.refusal = Some(if is_for_now { Outcome::NeverLeft { retry_after_ms: Some(LATER_MS) } } else { refused });
    }

    /// The connection is gone: what was written is unknown, what was not never left.
    pub(super) fn close(&mut self) -> Vec<Output> {
        let flight = self.flight.take().map(|flight| match flight.sent.is_empty() {
            true => never_left(flight.say.ticket, 0),
            false => Output::Ended { ticket: flight.say.ticket, outcome: Outcome::Unknown },
        });
        flight.into_iter().chain(self.waiting.drain(..).map(|say| never_left(say.ticket, 0))).collect()
    }

    /// Whether the server owes an answer for too long.
    pub(super) fn is_overdue(&self, now_ms: u64, answer_ms: u64) -> bool {
        let since_ms = self.flight.as_ref().and_then(|flight| flight.barrier.as_ref()).map(|(_, since_ms)| *since_ms);
        since_ms.is_some_and(|since_ms| since_ms + answer_ms <= now_ms)
    }

    /// What is waited for.
    #[cfg(test)]
    pub(super) fn token(&self) -> Option<&str> {
        self.flight.as_ref()?.barrier.as_ref().map(|(token, _)| token.as_str())
    }

    pub(super) fn due_ms(&self, now_ms: u64, answer_ms: u64) -> Option<u64> {
        let flight = self.flight.as_ref()?;
        Some(flight.barrier.as_ref().map_or_else(|| self.bucket.due_ms(now_ms), |(_, since_ms)| since_ms + answer_ms))
    }
}

// === impl Flight ===

impl Flight {
    fn new(say: Say, unsent: VecDeque<String>) -> Self {
        Self { say, unsent, sent: Vec::new(), echoed: 0, message_ids: Vec::new(), refusal: None, barrier: None }
    }

    fn send_piece(&mut self) -> Option<Output> {
        let piece = self.unsent.pop_front()?;
        let command = if self.say.is_notice { "NOTICE" } else { "PRIVMSG" };
        let line = format!("{command} {} :{piece}", self.say.target);
        self.sent.push(piece);
        Some(Output::Line(line))
    }

    fn outcome(self, is_echoing: bool) -> Outcome {
        match self.refusal {
            Some(refusal) => refusal,
            None if is_echoing && self.echoed < self.sent.len() => {
                Outcome::Refused { code: "not-echoed".to_owned(), text: "the server took the line and did not deliver it".to_owned() }
            }
            None => Outcome::Sent { platform_message_ids: self.message_ids },
        }
    }
}

fn never_left(ticket: u64, retry_after_ms: u64) -> Output {
    let retry_after_ms = (0 < retry_after_ms).then_some(retry_after_ms);
    Output::Ended { ticket, outcome: Outcome::NeverLeft { retry_after_ms } }
}
