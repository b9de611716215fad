//! After a start: the state from what the journal keeps, and what must be done about it.

use argentum_proto::{
    channel::v1::Outcome,
    ids::TurnId,
    provider::v1::{Checkpoint, Errand, Record, Settlement},
};
use thiserror::Error;

use super::{
    Config, Core, Now, Outputs, Place,
    life::Life,
    rule::Rule,
    state::{ApplyError, Phase, State},
    step::Step,
    texts,
    turn::Ending,
};

/// Why the state cannot be made from what the journal keeps. Nothing is served then.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RecoverError {
    /// The checkpoint does not hold what it must.
    #[error("the checkpoint cannot be read")]
    Checkpoint(#[source] ApplyError),
    /// A record does not follow from those before it.
    #[error("the journal's record at position {position} does not follow from those before it")]
    Record {
        /// Where it stands.
        position: u64,
        /// Why it does not follow.
        #[source]
        source: ApplyError,
    },
}

// === impl Core ===

impl Core {
    /// Makes the state from a checkpoint, if there is one, and the records after it, with their positions, in order. What the
    /// checkpoint contains already is skipped.
    pub fn recover(
        config: Config,
        checkpoint: Option<Checkpoint>,
        records: impl IntoIterator<Item = (u64, Record)>,
    ) -> Result<Self, RecoverError> {
        let position_kept = checkpoint.as_ref().map(|checkpoint| checkpoint.position);
        let mut state = match checkpoint {
            Some(checkpoint) => State::restore(checkpoint, config.limits.tail).map_err(RecoverError::Checkpoint)?,
            None => State::new(config.limits.tail),
        };
        for (position, record) in records {
            if position_kept.is_none_or(|kept| kept < position) {
                state.apply(&record).map_err(|source| RecoverError::Record { position, source })?;
            }
        }
        Ok(Self { config, state, life: Life::default() })
    }

    /// Begins this life: what was under way goes on. To be called once, before anything is handled, when what was recovered
    /// is synced.
    pub fn started(&mut self, now: Now) -> Outputs {
        self.life = Life { started_ms: now.monotonic_ms, uptime_ms: self.state.uptime_ms(), ..Life::default() };
        let mut step = Step::new(self, now);
        step.keep_house();
        step.settle_broken_completions();
        step.go_on();
        step.finish()
    }
}

/// What an open turn needs after a start.
enum Resumption {
    /// Its turn will come.
    Wait,
    /// Its start was broken off.
    Rerun(Option<Settlement>),
    /// It was started too often without an outcome.
    Quarantine,
    /// It has its outcome.
    Finish,
}

// === impl Step ===

impl Step<'_> {
    fn go_on(&mut self) {
        let turns: Vec<TurnId> = self.state.turns().map(|(id, _)| id).collect();
        for turn in turns {
            match self.resumption(turn) {
                Resumption::Wait => {}
                Resumption::Rerun(broken) => self.start(turn, broken),
                Resumption::Quarantine => self.complete(turn, Ending::new(Outcome::Quarantined, texts::QUARANTINED)),
                Resumption::Finish => {
                    self.remember(turn);
                    self.offer(turn);
                }
            }
        }
        let places: Vec<Place> = self.state.conversations().map(|(place, _)| place.clone()).collect();
        for place in places {
            self.start_next(&place);
        }
    }

    fn resumption(&self, id: TurnId) -> Resumption {
        let Some(turn) = self.state.turn(id) else { return Resumption::Wait };
        let is_running_now = self.life.runs.contains_key(&id);
        match &turn.phase {
            Phase::Running if is_running_now => Resumption::Wait,
            Phase::Running if self.config.limits.starts_max <= turn.starts => Resumption::Quarantine,
            // Memory costs nothing, and does nothing twice.
            Phase::Running if turn.errand != Errand::Unspecified => Resumption::Rerun(None),
            Phase::Running => Resumption::Rerun(Some(self.estimate_broken(id))),
            Phase::Parked => Resumption::Rerun(None),
            Phase::Completed(_) if self.config.keeps(Rule::CompletedIsFinal) => Resumption::Finish,
            Phase::Completed(_) => Resumption::Rerun(None),
            Phase::Queued => Resumption::Wait,
        }
    }

    /// What a try may have cost of which nothing is left but its question.
    fn estimate_broken(&self, id: TurnId) -> Settlement {
        let turn = self.state.turn(id);
        let tail = turn
            .and_then(|turn| self.state.conversation(&turn.place))
            .map_or(0, |conversation| conversation.tail().turns().iter().map(|turn| turn.question.len() + turn.answer.len()).sum());
        let limits = &self.config.limits;
        let input_bytes =
            self.config.system_prompt.len() + tail.min(limits.prompt_tail.bytes_max) + turn.map_or(0, |turn| turn.question.len());
        self.config.price.estimate(input_bytes, self.config.price.output_tokens_estimated)
    }
}
