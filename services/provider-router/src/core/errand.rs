//! Errands: what somebody wants noted or forgotten. A turn like any other, in its place, journaled and delivered; but memory is asked
//! and no vendor, and memory is not told of the turn itself: in it stands what was to be forgotten.

use argentum_proto::{channel::v1::Outcome, ids::TurnId, provider::v1::Errand};

use super::{
    Effect,
    input::ErrandDone,
    life::Stage,
    state::Turn,
    step::Step,
    texts,
    timers::Timer,
    turn::{Ending, pause_ms},
};

/// Tries before its sender is told that memory does not answer. One that restarts is back by then.
const TRIES_MAX: u32 = 4;
/// Wait before the second try; doubles.
const AGAIN_MIN_MS: u64 = 1_000;
const AGAIN_MAX_MS: u64 = 4_000;

// === impl Step ===

impl Step<'_> {
    /// Asks memory to do it.
    pub(super) fn run_errand(&mut self, id: TurnId) {
        let (Some(turn), Some(run)) = (self.state.turn(id), self.life.runs.get_mut(&id)) else { return };
        (run.stage, run.tries) = (Stage::Errand, run.tries + 1);
        let (speaker, text) = (turn.speaker(), turn.question.clone());
        let effect = match turn.errand {
            Errand::Remember => Effect::Note { turn: id, speaker, text, said_at_ms: turn.accepted_at_ms },
            // What is on its way to memory would arrive behind the forgetting, and stay.
            Errand::Forget if self.is_telling(turn) => return self.errand_failed(id, false),
            Errand::Forget => Effect::Forget { turn: id, speaker, what: text },
            Errand::Unspecified => return,
        };
        self.effect(effect);
    }

    /// Memory has it on its disk: only now its sender is told.
    pub(super) fn errand_done(&mut self, id: TurnId, done: &ErrandDone) {
        let Some(turn) = self.state.turn(id).filter(|_| self.is_on_errand(id)) else { return };
        let answer = match done {
            ErrandDone::Noted { record_id } => texts::noted(&turn.question, record_id),
            ErrandDone::Forgotten { records_count } => texts::forgotten(*records_count),
        };
        self.complete(id, Ending::new(Outcome::Answered, answer));
    }

    /// Tries again, or tells the sender that nothing came of it.
    pub(super) fn errand_failed(&mut self, id: TurnId, is_final: bool) {
        if !self.is_on_errand(id) {
            return;
        }
        let tries = self.life.runs.get(&id).map_or(TRIES_MAX, |run| run.tries);
        if !is_final && tries < TRIES_MAX {
            self.pause(id);
            return self.set_timer(Timer::Retry(id), pause_ms(id, tries, (AGAIN_MIN_MS, AGAIN_MAX_MS)));
        }
        let is_fact = self.state.turn(id).is_some_and(|turn| turn.errand == Errand::Remember);
        let (text, failure) = match (is_fact, is_final) {
            (true, true) => (texts::NOT_TO_NOTE, "memory_refused"),
            (false, true) => (texts::NOT_TO_FORGET, "memory_refused"),
            (true, false) => (texts::NOT_NOTED, "memory_unreachable"),
            (false, false) => (texts::NOT_FORGOTTEN, "memory_unreachable"),
        };
        self.complete(id, Ending { failure, ..Ending::new(Outcome::Failed, text) });
    }

    fn is_on_errand(&self, id: TurnId) -> bool {
        self.life.runs.get(&id).is_some_and(|run| run.stage == Stage::Errand)
    }

    /// Whether memory is still to be told of something that the sender of `turn` said.
    fn is_telling(&self, turn: &Turn) -> bool {
        let is_same = |other: &Turn| other.place.gateway == turn.place.gateway && other.sender.platform_id == turn.sender.platform_id;
        let is_untold = |other: &Turn| other.completion().is_some_and(|completion| !completion.is_remembered);
        self.state.turns().any(|(_, other)| is_same(other) && is_untold(other))
    }
}
