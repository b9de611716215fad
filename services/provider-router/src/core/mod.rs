//! The router's core: what happens to a message from its acceptance until it is answered, delivered and remembered.
//!
//! A pure, synchronous state machine without clock, socket, randomness or disk. The driver tells it what happened
//! ([`Core::handle`]) and gets records to journal and effects to release behind **one gate**: see [`Outputs`]. What is durable
//! lives in the `state` and changes only by applying a record; what a life of the process knows beside it lives in `life` and
//! is made anew by [`Core::started`].
//!
//! The driver's part: recover, sync what was recovered, [`Core::started`]; then hand in every input in the order in which it
//! happened, [`Input::Tick`] whenever [`Core::next_due_ms`] is reached, and treat every [`Outputs`] as said there. Answers of
//! vendor calls come in the order of their attempt. A failed sync ends the process: what the core knows is ahead of the disk.
//!
//! A message meets the files in this order: `accept`, `turn` (or `errand`), `delivery`, `remember`. What a completion of `/v1` costs passes through
//! `completions`.

mod accept;
mod answer;
mod completions;
mod config;
mod delivery;
mod effect;
mod errand;
#[cfg(any(test, feature = "explore"))]
pub mod explore;
mod flood;
mod input;
mod life;
mod pages;
mod prompt;
mod recover;
mod remember;
mod rule;
mod state;
mod step;
#[cfg(test)]
mod tests;
mod texts;
mod timers;
mod turn;

use std::hash::{DefaultHasher, Hash, Hasher};

use argentum_proto::{ids::TurnId, provider::v1::Checkpoint};

pub use self::{
    config::{Config, Limits, Price, TailLimits},
    effect::{Effect, Notification, Outputs},
    input::{
        Content, DeliveryReport, ErrandDone, FailureClass, Inbound, Input, Now, Origin, Place, RecalledRecord, Report, RequestId, Speaker,
        VendorEvent, VendorFailure,
    },
    prompt::{Prompt, PromptMessage, Role},
    recover::RecoverError,
    rule::Rule,
    state::{ApplyError, SpendKey, SpendTotal},
};
use self::{
    life::{Life, Stage},
    state::State,
    step::Step,
};

/// Decides what happens to every message.
#[derive(Clone, Debug)]
pub struct Core {
    config: Config,
    state: State,
    life: Life,
}

// === impl Core ===

impl Core {
    /// Takes one thing that happened and tells what it leads to.
    pub fn handle(&mut self, input: Input, now: Now) -> Outputs {
        let mut step = Step::new(self, now);
        step.handle(input);
        step.finish()
    }

    /// When [`Input::Tick`] is wanted next, on the monotonic clock.
    pub fn next_due_ms(&self) -> Option<u64> {
        self.life.timers.next_due_ms()
    }

    /// Whether an effect is still to be done, asked when it is released: a vendor call or an errand whose turn ended while it waited
    /// at the gate is not.
    pub fn is_wanted(&self, effect: &Effect) -> bool {
        let is_at = |turn: &TurnId, stage: Stage| self.life.runs.get(turn).is_some_and(|run| run.stage == stage);
        match effect {
            Effect::CallVendor { turn, attempt, .. } => {
                is_at(turn, Stage::Calling) && self.state.turn(*turn).is_some_and(|turn| turn.attempts == *attempt)
            }
            Effect::Note { turn, .. } | Effect::Forget { turn, .. } => is_at(turn, Stage::Errand),
            _ => true,
        }
    }

    /// Whether no turn runs and no completion is held: what a drain waits for.
    pub fn is_idle(&self) -> bool {
        self.life.runs.is_empty() && self.state.holds().is_empty()
    }

    /// Turns that are not yet both delivered and remembered.
    pub fn open_turns(&self) -> usize {
        self.state.turns().count()
    }

    /// The W3C trace context that the message of an open turn came with.
    pub fn traceparent(&self, turn: TurnId) -> Option<&str> {
        self.state.turn(turn).map(|turn| turn.traceparent.as_str())
    }

    /// What the vendors cost, by day and model.
    pub fn spend(&self) -> impl Iterator<Item = (&SpendKey, &SpendTotal)> {
        self.state.spend().totals()
    }

    /// The whole durable state, as of the record at `position`: the last that was handed out. It may replace the records up to
    /// there only once that position is synced, and counts only once it is synced itself.
    pub fn checkpoint(&self, position: u64) -> Checkpoint {
        self.state.checkpoint(position)
    }

    /// Equal for cores that behave alike from here on.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.state.hash(&mut hasher);
        self.life.hash(&mut hasher);
        hasher.finish()
    }
}
