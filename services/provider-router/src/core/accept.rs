//! Accepting: whether a message becomes ours, and what it does at once.

use argentum_proto::{
    channel::v1::{AcceptMessageResponse, RejectionReason, Sender},
    ids::TurnId,
    provider::v1::{Errand, KeptRaw, MessageAccepted, NoTurn, Queued, Replaced, message_accepted::Disposition, record::Event},
};

use super::{
    Effect, Notification, answer,
    flood::Rate,
    input::{Content, Inbound, Place},
    rule::Rule,
    state::Turn,
    step::Step,
    texts::{self, Working},
};

// === impl Step ===

impl Step<'_> {
    pub(super) fn inbound(&mut self, inbound: Inbound) {
        let (request, turn) = (inbound.request, inbound.turn);
        let response = match self.refusal(&inbound) {
            Some(refusal) => refusal,
            None => answer::accepted(turn, self.accept(inbound)),
        };
        // Whoever asks again while the record is pending gets his answer behind the same gate.
        self.effect(Effect::Answer { request, response });
    }

    /// Why it does not become a new message of ours, if so. What was accepted before is known whatever else holds.
    fn refusal(&mut self, inbound: &Inbound) -> Option<AcceptMessageResponse> {
        let known = self.state.keys().get(inbound.key.digest()).filter(|_| self.config.keeps(Rule::KeyIsKnown));
        if let Some(turn) = known {
            return Some(answer::already_accepted(turn));
        }
        let is_closed = self.life.is_intake_closed || self.life.is_draining;
        if is_closed && inbound.content != Content::Stop {
            return Some(answer::retry_after(self.config.limits.intake_retry_ms));
        }
        let (reason, text) = self.rejection(inbound)?;
        Some(answer::rejected(reason, text))
    }

    fn rejection(&mut self, inbound: &Inbound) -> Option<(RejectionReason, &'static str)> {
        let limits = &self.config.limits;
        let is_too_old = self.state.keys().is_too_old(&inbound.key.gateway, inbound.platform_time_ms);
        let bytes_max = if inbound.content.is_errand() { limits.errand_bytes_max } else { limits.question_bytes_max };
        if bytes_max < inbound.content.bytes() {
            Some((RejectionReason::TooLarge, texts::TOO_LARGE))
        } else if is_too_old && self.config.keeps(Rule::PurgedIsTooOld) {
            Some((RejectionReason::TooOld, texts::TOO_OLD))
        } else if self.is_flood(inbound) {
            Some((RejectionReason::Flood, texts::FLOOD))
        } else if self.is_queue_full(inbound) {
            Some((RejectionReason::QueueFull, texts::QUEUE_FULL))
        } else {
            None
        }
    }

    /// A Stop that stops something is never too much: each turn can be stopped once.
    fn is_flood(&mut self, inbound: &Inbound) -> bool {
        let stops = inbound.content == Content::Stop && self.stoppable(&inbound.place()).is_some();
        let rate = Rate { burst: self.config.limits.flood_burst, refill_ms: self.config.limits.flood_refill_ms };
        let sender = (inbound.key.gateway.clone(), inbound.sender.clone());
        !stops && !self.life.flood.admits(sender, rate, self.now.monotonic_ms)
    }

    fn is_queue_full(&self, inbound: &Inbound) -> bool {
        let takes_place = matches!(inbound.content, Content::Question(_) | Content::New) || inbound.content.is_errand();
        let queued = self.state.conversation(&inbound.place()).map_or(0, |conversation| conversation.queue().len());
        takes_place && self.config.limits.queue_max <= queued
    }

    /// Makes the message ours. Returns what its sender is told at once.
    fn accept(&mut self, inbound: Inbound) -> String {
        let place = inbound.place();
        let (disposition, notice) = self.dispose(&inbound, &place);
        let stops = (inbound.content == Content::Stop).then(|| self.stoppable(&place)).flatten();
        if let Content::DeadLetter { reason, .. } = &inbound.content {
            self.effect(Effect::Notify(Notification::DeadLetterKept { turn: inbound.turn, reason: reason.clone() }));
        }
        self.decide(Event::MessageAccepted(accepted(inbound, disposition)));
        if let Some(turn) = stops {
            self.stop(turn);
        }
        self.start_next(&place);
        notice
    }

    fn dispose(&self, inbound: &Inbound, place: &Place) -> (Disposition, String) {
        let delivered_by_tail = self.config.delivered_by_tail.contains(&place.gateway);
        let queued = |question: &str, clears, errand: Errand| {
            let model = self.model_of(inbound, place);
            let queued = Queued { question: question.into(), clears, delivered_by_tail, model, errand: errand.into() };
            (Disposition::Queued(queued), String::new())
        };
        match &inbound.content {
            Content::Question(text) => queued(text, false, Errand::Unspecified),
            Content::New => queued("/new", true, Errand::Unspecified),
            Content::Remember(text) => queued(text, false, Errand::Remember),
            Content::Forget(what) => queued(what, false, Errand::Forget),
            Content::Edit(text) => {
                let replaced = |turn: TurnId| Disposition::Replaced(Replaced { turn_id: turn.to_string(), question: text.clone() });
                (self.queued_original(inbound, place).map_or(Disposition::NoTurn(NoTurn {}), replaced), String::new())
            }
            Content::Stop => {
                let notice = if self.stoppable(place).is_some() { texts::STOPPED } else { texts::NOTHING_RUNS };
                (Disposition::NoTurn(NoTurn {}), notice.into())
            }
            Content::Status => (Disposition::NoTurn(NoTurn {}), self.status(place)),
            Content::DeadLetter { raw, reason } => {
                (Disposition::KeptRaw(KeptRaw { raw: raw.clone(), reason: reason.clone() }), String::new())
            }
        }
    }

    /// The model that is to answer: the one that was chosen with the message, else before in its conversation.
    fn model_of(&self, inbound: &Inbound, place: &Place) -> String {
        let before = || self.state.conversation(place).map(|conversation| conversation.model().to_owned()).unwrap_or_default();
        if inbound.model.is_empty() { before() } else { inbound.model.clone() }
    }

    /// The queued turn whose message an edit is of, unless a later edit came first.
    fn queued_original(&self, inbound: &Inbound, place: &Place) -> Option<TurnId> {
        let is_question = |turn: &Turn| !turn.clears && turn.errand == Errand::Unspecified;
        let is_original = |turn: &Turn| turn.message == inbound.key.message && turn.revision < inbound.key.revision && is_question(turn);
        let queue = self.state.conversation(place)?.queue();
        queue.iter().copied().find(|queued| self.state.turn(*queued).is_some_and(is_original))
    }

    fn status(&self, place: &Place) -> String {
        let working = self.stoppable(place).map(|turn| {
            let running = self.life.runs.get(&turn);
            running.map_or(Working::Sending, |run| Working::Answering { ms: self.now.monotonic_ms.saturating_sub(run.started_ms) })
        });
        texts::status(working, self.state.conversation(place).map_or(0, |conversation| conversation.queue().len()))
    }
}

fn accepted(inbound: Inbound, disposition: Disposition) -> MessageAccepted {
    MessageAccepted {
        turn_id: inbound.turn.to_string(),
        gateway: inbound.key.gateway.to_string(),
        account_incarnation: inbound.key.account_incarnation,
        platform_conversation_id: inbound.key.conversation.to_string(),
        platform_message_id: inbound.key.message.to_string(),
        revision: inbound.key.revision,
        sender: Some(Sender { platform_id: inbound.sender.to_string(), display_name: inbound.display_name }),
        platform_time_ms: inbound.platform_time_ms,
        title: inbound.title,
        audience: inbound.audience.into(),
        traceparent: inbound.traceparent,
        disposition: Some(disposition),
    }
}
