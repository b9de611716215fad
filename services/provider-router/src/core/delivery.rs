//! Delivering: an outbound is offered until the living incarnation of its gateway takes it, and followed receipt by receipt.

use argentum_proto::{
    channel::v1::{OutboundReady, Outcome, ReportDeliveryResponse},
    ids::{Gateway, Incarnation, OutboundId, TurnId},
    provider::v1::{DeliveryExpired, DeliveryStopped, HolderLost, OutboundTaken, PartRefused, PartSent, PartUnknown, record::Event},
};

use super::{
    Effect, Notification, answer,
    input::{DeliveryReport, Place, Report},
    rule::Rule,
    state::Delivery,
    step::Step,
    timers::{Timer, backoff_ms},
};

/// Publications of what is not delivered until the gateway is asked who lives.
pub(super) const PUBLICATIONS_MAX: u32 = 3;

// === impl Step ===

impl Step<'_> {
    /// Offers what a turn's outcome has to deliver, if it has.
    pub(super) fn offer(&mut self, id: TurnId) {
        let Some(turn) = self.state.turn(id) else { return };
        let (Some(completion), gateway) = (turn.completion(), turn.place.gateway.clone()) else { return };
        if completion.delivery.is_none() {
            return;
        }
        let age_ms = self.life.uptime_ms(self.now).saturating_sub(completion.completed_uptime_ms);
        self.set_timer(Timer::Expire(id.into()), self.config.limits.delivery_deadline_ms.saturating_sub(age_ms));
        if self.life.live(&gateway).is_some() {
            self.publish(id.into());
        } else if self.config.keeps(Rule::HelloIsAsked) {
            self.ask_hello(&gateway);
        }
    }

    /// An incarnation lives, and no other of this gateway.
    pub(super) fn hello(&mut self, gateway: &Gateway, incarnation: &Incarnation) {
        self.life.timers.cancel(&Timer::AskHello(gateway.clone()));
        let presence = self.life.presences.entry(gateway.clone()).or_default();
        (presence.live, presence.asked) = (Some(incarnation.clone()), None);
        for outbound in self.open_outbounds(gateway) {
            let is_of_another = |delivery: &Delivery| delivery.holder().is_some_and(|holder| holder != incarnation);
            if let Some((_, delivery)) = self.open_delivery(outbound).filter(|(_, delivery)| is_of_another(delivery)) {
                self.lose_holder(outbound, delivery.next_byte());
            }
            self.life.publications.remove(&outbound);
            self.publish(outbound);
        }
    }

    /// Counts only while it is awaited: an answer that comes after a hello is older than it.
    pub(super) fn hello_answered(&mut self, gateway: &Gateway, incarnation: &Incarnation) {
        if self.life.presences.get(gateway).is_some_and(|presence| presence.asked.is_some()) {
            self.hello(gateway, incarnation);
        }
    }

    fn ask_hello(&mut self, gateway: &Gateway) {
        let is_asked = self.life.presences.get(gateway).is_some_and(|presence| presence.asked.is_some());
        if !is_asked {
            self.life.presences.entry(gateway.clone()).or_default().asked = Some(0);
            self.ask_hello_again(gateway);
        }
    }

    pub(super) fn ask_hello_again(&mut self, gateway: &Gateway) {
        let is_needed = !self.open_outbounds(gateway).is_empty();
        let Some(presence) = self.life.presences.get_mut(gateway) else { return };
        let Some(times) = presence.asked.filter(|_| is_needed) else {
            presence.asked = None;
            return;
        };
        presence.asked = Some(times.saturating_add(1));
        let limits = &self.config.limits;
        self.set_timer(Timer::AskHello(gateway.clone()), backoff_ms(limits.publish_min_ms, limits.publish_max_ms, times));
        self.effect(Effect::AskHello { gateway: gateway.clone() });
    }

    /// The next part may have been sent; written first, so that no crash lets the holder go without it.
    fn lose_holder(&mut self, outbound: OutboundId, from_byte: u64) {
        if self.config.keeps(Rule::HolderGoneIsUnknown) {
            self.decide(Event::PartUnknown(PartUnknown { outbound_id: outbound.to_string(), from_byte }));
        }
        self.decide(Event::HolderLost(HolderLost { outbound_id: outbound.to_string() }));
    }

    fn publish(&mut self, outbound: OutboundId) {
        let Some(turn) = self.state.turn(outbound.turn()) else { return };
        let (Some(completion), Some(delivery)) = (turn.completion(), turn.delivery()) else { return };
        let ready = OutboundReady {
            outbound_id: outbound.to_string(),
            platform_conversation_id: turn.place.conversation.to_string(),
            platform_message_id: turn.message.to_string(),
            text: completion.answer.clone(),
            from_byte: delivery.next_byte(),
            maybe_sent: delivery.maybe_sent(),
            is_failure_report: matches!(completion.outcome, Outcome::Failed | Outcome::Quarantined),
            traceparent: turn.traceparent.clone(),
        };
        let gateway = turn.place.gateway.clone();
        let times = self.life.publications.entry(outbound).or_default();
        let limits = &self.config.limits;
        let again_ms = backoff_ms(limits.publish_min_ms, limits.publish_max_ms, *times);
        *times = times.saturating_add(1);
        self.set_timer(Timer::Publish(outbound), again_ms);
        self.effect(Effect::PublishOutbound { gateway, outbound: ready });
    }

    /// Where it is not delivered in time, whoever lives may not have been heard: also where somebody holds it, whose hello came late.
    pub(super) fn publish_again(&mut self, outbound: OutboundId) {
        let Some((Place { gateway, .. }, _)) = self.open_delivery(outbound) else { return };
        if self.life.live(&gateway).is_none() {
            return;
        }
        let times = self.life.publications.get(&outbound).copied().unwrap_or_default();
        if PUBLICATIONS_MAX <= times {
            self.ask_hello(&gateway);
        }
        self.publish(outbound);
    }

    pub(super) fn expire(&mut self, outbound: OutboundId) {
        let Some(place) = self.open_delivery(outbound).map(|(place, _)| place) else { return };
        self.decide(Event::DeliveryExpired(DeliveryExpired { outbound_id: outbound.to_string() }));
        self.effect(Effect::Notify(Notification::DeliveryExpired { turn: outbound.turn() }));
        self.delivery_ended(outbound, &place);
    }

    /// The holder is told at its next receipt that nothing is left to do.
    pub(super) fn stop_delivery(&mut self, outbound: OutboundId) {
        let Some((place, _)) = self.open_delivery(outbound) else { return };
        self.decide(Event::DeliveryStopped(DeliveryStopped { outbound_id: outbound.to_string() }));
        self.delivery_ended(outbound, &place);
    }

    pub(super) fn delivery_report(&mut self, report: DeliveryReport) {
        let DeliveryReport { request, gateway, incarnation, outbound, report } = report;
        let open = self.open_delivery(outbound).filter(|(place, _)| place.gateway == gateway);
        let Some((place, delivery)) = open else {
            // Where nothing is open, nothing is left to do.
            return self.effect(Effect::AnswerDelivery { request, response: Some(answer::not_yours()) });
        };
        let is_holder = delivery.holder() == Some(&incarnation);
        let response = match report {
            Report::Taken => Some(self.taken(&gateway, &incarnation, (outbound, &delivery))),
            report if is_holder && self.is_of_this_hold(&delivery, &report) => self.receipt(outbound, &delivery, report),
            report => Some(self.receipt_of_another(&delivery, &report)),
        };
        self.effect(Effect::AnswerDelivery { request, response });
        if self.open_delivery(outbound).is_none() {
            self.delivery_ended(outbound, &place);
        }
    }

    /// Granted to one incarnation, the one that is known to live.
    fn taken(
        &mut self,
        gateway: &Gateway,
        incarnation: &Incarnation,
        (outbound, delivery): (OutboundId, &Delivery),
    ) -> ReportDeliveryResponse {
        let granted = answer::granted(delivery.next_byte(), delivery.maybe_sent());
        let is_free = delivery.holder().is_none() && self.life.live(gateway) == Some(incarnation);
        if delivery.holder() == Some(incarnation) {
            let is_again = delivery.held_from_byte() < delivery.next_byte() && self.config.keeps(Rule::TakenAgainIsUnknown);
            answer::granted(delivery.next_byte(), delivery.maybe_sent() || is_again)
        } else if is_free || !self.config.keeps(Rule::TakenByTheLiving) {
            let incarnation = incarnation.to_string();
            self.decide(Event::OutboundTaken(OutboundTaken { outbound_id: outbound.to_string(), incarnation }));
            granted
        } else {
            answer::not_yours()
        }
    }

    fn is_of_this_hold(&self, delivery: &Delivery, report: &Report) -> bool {
        let (Report::Sent { from_byte, .. } | Report::Refused { from_byte, .. } | Report::Unknown { from_byte }) = report else {
            return true;
        };
        delivery.held_from_byte() <= *from_byte || !self.config.keeps(Rule::ReceiptOfThisHold)
    }

    fn receipt_of_another(&self, delivery: &Delivery, report: &Report) -> ReportDeliveryResponse {
        let is_known = matches!(report, Report::Sent { to_byte, .. } if *to_byte <= delivery.next_byte());
        if is_known && !self.config.keeps(Rule::ReceiptOfTheHolder) { answer::noted() } else { answer::not_yours() }
    }

    /// A receipt of the holder. What is known already is noted again; what leaves a gap is no receipt.
    fn receipt(&mut self, outbound: OutboundId, delivery: &Delivery, report: Report) -> Option<ReportDeliveryResponse> {
        let outbound_id = outbound.to_string();
        let expected = delivery.next_byte();
        match report {
            Report::Sent { to_byte, last, .. } if to_byte <= expected && !(last && to_byte == expected) => {}
            Report::Sent { from_byte, to_byte, platform_message_ids, last } => {
                let text = self.state.turn(outbound.turn()).and_then(|turn| turn.completion()).map_or("", |completion| &completion.answer);
                let end = usize::try_from(to_byte).ok().filter(|end| text.is_char_boundary(*end))?;
                let is_next = from_byte == expected && (from_byte < to_byte || last);
                let last = last || end == text.len();
                is_next.then_some(())?;
                self.decide(Event::PartSent(PartSent { outbound_id, from_byte, to_byte, platform_message_ids, last }));
            }
            Report::Unknown { from_byte } | Report::Refused { from_byte, .. } if from_byte < expected => {}
            Report::Unknown { from_byte } if from_byte == expected => {
                if !delivery.maybe_sent() {
                    self.decide(Event::PartUnknown(PartUnknown { outbound_id, from_byte }));
                }
            }
            Report::Refused { from_byte, code, text } if from_byte == expected => {
                let notification = Notification::DeliveryRefused { turn: outbound.turn(), code: code.clone(), text: text.clone() };
                self.decide(Event::PartRefused(PartRefused { outbound_id, from_byte, code, text }));
                self.effect(Effect::Notify(notification));
            }
            Report::Unknown { .. } | Report::Refused { .. } | Report::Taken => return None,
        }
        Some(answer::noted())
    }

    /// The conversation is free for what waits.
    fn delivery_ended(&mut self, outbound: OutboundId, place: &Place) {
        self.life.timers.cancel(&Timer::Publish(outbound));
        self.life.timers.cancel(&Timer::Expire(outbound));
        self.life.publications.remove(&outbound);
        self.start_next(place);
    }

    fn open_delivery(&self, outbound: OutboundId) -> Option<(Place, Delivery)> {
        let turn = self.state.turn(outbound.turn())?;
        Some((turn.place.clone(), turn.delivery()?.clone()))
    }

    fn open_outbounds(&self, gateway: &Gateway) -> Vec<OutboundId> {
        let open = self.state.turns().filter(|(_, turn)| turn.place.gateway == *gateway && turn.delivery().is_some());
        open.map(|(id, _)| id.into()).collect()
    }
}
