//! Everything durable that the router knows: what replaying the journal makes.
//!
//! Only [`State::apply`] changes it, in life as in replay, so that the two cannot differ. The rest of the core reads.

mod apply;
mod checkpoint;
mod delivery;
mod keys;
mod spend;
mod tail;

use std::collections::{BTreeMap, VecDeque};

use argentum_proto::{
    channel::v1::{Outcome, PastTurn, Sender},
    ids::{CompletionId, MessageId, TurnId},
    memory::v1::Audience,
    provider::v1::{Errand, Settlement},
};

pub use self::{
    apply::ApplyError,
    spend::{SpendKey, SpendTotal},
};
pub(super) use self::{delivery::Delivery, keys::Keys, spend::Spend, tail::Tail};
use super::{
    config::TailLimits,
    input::{Place, Speaker},
};

/// What replaying the journal makes.
#[derive(Clone, Debug, Hash)]
pub(super) struct State {
    tail_limits: Limits,
    uptime_ms: u64,
    keys: Keys,
    conversations: BTreeMap<Place, Conversation>,
    turns: BTreeMap<TurnId, Turn>,
    /// Completions of `/v1` that are not settled, with what each may cost.
    holds: BTreeMap<CompletionId, Settlement>,
    spend: Spend,
}

/// The bounds that the state itself keeps.
#[derive(Clone, Copy, Debug, Hash)]
struct Limits {
    bytes_max: usize,
    count_max: usize,
}

/// A conversation in which something was asked.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Conversation {
    title: String,
    /// The model that was chosen last; empty = none.
    model: String,
    changed_at_ms: u64,
    running: Option<TurnId>,
    queue: VecDeque<TurnId>,
    tail: Tail,
}

/// A turn that is not yet both delivered and remembered.
#[derive(Clone, Debug, Hash)]
pub(super) struct Turn {
    pub(super) place: Place,
    /// Who hears what is said there.
    pub(super) audience: Audience,
    pub(super) message: MessageId,
    /// Of the text that is asked: an edit of a queued message raises it.
    pub(super) revision: u64,
    pub(super) sender: Sender,
    /// What a model is asked; of an errand, its text.
    pub(super) question: String,
    /// What is asked of memory instead.
    pub(super) errand: Errand,
    /// The model that was chosen; empty = the default one.
    pub(super) model: String,
    /// `/new`.
    pub(super) clears: bool,
    /// Completed is the delivery.
    pub(super) delivered_by_tail: bool,
    pub(super) traceparent: String,
    pub(super) accepted_at_ms: u64,
    /// Starts that count, in all lives.
    pub(super) starts: u32,
    /// Tries at the vendor, in all lives; the number of the one that runs.
    pub(super) attempts: u32,
    pub(super) phase: Phase,
}

/// How far a turn is.
#[derive(Clone, Debug, Hash)]
pub(super) enum Phase {
    Queued,
    Running,
    Parked,
    Completed(Completion),
}

/// The outcome of a turn and what became of it.
#[derive(Clone, Debug, Hash)]
pub(super) struct Completion {
    pub(super) outcome: Outcome,
    pub(super) answer: String,
    /// The model that answered, as `<provider>/<model>`.
    pub(super) answered_by: String,
    pub(super) completed_at_ms: u64,
    pub(super) completed_uptime_ms: u64,
    pub(super) is_remembered: bool,
    /// What is still to be delivered.
    pub(super) delivery: Option<Delivery>,
}

// === impl State ===

impl State {
    pub(super) fn new(limits: TailLimits) -> Self {
        Self {
            tail_limits: Limits { bytes_max: limits.bytes_max, count_max: limits.count_max },
            uptime_ms: 0,
            keys: Keys::default(),
            conversations: BTreeMap::new(),
            turns: BTreeMap::new(),
            holds: BTreeMap::new(),
            spend: Spend::default(),
        }
    }

    /// As of the last record.
    pub(super) fn uptime_ms(&self) -> u64 {
        self.uptime_ms
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(super) fn spend(&self) -> &Spend {
        &self.spend
    }

    pub(super) fn holds(&self) -> &BTreeMap<CompletionId, Settlement> {
        &self.holds
    }

    pub(super) fn turn(&self, turn: TurnId) -> Option<&Turn> {
        self.turns.get(&turn)
    }

    pub(super) fn turns(&self) -> impl Iterator<Item = (TurnId, &Turn)> {
        self.turns.iter().map(|(id, turn)| (*id, turn))
    }

    pub(super) fn conversation(&self, place: &Place) -> Option<&Conversation> {
        self.conversations.get(place)
    }

    pub(super) fn conversations(&self) -> impl Iterator<Item = (&Place, &Conversation)> {
        self.conversations.iter()
    }
}

// === impl Conversation ===

impl Conversation {
    pub(super) fn title(&self) -> &str {
        &self.title
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    pub(super) fn changed_at_ms(&self) -> u64 {
        self.changed_at_ms
    }

    /// The turn that holds the conversation, from Started to delivered-or-failed.
    pub(super) fn running(&self) -> Option<TurnId> {
        self.running
    }

    pub(super) fn queue(&self) -> &VecDeque<TurnId> {
        &self.queue
    }

    pub(super) fn tail(&self) -> &Tail {
        &self.tail
    }
}

// === impl Turn ===

impl Turn {
    pub(super) fn completion(&self) -> Option<&Completion> {
        match &self.phase {
            Phase::Completed(completion) => Some(completion),
            Phase::Queued | Phase::Running | Phase::Parked => None,
        }
    }

    fn completion_mut(&mut self) -> Option<&mut Completion> {
        match &mut self.phase {
            Phase::Completed(completion) => Some(completion),
            Phase::Queued | Phase::Running | Phase::Parked => None,
        }
    }

    /// Who asked, where, before whom.
    pub(super) fn speaker(&self) -> Speaker {
        Speaker { place: self.place.clone(), audience: self.audience, sender: self.sender.clone() }
    }

    /// As its sender wrote it.
    pub(super) fn said(&self) -> String {
        match self.errand {
            Errand::Unspecified => self.question.clone(),
            Errand::Remember => format!("/remember {}", self.question),
            Errand::Forget => format!("/forget {}", self.question),
        }
    }

    /// Whether a Stop finds something: it has no outcome yet, or its answer is on its way.
    pub(super) fn is_stoppable(&self) -> bool {
        self.completion().is_none() || self.delivery().is_some()
    }

    /// What is still to be delivered.
    pub(super) fn delivery(&self) -> Option<&Delivery> {
        self.completion().and_then(|completion| completion.delivery.as_ref())
    }

    /// It as readers and memory see it, once it has an outcome.
    pub(super) fn past(&self, id: TurnId) -> Option<PastTurn> {
        let completion = self.completion()?;
        Some(PastTurn {
            turn_id: id.to_string(),
            sender: Some(self.sender.clone()),
            platform_message_id: self.message.to_string(),
            question: self.said(),
            answer: completion.answer.clone(),
            outcome: completion.outcome.into(),
            accepted_at_ms: self.accepted_at_ms,
            completed_at_ms: completion.completed_at_ms,
            model: completion.answered_by.clone(),
        })
    }
}
