//! Remembering: every turn with an outcome is told to memory until memory has it. Holds nothing else up.

use argentum_proto::{
    ids::TurnId,
    provider::v1::{TurnRemembered, record::Event},
};

use super::{
    Effect,
    step::Step,
    timers::{Timer, backoff_ms},
};

/// Wait before a turn is told again; doubles.
const AGAIN_MIN_MS: u64 = 1_000;
const AGAIN_MAX_MS: u64 = 60_000;

// === impl Step ===

impl Step<'_> {
    /// Tells memory of a turn that has its outcome, as soon as its turn comes.
    pub(super) fn remember(&mut self, turn: TurnId) {
        if self.is_unremembered(turn) {
            self.life.remembering.waiting.insert(turn);
            self.tell_memory();
        }
    }

    pub(super) fn remembered(&mut self, turn: TurnId) {
        self.life.remembering.told.remove(&turn);
        self.life.timers.cancel(&Timer::Remember(turn));
        if self.is_unremembered(turn) {
            self.decide(Event::TurnRemembered(TurnRemembered { turn_id: turn.to_string() }));
        }
        self.tell_memory();
    }

    pub(super) fn remember_failed(&mut self, turn: TurnId) {
        let Some(times) = self.life.remembering.told.get_mut(&turn) else { return };
        let again_ms = backoff_ms(AGAIN_MIN_MS, AGAIN_MAX_MS, *times);
        *times = times.saturating_add(1);
        self.set_timer(Timer::Remember(turn), again_ms);
    }

    pub(super) fn remember_again(&mut self, turn: TurnId) {
        if self.life.remembering.told.contains_key(&turn) {
            self.tell(turn);
        }
    }

    fn tell_memory(&mut self) {
        while self.life.remembering.told.len() < self.config.limits.remembering_max {
            let Some(turn) = self.life.remembering.waiting.pop_first() else { return };
            self.life.remembering.told.insert(turn, 0);
            self.tell(turn);
        }
    }

    fn tell(&mut self, id: TurnId) {
        let told = self.state.turn(id).and_then(|turn| Some((turn.speaker(), turn.past(id)?)));
        if let Some((speaker, turn)) = told {
            self.effect(Effect::Remember { speaker, turn: Box::new(turn) });
        }
    }

    fn is_unremembered(&self, turn: TurnId) -> bool {
        self.state.turn(turn).and_then(|turn| turn.completion()).is_some_and(|completion| !completion.is_remembered)
    }
}
