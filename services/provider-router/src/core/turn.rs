//! Running a turn: recall, vendor, outcome. One at a time in a conversation, from Started to delivered-or-failed.

use argentum_proto::{
    channel::v1::{Outcome, TextAppended, TurnEnded, TurnProgressed, TurnStarted as TurnStartedProgress, turn_progressed::Change},
    ids::TurnId,
    provider::v1::{Errand, Settlement, TryFailed, TurnCompleted, TurnParked, TurnStarted, record::Event},
};

use super::{
    Effect, Notification,
    input::{FailureClass, Place, RecalledRecord, VendorEvent, VendorFailure},
    life::{Run, Stage},
    prompt::{Parts, Prompt, recent},
    rule::Rule,
    step::Step,
    texts,
    timers::{Timer, backoff_ms},
};

/// How a turn ends.
pub(super) struct Ending {
    pub(super) outcome: Outcome,
    pub(super) answer: String,
    pub(super) settlement: Option<Settlement>,
    pub(super) failure: &'static str,
}

// === impl Step ===

impl Step<'_> {
    /// Starts what waits in a conversation, if nothing holds it.
    pub(super) fn start_next(&mut self, place: &Place) {
        let Some(conversation) = self.state.conversation(place) else { return };
        let is_held = conversation.running().is_some() && self.config.keeps(Rule::OneTurnAtATime);
        let next = conversation.queue().front().copied();
        if let (Some(turn), false, false) = (next, is_held, self.life.is_draining) {
            self.start(turn, None);
        }
    }

    /// Starts a turn, again if an earlier start is `broken` off; what that may have cost is settled with it.
    pub(super) fn start(&mut self, turn: TurnId, broken: Option<Settlement>) {
        self.decide(Event::TurnStarted(TurnStarted { turn_id: turn.to_string(), broken }));
        let Some(started) = self.state.turn(turn) else { return };
        let (speaker, query, is_errand) = (started.speaker(), started.question.clone(), started.errand != Errand::Unspecified);
        if started.clears {
            return self.complete(turn, Ending::new(Outcome::Cleared, texts::CLEARED));
        }
        self.life.runs.insert(turn, Run::new(self.now.monotonic_ms));
        self.set_timer(Timer::Deadline(turn), self.config.limits.turn_deadline_ms);
        self.progress(turn, 0, Change::Started(TurnStartedProgress {}));
        if is_errand {
            return self.run_errand(turn);
        }
        self.set_timer(Timer::Recall(turn), self.config.limits.recall_ms);
        let tail = self.state.conversation(&speaker.place).map_or(&[][..], |conversation| conversation.tail().turns());
        // What came before `/new` is in no prompt, so it is recalled where it belongs to the question.
        let told = recent(tail, self.config.limits.prompt_tail).into_iter().map(|past| past.turn_id.clone()).collect();
        self.effect(Effect::Recall { turn, speaker, query, told });
    }

    /// Memory answered, or did not in time: the turn goes on with what there is.
    pub(super) fn recalled(&mut self, turn: TurnId, records: Vec<RecalledRecord>) {
        let Some(run) = self.life.runs.get_mut(&turn).filter(|run| run.stage == Stage::Recalling) else { return };
        run.recalled = records;
        self.life.timers.cancel(&Timer::Recall(turn));
        self.call_vendor(turn);
    }

    pub(super) fn retry(&mut self, turn: TurnId) {
        if self.life.runs.get(&turn).is_some_and(|run| run.stage == Stage::Pausing) {
            match self.state.turn(turn).map(|turn| turn.errand) {
                Some(Errand::Remember | Errand::Forget) => self.run_errand(turn),
                Some(Errand::Unspecified) | None => self.call_vendor(turn),
            }
        }
    }

    fn call_vendor(&mut self, id: TurnId) {
        let (Some(turn), Some(run)) = (self.state.turn(id), self.life.runs.get_mut(&id)) else { return };
        let conversation = self.state.conversation(&turn.place);
        let prompt = Prompt::assemble(&Parts {
            model: &turn.model,
            system: &self.config.system_prompt,
            tail: conversation.map_or(&[], |conversation| conversation.tail().turns()),
            tail_limits: self.config.limits.prompt_tail,
            recalled: &run.recalled,
            recalled_bytes_max: self.config.limits.recalled_bytes_max,
            question: &turn.question,
        });
        (run.stage, run.prompt_bytes, run.sequence) = (Stage::Calling, prompt.bytes(), 0);
        run.text.clear();
        run.answering = None;
        run.tries += 1;
        let attempt = turn.attempts;
        self.effect(Effect::CallVendor { turn: id, attempt, prompt });
    }

    /// What comes from the vendor counts only for the attempt that runs.
    pub(super) fn vendor(&mut self, turn: TurnId, attempt: u32, event: VendorEvent) {
        let is_current = self.state.turn(turn).is_some_and(|turn| turn.attempts == attempt) || !self.config.keeps(Rule::AttemptIsCurrent);
        let is_calling = self.life.runs.get(&turn).is_some_and(|run| run.stage == Stage::Calling);
        if !is_current || !is_calling {
            return;
        }
        match event {
            VendorEvent::Begun { provider, model } => {
                if let Some(run) = self.life.runs.get_mut(&turn) {
                    run.answering = Some((provider, model));
                }
            }
            VendorEvent::Delta(text) => self.append(turn, &text),
            VendorEvent::Completed(settlement) => self.answered(turn, settlement),
            VendorEvent::Failed(failure) => self.try_failed(turn, failure),
        }
    }

    fn append(&mut self, turn: TurnId, text: &str) {
        let Some(run) = self.life.runs.get_mut(&turn) else { return };
        let room = self.config.limits.answer_bytes_max - run.text.len();
        let (text, is_over) = (&text[..text.floor_char_boundary(room)], room < text.len());
        run.text.push_str(text);
        run.sequence += 1;
        let sequence = run.sequence;
        self.progress(turn, sequence, Change::Appended(TextAppended { text: text.into() }));
        if is_over {
            let ending = Ending { settlement: self.estimate(turn), ..self.text_so_far(turn, Outcome::Answered) };
            self.complete(turn, ending);
        }
    }

    fn answered(&mut self, turn: TurnId, settlement: Settlement) {
        let ending = match self.text_so_far(turn, Outcome::Answered) {
            ending if ending.answer.trim().is_empty() => Ending::failed(FailureClass::NoAnswer),
            ending => ending,
        };
        self.pause(turn);
        self.complete(turn, Ending { settlement: Some(settlement), ..ending });
    }

    /// Asks again later, where that may help, is allowed, and fits before the deadline; else the turn has failed.
    fn try_failed(&mut self, turn: TurnId, failure: VendorFailure) {
        self.pause(turn);
        let Some(run) = self.life.runs.get(&turn) else { return };
        let limits = &self.config.limits;
        let pause_ms = failure.retry_after_ms.unwrap_or(0).max(pause_ms(turn, run.tries, (limits.retry_min_ms, limits.retry_max_ms)));
        let may_retry = run.tries < limits.tries_max || failure.class == FailureClass::Unreachable;
        let retry_ms = self.now.monotonic_ms.saturating_add(pause_ms);
        let is_in_time = retry_ms < run.started_ms.saturating_add(limits.turn_deadline_ms);
        let settlement = match failure.class {
            FailureClass::Unreachable => failure.settlement,
            _ => failure.settlement.or_else(|| self.estimate_if_begun(turn)),
        };
        if failure.is_retryable && may_retry && is_in_time {
            self.decide(Event::TryFailed(TryFailed { turn_id: turn.to_string(), settlement }));
            self.set_timer(Timer::Retry(turn), pause_ms);
        } else {
            self.complete(turn, Ending { settlement, ..Ending::failed(failure.class) });
        }
    }

    pub(super) fn deadline_passed(&mut self, turn: TurnId) {
        if self.life.runs.contains_key(&turn) {
            let settlement = self.estimate(turn);
            self.complete(turn, Ending { settlement, ..Ending::failed(FailureClass::Deadline) });
        }
    }

    /// The turn of a conversation that Stop stops.
    pub(super) fn stoppable(&self, place: &Place) -> Option<TurnId> {
        let running = self.state.conversation(place)?.running()?;
        self.state.turn(running).filter(|turn| turn.is_stoppable()).map(|_| running)
    }

    /// Ends a turn that has no outcome yet with the text so far, else the delivery of its answer.
    pub(super) fn stop(&mut self, turn: TurnId) {
        if self.state.turn(turn).is_some_and(|turn| turn.completion().is_some()) {
            return self.stop_delivery(turn.into());
        }
        let ending = self.text_so_far(turn, Outcome::Stopped);
        let settlement = self.estimate(turn);
        self.complete(turn, Ending { settlement, ..ending });
    }

    /// Takes every running turn out of work. What its try may have cost is settled; the start does not count.
    pub(super) fn park(&mut self) {
        self.life.is_draining = true;
        let turns: Vec<TurnId> = self.life.runs.keys().copied().collect();
        for turn in turns {
            let settlement = self.estimate(turn);
            self.decide(Event::TurnParked(TurnParked { turn_id: turn.to_string(), settlement }));
            self.end_run(turn);
        }
    }

    /// Gives a turn its one outcome, and lets follow what follows.
    pub(super) fn complete(&mut self, turn: TurnId, ending: Ending) {
        let Ending { outcome, answer, settlement, failure } = ending;
        let sequence = self.end_run(turn);
        let Some((place, attempt)) = self.state.turn(turn).map(|turn| (turn.place.clone(), turn.attempts)) else { return };
        let turn_id = turn.to_string();
        let (outcome_code, failure_text) = (outcome.into(), failure.into());
        self.progress(turn, sequence, Change::Ended(TurnEnded { outcome: outcome_code }));
        self.decide(Event::TurnCompleted(TurnCompleted {
            turn_id,
            outcome: outcome_code,
            answer,
            attempt,
            settlement,
            failure: failure_text,
        }));
        match outcome {
            Outcome::Failed => self.effect(Effect::Notify(Notification::TurnFailed { turn, failure: failure.into() })),
            Outcome::Quarantined => self.effect(Effect::Notify(Notification::TurnQuarantined { turn })),
            _ => {}
        }
        self.remember(turn);
        self.offer(turn);
        self.start_next(&place);
    }

    /// Forgets the run of a turn and closes its vendor call, if there is one. Returns how many deltas it had.
    fn end_run(&mut self, turn: TurnId) -> u64 {
        for timer in [Timer::Recall(turn), Timer::Retry(turn), Timer::Deadline(turn)] {
            self.life.timers.cancel(&timer);
        }
        let Some(run) = self.life.runs.remove(&turn) else { return 0 };
        if run.stage == Stage::Calling {
            let attempt = self.state.turn(turn).map_or(0, |turn| turn.attempts);
            self.effect(Effect::CancelVendor { turn, attempt });
        }
        run.sequence
    }

    /// The vendor call, or the errand, ended by itself.
    pub(super) fn pause(&mut self, turn: TurnId) {
        if let Some(run) = self.life.runs.get_mut(&turn) {
            run.stage = Stage::Pausing;
        }
    }

    fn text_so_far(&self, turn: TurnId, outcome: Outcome) -> Ending {
        Ending::new(outcome, self.life.runs.get(&turn).map_or("", |run| &run.text))
    }

    /// What the try that runs may have cost; nothing if the vendor is not being asked.
    fn estimate(&self, turn: TurnId) -> Option<Settlement> {
        let run = self.life.runs.get(&turn).filter(|run| run.stage == Stage::Calling)?;
        Some(self.estimate_of(run))
    }

    /// What a try cost that failed without a count: vendors charge for an answer that had begun.
    fn estimate_if_begun(&self, turn: TurnId) -> Option<Settlement> {
        let run = self.life.runs.get(&turn).filter(|run| !run.text.is_empty())?;
        Some(self.estimate_of(run))
    }

    /// Under the name of who answers, where somebody does.
    fn estimate_of(&self, run: &Run) -> Settlement {
        let estimate = self.config.price.estimate(run.prompt_bytes, (run.text.len() as u64).div_ceil(4));
        match run.answering.clone() {
            Some((provider, model)) => Settlement { provider, model, ..estimate },
            None => estimate,
        }
    }

    fn progress(&mut self, id: TurnId, sequence: u64, change: Change) {
        let Some(turn) = self.state.turn(id) else { return };
        let progress = TurnProgressed {
            turn_id: id.to_string(),
            platform_conversation_id: turn.place.conversation.to_string(),
            attempt: turn.attempts,
            sequence,
            change: Some(change),
        };
        let gateway = turn.place.gateway.clone();
        self.effect(Effect::Progress { gateway, progress });
    }
}

/// Backoff with a jitter of up to a half, which the turn's own randomness makes.
pub(super) fn pause_ms(turn: TurnId, tries: u32, (min, max): (u64, u64)) -> u64 {
    let backoff_ms = backoff_ms(min, max, tries.saturating_sub(1));
    let random = u64::try_from((turn.bits() >> (tries % 64)) & 0xffff).unwrap_or_default();
    backoff_ms / 2 + backoff_ms * random / 2 / 0xffff
}

// === impl Ending ===

impl Ending {
    pub(super) fn new(outcome: Outcome, answer: impl Into<String>) -> Self {
        Self { outcome, answer: answer.into(), settlement: None, failure: "" }
    }

    fn failed(class: FailureClass) -> Self {
        Self { failure: class.code(), ..Self::new(Outcome::Failed, texts::failed(class)) }
    }
}
