//! A gateway: the real outbox, what it has on its way to the platform, and a clock of its own.

use std::hash::{DefaultHasher, Hash, Hasher};

use argentum_channel_gateway::outbox::{Effect, Input, Outbox, Outcome, Part, Rule, Split};

use crate::{
    network::{Ask, Asker, Said, Verdict},
    router::{incarnation, outbound},
};

/// One life of a gateway's memory.
#[derive(Clone)]
pub(crate) struct Gateway {
    /// Tells it from every other life, even where they bear the same name.
    pub(crate) life: u8,
    pub(crate) incarnation: u8,
    pub(crate) has_said_hello: bool,
    /// On their way to the platform.
    pub(crate) parts: Vec<Part>,
    outbox: Outbox,
    now_ms: u64,
    /// The number of its last request, and whether that is unanswered.
    request: u64,
    is_open: bool,
    print: u64,
}

// === impl Gateway ===

impl Gateway {
    pub(crate) fn new(life: u8, name: u8, split: Split, left_out: Option<Rule>) -> Self {
        let outbox = Outbox::without(incarnation(name), split, left_out);
        let print = outbox.fingerprint();
        Self { life, incarnation: name, has_said_hello: false, parts: vec![], outbox, now_ms: 0, request: 0, is_open: false, print }
    }

    /// What it asks of the router, if anything.
    pub(crate) fn tell(&mut self, input: Input) -> Option<Ask> {
        let mut ask = None;
        for effect in self.outbox.handle(input, self.now_ms).unwrap() {
            match effect {
                Effect::Send(part) => self.parts.push(*part),
                Effect::Report { request, report } => {
                    (self.request, self.is_open) = (request, true);
                    ask = Some(Ask { asker: self.asker(), incarnation: self.incarnation, said: Said::of(&report) });
                }
            }
        }
        self.print = self.outbox.fingerprint();
        ask
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.outbox.next_due_ms().is_some()
    }

    /// Time passes until what is next is due.
    pub(crate) fn wait(&mut self) -> Option<Ask> {
        self.now_ms = self.outbox.next_due_ms()?;
        self.tell(Input::Tick)
    }

    /// Hears an answer to its open request, or, late, to the one before: a second time where none is open.
    pub(crate) fn hear(&mut self, asker: Asker, verdict: Verdict) -> Option<Ask> {
        let request = if self.is_open && !asker.is_open { self.request - 1 } else { self.request };
        self.is_open &= !asker.is_open;
        self.tell(Input::Answered { request, outbound: outbound(), response: verdict.to_wire() })
    }

    /// The part that is `index`th on its way got there, or not.
    pub(crate) fn end(&mut self, index: usize, outcome: Outcome) -> Option<Ask> {
        let part = self.parts.remove(index).id;
        self.tell(Input::Ended { part, outcome })
    }

    fn asker(&self) -> Asker {
        Asker { life: self.life, is_open: self.is_open }
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.life, self.incarnation, self.has_said_hello, self.is_open, self.print).hash(&mut hasher);
        self.parts.iter().for_each(|part| (part.id, part.maybe_sent).hash(&mut hasher));
        hasher.finish()
    }
}
