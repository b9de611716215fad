//! What each record of the journal does to the state. Decides nothing: the record says what was decided.

use argentum_proto::{
    channel::v1::Outcome,
    ids::{CompletionId, ConversationId, Gateway, Incarnation, InvalidId, MessageId, MessageKey, TurnId},
    provider::v1::{
        CompletionHeld, CompletionSettled, Errand, HolderLost, KeysPurged, MessageAccepted, OutboundTaken, PartSent, Queued, Record,
        Replaced, Settlement, TurnCompleted, message_accepted::Disposition, record::Event,
    },
};
use thiserror::Error;

use super::{Completion, Conversation, Delivery, Phase, State, Turn, keys::AcceptedKey};
use crate::core::input::Place;

/// Longest title that is made of a question, in characters.
const TITLE_CHARS_MAX: usize = 80;

/// Why a record does not follow from those before it: the journal is damaged, or another version wrote it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ApplyError {
    /// A record of a kind that this version does not know.
    #[error("the record is of an unknown kind")]
    UnknownKind,
    /// A field does not hold what it must.
    #[error("the record names something impossible")]
    Id(#[from] InvalidId),
    /// A settlement of a completion that is not held.
    #[error("the record settles the completion `{completion}`, which is not held")]
    NotHeld {
        /// The completion.
        completion: CompletionId,
    },
    /// A record of a turn that is not open.
    #[error("the record speaks of turn `{turn}`, which is not open")]
    NotOpen {
        /// The turn.
        turn: TurnId,
    },
}

// === impl State ===

impl State {
    /// Changes the state by what was decided.
    pub(in crate::core) fn apply(&mut self, record: &Record) -> Result<(), ApplyError> {
        self.uptime_ms = self.uptime_ms.max(record.uptime_ms);
        match record.event.as_ref().ok_or(ApplyError::UnknownKind)? {
            Event::MessageAccepted(accepted) => self.message_accepted(accepted, record),
            Event::TurnStarted(started) => self.turn_started(started.turn_id.parse()?, started.broken.as_ref(), record.wall_ms),
            Event::TryFailed(failed) => self.try_failed(failed.turn_id.parse()?, failed.settlement.as_ref(), record.wall_ms),
            Event::TurnParked(parked) => self.turn_parked(parked.turn_id.parse()?, parked.settlement.as_ref(), record.wall_ms),
            Event::TurnCompleted(completed) => self.turn_completed(completed, record),
            Event::OutboundTaken(taken) => self.outbound_taken(taken),
            Event::HolderLost(HolderLost { outbound_id }) => self.delivery(outbound_id.parse()?).map(Delivery::lose_holder),
            Event::PartSent(sent) => self.part_sent(sent),
            Event::PartUnknown(unknown) => self.delivery(unknown.outbound_id.parse()?).map(Delivery::note_unknown),
            Event::PartRefused(refused) => self.close_delivery(refused.outbound_id.parse()?),
            Event::DeliveryExpired(expired) => self.close_delivery(expired.outbound_id.parse()?),
            Event::DeliveryStopped(stopped) => self.close_delivery(stopped.outbound_id.parse()?),
            Event::TurnRemembered(remembered) => self.turn_remembered(remembered.turn_id.parse()?),
            Event::KeysPurged(KeysPurged { accepted_until_uptime_ms }) => {
                self.keys.purge(*accepted_until_uptime_ms);
                Ok(())
            }
            Event::UptimeCounted(_) => Ok(()),
            Event::CompletionHeld(held) => self.hold(held),
            Event::CompletionSettled(settled) => self.completion_settled(settled, record.wall_ms),
        }
    }

    fn message_accepted(&mut self, accepted: &MessageAccepted, record: &Record) -> Result<(), ApplyError> {
        let turn: TurnId = accepted.turn_id.parse()?;
        let key = key(accepted)?;
        let place = Place { gateway: key.gateway.clone(), conversation: key.conversation.clone() };
        self.keys.insert(AcceptedKey {
            digest: key.digest(),
            turn,
            gateway: key.gateway.clone(),
            accepted_uptime_ms: record.uptime_ms,
            stored_time_ms: accepted.platform_time_ms.min(record.wall_ms),
        });
        match accepted.disposition.as_ref().ok_or(ApplyError::UnknownKind)? {
            Disposition::Queued(queued) => {
                self.enqueue(turn, Turn::accepted(place, key.message, accepted, queued, record), &accepted.title);
            }
            Disposition::Replaced(replaced) => self.replace(replaced, accepted.revision)?,
            Disposition::NoTurn(_) | Disposition::KeptRaw(_) => {}
        }
        Ok(())
    }

    fn enqueue(&mut self, id: TurnId, turn: Turn, title: &str) {
        let conversation = self.conversations.entry(turn.place.clone()).or_default();
        if conversation.title.is_empty() && !turn.clears {
            conversation.title = if title.is_empty() { title_of(&turn.said()) } else { title.to_owned() };
        }
        conversation.changed_at_ms = turn.accepted_at_ms;
        conversation.model.clone_from(&turn.model);
        conversation.queue.push_back(id);
        self.turns.insert(id, turn);
    }

    fn replace(&mut self, replaced: &Replaced, revision: u64) -> Result<(), ApplyError> {
        let turn = self.open(replaced.turn_id.parse()?)?;
        turn.question.clone_from(&replaced.question);
        turn.revision = revision;
        Ok(())
    }

    fn turn_started(&mut self, id: TurnId, broken: Option<&Settlement>, wall_ms: u64) -> Result<(), ApplyError> {
        let turn = self.open(id)?;
        turn.phase = Phase::Running;
        turn.starts += 1;
        turn.attempts += 1;
        let place = turn.place.clone();
        let conversation = self.conversation_of(&place);
        conversation.queue.retain(|queued| *queued != id);
        conversation.running = Some(id);
        self.settle(broken, wall_ms);
        Ok(())
    }

    fn try_failed(&mut self, id: TurnId, settlement: Option<&Settlement>, wall_ms: u64) -> Result<(), ApplyError> {
        self.open(id)?.attempts += 1;
        self.settle(settlement, wall_ms);
        Ok(())
    }

    fn turn_parked(&mut self, id: TurnId, settlement: Option<&Settlement>, wall_ms: u64) -> Result<(), ApplyError> {
        let turn = self.open(id)?;
        turn.phase = Phase::Parked;
        turn.starts = turn.starts.saturating_sub(1);
        self.settle(settlement, wall_ms);
        Ok(())
    }

    fn turn_completed(&mut self, completed: &TurnCompleted, record: &Record) -> Result<(), ApplyError> {
        let id: TurnId = completed.turn_id.parse()?;
        let limits = self.tail_limits;
        let turn = self.open(id)?;
        let has_delivery = !turn.delivered_by_tail && !completed.answer.is_empty();
        turn.phase = Phase::Completed(Completion {
            outcome: completed.outcome(),
            answer: completed.answer.clone(),
            answered_by: answered_by(completed),
            completed_at_ms: record.wall_ms,
            completed_uptime_ms: record.uptime_ms,
            // What was only cleared is nothing to remember. A fact is remembered already, and what names something to forget must not be.
            is_remembered: completed.outcome() == Outcome::Cleared || turn.errand != Errand::Unspecified,
            delivery: has_delivery.then(Delivery::default),
        });
        let (place, past) = (turn.place.clone(), turn.past(id));
        let conversation = self.conversation_of(&place);
        conversation.changed_at_ms = record.wall_ms;
        conversation.queue.retain(|queued| *queued != id);
        if let Some(past) = past {
            conversation.tail.push(past, limits);
        }
        self.settle(completed.settlement.as_ref(), record.wall_ms);
        self.release(id);
        Ok(())
    }

    fn outbound_taken(&mut self, taken: &OutboundTaken) -> Result<(), ApplyError> {
        let incarnation = Incarnation::parse(taken.incarnation.as_str())?;
        self.delivery(taken.outbound_id.parse()?)?.take(incarnation);
        Ok(())
    }

    fn part_sent(&mut self, sent: &PartSent) -> Result<(), ApplyError> {
        let turn = sent.outbound_id.parse()?;
        self.delivery(turn)?.note_sent(sent.to_byte);
        if sent.last { self.close_delivery(turn) } else { Ok(()) }
    }

    fn close_delivery(&mut self, id: TurnId) -> Result<(), ApplyError> {
        self.delivery(id)?;
        if let Some(completion) = self.open(id)?.completion_mut() {
            completion.delivery = None;
        }
        self.release(id);
        Ok(())
    }

    fn turn_remembered(&mut self, id: TurnId) -> Result<(), ApplyError> {
        let completion = self.open(id)?.completion_mut().ok_or(ApplyError::NotOpen { turn: id })?;
        completion.is_remembered = true;
        self.release(id);
        Ok(())
    }

    /// Frees the conversation once the turn is delivered, and the turn once it is remembered, too.
    fn release(&mut self, id: TurnId) {
        let Some((place, completion)) = self.turns.get(&id).and_then(|turn| Some((turn.place.clone(), turn.completion()?))) else { return };
        if completion.delivery.is_some() {
            return;
        }
        let is_remembered = completion.is_remembered;
        self.conversation_of(&place).running.take_if(|running| *running == id);
        if is_remembered {
            self.turns.remove(&id);
        }
    }

    pub(super) fn hold(&mut self, held: &CompletionHeld) -> Result<(), ApplyError> {
        self.holds.insert(held.completion_id.parse()?, held.estimate.clone().unwrap_or_default());
        Ok(())
    }

    fn completion_settled(&mut self, settled: &CompletionSettled, wall_ms: u64) -> Result<(), ApplyError> {
        let completion = settled.completion_id.parse()?;
        self.holds.remove(&completion).ok_or(ApplyError::NotHeld { completion })?;
        self.settle(settled.settlement.as_ref(), wall_ms);
        Ok(())
    }

    fn settle(&mut self, settlement: Option<&Settlement>, wall_ms: u64) {
        if let Some(settlement) = settlement {
            self.spend.settle(settlement, wall_ms);
        }
    }

    fn open(&mut self, turn: TurnId) -> Result<&mut Turn, ApplyError> {
        self.turns.get_mut(&turn).ok_or(ApplyError::NotOpen { turn })
    }

    /// The open delivery of the outbound that bears the turn's name.
    fn delivery(&mut self, turn: TurnId) -> Result<&mut Delivery, ApplyError> {
        let completion = self.open(turn)?.completion_mut();
        completion.and_then(|completion| completion.delivery.as_mut()).ok_or(ApplyError::NotOpen { turn })
    }

    fn conversation_of(&mut self, place: &Place) -> &mut Conversation {
        self.conversations.entry(place.clone()).or_default()
    }
}

// === impl Turn ===

impl Turn {
    fn accepted(place: Place, message: MessageId, accepted: &MessageAccepted, queued: &Queued, record: &Record) -> Self {
        Self {
            place,
            message,
            revision: accepted.revision,
            audience: accepted.audience(),
            sender: accepted.sender.clone().unwrap_or_default(),
            question: queued.question.clone(),
            errand: queued.errand(),
            model: queued.model.clone(),
            clears: queued.clears,
            delivered_by_tail: queued.delivered_by_tail,
            traceparent: accepted.traceparent.clone(),
            accepted_at_ms: record.wall_ms,
            starts: 0,
            attempts: 0,
            phase: Phase::Queued,
        }
    }
}

fn key(accepted: &MessageAccepted) -> Result<MessageKey, InvalidId> {
    Ok(MessageKey {
        gateway: Gateway::parse(accepted.gateway.as_str())?,
        account_incarnation: accepted.account_incarnation.clone(),
        conversation: ConversationId::parse(accepted.platform_conversation_id.as_str())?,
        message: MessageId::parse(accepted.platform_message_id.as_str())?,
        revision: accepted.revision,
    })
}

/// The model whose words an answer is; what the router says itself is nobody's.
fn answered_by(completed: &TurnCompleted) -> String {
    let is_answer = matches!(completed.outcome(), Outcome::Answered | Outcome::Stopped);
    let settlement = completed.settlement.as_ref().filter(|settlement| is_answer && !settlement.provider.is_empty());
    settlement.map(|settlement| format!("{}/{}", settlement.provider, settlement.model)).unwrap_or_default()
}

fn title_of(question: &str) -> String {
    question.trim().lines().next().unwrap_or_default().chars().take(TITLE_CHARS_MAX).collect()
}
