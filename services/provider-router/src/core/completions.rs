//! What completions of `/v1` cost. They are no turns: nothing of them is kept but this.
//!
//! Before a vendor is asked, what it may cost is held, and that is on disk; whoever dies then, it is settled: with what came, else, at
//! the next start, with what was held.

use argentum_proto::{
    ids::CompletionId,
    provider::v1::{CompletionHeld, CompletionSettled, Settlement, record::Event},
};

use super::{Effect, step::Step};

// === impl Step ===

impl Step<'_> {
    /// Holds what a completion may cost, unless new work is not taken.
    pub(super) fn completion_asked(&mut self, completion: CompletionId, estimate: Settlement) {
        let is_held = !self.life.is_draining && !self.life.is_intake_closed;
        if is_held {
            self.decide(Event::CompletionHeld(CompletionHeld { completion_id: completion.to_string(), estimate: Some(estimate) }));
        }
        self.effect(Effect::AnswerCompletion { completion, is_held });
    }

    /// Settles a completion, once.
    pub(super) fn settle_completion(&mut self, completion: CompletionId, settlement: Option<Settlement>) {
        if self.state.holds().contains_key(&completion) {
            self.decide(Event::CompletionSettled(CompletionSettled { completion_id: completion.to_string(), settlement }));
        }
    }

    /// Settles what an earlier life of the router left: nobody knows what came of it, so it counts for what was held.
    pub(super) fn settle_broken_completions(&mut self) {
        for (completion, estimate) in self.state.holds().clone() {
            self.settle_completion(completion, Some(Settlement { is_estimated: true, ..estimate }));
        }
    }
}
