//! One step of the core: it reads the state, decides records, applies them at once, and gathers what is to be done.

use argentum_proto::provider::v1::{KeysPurged, Record, UptimeCounted, record::Event};

use super::{Config, Core, Effect, Input, Now, Outputs, life::Life, state::State, timers::Timer};

/// One step of the core.
pub(super) struct Step<'a> {
    pub(super) config: &'a Config,
    pub(super) state: &'a mut State,
    pub(super) life: &'a mut Life,
    pub(super) now: Now,
    outputs: Outputs,
}

// === impl Step ===

impl<'a> Step<'a> {
    pub(super) fn new(core: &'a mut Core, now: Now) -> Self {
        Self { config: &core.config, state: &mut core.state, life: &mut core.life, now, outputs: Outputs::default() }
    }

    pub(super) fn finish(self) -> Outputs {
        self.outputs
    }

    pub(super) fn handle(&mut self, input: Input) {
        match input {
            Input::Inbound(inbound) => self.inbound(*inbound),
            Input::Hello { gateway, incarnation } => self.hello(&gateway, &incarnation),
            Input::HelloAnswered { gateway, incarnation } => self.hello_answered(&gateway, &incarnation),
            Input::Delivery(report) => self.delivery_report(report),
            Input::Recalled { turn, records } => self.recalled(turn, records),
            Input::RecallFailed { turn } => self.recalled(turn, Vec::new()),
            Input::ErrandDone { turn, done } => self.errand_done(turn, &done),
            Input::ErrandFailed { turn, is_final } => self.errand_failed(turn, is_final),
            Input::Vendor { turn, attempt, event } => self.vendor(turn, attempt, event),
            Input::Remembered { turn } => self.remembered(turn),
            Input::RememberFailed { turn } => self.remember_failed(turn),
            Input::StopAsked { request, place, turn } => self.stop_asked(request, &place, turn),
            Input::SnapshotAsked { request, place } => self.snapshot_asked(request, &place),
            Input::ConversationsAsked { request, gateway, count_max, changed_before_ms } => {
                self.conversations_asked(request, &gateway, (count_max, changed_before_ms));
            }
            Input::ConversationAsked { request, place } => self.conversation_asked(request, &place),
            Input::CompletionAsked { completion, estimate } => self.completion_asked(completion, estimate),
            Input::CompletionEnded { completion, settlement } => self.settle_completion(completion, settlement),
            Input::Tick => self.tick(),
            Input::Intake { is_open } => self.life.is_intake_closed = !is_open,
            Input::Drain => self.life.is_draining = true,
            Input::Park => self.park(),
        }
    }

    /// Writes what was decided and lets it happen.
    pub(super) fn decide(&mut self, event: Event) {
        let uptime_ms = self.life.uptime_ms(self.now);
        let record = Record { uptime_ms, wall_ms: self.now.wall_ms, event: Some(event) };
        self.state.apply(&record).expect("the core decides only what its state allows");
        self.outputs.records.push(record);
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        self.outputs.effects.push(effect);
    }

    pub(super) fn set_timer(&mut self, timer: Timer, after_ms: u64) {
        self.life.timers.set(timer, self.now.monotonic_ms.saturating_add(after_ms));
    }

    fn tick(&mut self) {
        while let Some(timer) = self.life.timers.pop(self.now.monotonic_ms) {
            self.timer_due(timer);
        }
    }

    fn timer_due(&mut self, timer: Timer) {
        match timer {
            Timer::Recall(turn) => self.recalled(turn, Vec::new()),
            Timer::Retry(turn) => self.retry(turn),
            Timer::Deadline(turn) => self.deadline_passed(turn),
            Timer::Publish(outbound) => self.publish_again(outbound),
            Timer::Expire(outbound) => self.expire(outbound),
            Timer::AskHello(gateway) => self.ask_hello_again(&gateway),
            Timer::Remember(turn) => self.remember_again(turn),
            Timer::Housekeeping => self.keep_house(),
        }
    }

    /// Counts uptime even where nothing happens, and purges the keys that are older than their horizon.
    pub(super) fn keep_house(&mut self) {
        self.set_timer(Timer::Housekeeping, self.config.limits.housekeeping_ms);
        let uptime_ms = self.life.uptime_ms(self.now);
        let purgeable_ms = uptime_ms.saturating_sub(self.config.limits.keys_ms);
        let has_old_keys = self.state.keys().oldest_uptime_ms().is_some_and(|oldest_ms| oldest_ms < purgeable_ms);
        if has_old_keys {
            self.decide(Event::KeysPurged(KeysPurged { accepted_until_uptime_ms: purgeable_ms - 1 }));
        } else if self.state.uptime_ms() < uptime_ms {
            self.decide(Event::UptimeCounted(UptimeCounted {}));
        }
    }
}
