//! The whole state as one message, and back. Nothing is lost on the way: what a checkpoint replaces is gone.

use argentum_proto::{
    channel::v1::Outcome,
    ids::{ConversationId, Gateway, Incarnation, InvalidId, KeyDigest, MessageId, TurnId},
    provider::v1::{
        AcceptedKey as WireKey, Checkpoint, CompletionHeld, ConversationState, DeliveryState, Horizon, SpendTotal as WireSpend, TurnPhase,
        TurnState,
    },
};

use super::{
    ApplyError, Completion, Conversation, Delivery, Phase, State, Tail, Turn,
    keys::AcceptedKey,
    spend::{SpendKey, SpendTotal},
};
use crate::core::{config::TailLimits, input::Place};

// === impl State ===

impl State {
    /// As of the record at `position`.
    pub(in crate::core) fn checkpoint(&self, position: u64) -> Checkpoint {
        Checkpoint {
            position,
            uptime_ms: self.uptime_ms,
            keys: self.keys.accepted().map(wire_key).collect(),
            horizons: self
                .keys
                .horizons()
                .map(|(gateway, purged_time_ms)| Horizon { gateway: gateway.to_string(), purged_time_ms })
                .collect(),
            conversations: self.conversations.iter().map(|(place, conversation)| conversation.to_wire(place)).collect(),
            turns: self.turns.iter().map(|(id, turn)| turn.to_wire(*id)).collect(),
            spend: self.spend.totals().map(|(key, total)| wire_spend(key, total)).collect(),
            holds: self
                .holds
                .iter()
                .map(|(id, estimate)| CompletionHeld { completion_id: id.to_string(), estimate: Some(estimate.clone()) })
                .collect(),
        }
    }

    /// From what [`State::checkpoint`] made.
    pub(in crate::core) fn restore(checkpoint: Checkpoint, limits: TailLimits) -> Result<Self, ApplyError> {
        let mut state = Self { uptime_ms: checkpoint.uptime_ms, ..Self::new(limits) };
        for key in checkpoint.keys {
            state.keys.insert(read_key(&key)?);
        }
        for horizon in checkpoint.horizons {
            state.keys.raise_horizon(Gateway::parse(horizon.gateway)?, horizon.purged_time_ms);
        }
        for conversation in checkpoint.conversations {
            let place = place(&conversation.gateway, &conversation.platform_conversation_id)?;
            let conversation = Conversation::from_wire(conversation, &state)?;
            state.conversations.insert(place, conversation);
        }
        for turn in checkpoint.turns {
            state.turns.insert(turn.turn_id.parse()?, Turn::from_wire(turn)?);
        }
        for total in checkpoint.spend {
            let (key, total) = read_spend(total);
            state.spend.restore(key, total);
        }
        for held in &checkpoint.holds {
            state.hold(held)?;
        }
        Ok(state)
    }
}

fn place(gateway: &str, conversation: &str) -> Result<Place, InvalidId> {
    Ok(Place { gateway: Gateway::parse(gateway)?, conversation: ConversationId::parse(conversation)? })
}

fn wire_key(key: &AcceptedKey) -> WireKey {
    WireKey {
        digest: key.digest.as_bytes().to_vec().into(),
        turn_id: key.turn.to_string(),
        accepted_uptime_ms: key.accepted_uptime_ms,
        stored_time_ms: key.stored_time_ms,
        gateway: key.gateway.to_string(),
    }
}

fn read_key(key: &WireKey) -> Result<AcceptedKey, InvalidId> {
    let digest = <[u8; 16]>::try_from(key.digest.as_ref());
    Ok(AcceptedKey {
        digest: KeyDigest::from_bytes(digest.map_err(|_| InvalidId { kind: "key digest (16 bytes)", text: String::new() })?),
        turn: key.turn_id.parse()?,
        gateway: Gateway::parse(key.gateway.as_str())?,
        accepted_uptime_ms: key.accepted_uptime_ms,
        stored_time_ms: key.stored_time_ms,
    })
}

fn wire_spend(key: &SpendKey, total: &SpendTotal) -> WireSpend {
    WireSpend {
        day: key.day,
        provider: key.provider.clone(),
        model: key.model.clone(),
        input_tokens: total.input_tokens,
        output_tokens: total.output_tokens,
        cost_micros: total.cost_micros,
        estimated_cost_micros: total.estimated_cost_micros,
    }
}

fn read_spend(wire: WireSpend) -> (SpendKey, SpendTotal) {
    let total = SpendTotal {
        input_tokens: wire.input_tokens,
        output_tokens: wire.output_tokens,
        cost_micros: wire.cost_micros,
        estimated_cost_micros: wire.estimated_cost_micros,
    };
    (SpendKey { day: wire.day, provider: wire.provider, model: wire.model }, total)
}

// === impl Conversation ===

impl Conversation {
    fn to_wire(&self, place: &Place) -> ConversationState {
        ConversationState {
            gateway: place.gateway.to_string(),
            platform_conversation_id: place.conversation.to_string(),
            title: self.title.clone(),
            changed_at_ms: self.changed_at_ms,
            running_turn_id: self.running.map(|turn| turn.to_string()).unwrap_or_default(),
            queued_turn_ids: self.queue.iter().map(TurnId::to_string).collect(),
            tail: self.tail.turns().to_vec(),
            model: self.model.clone(),
        }
    }

    fn from_wire(wire: ConversationState, state: &State) -> Result<Self, InvalidId> {
        let mut tail = Tail::default();
        for turn in wire.tail {
            tail.push(turn, state.tail_limits);
        }
        let running = (!wire.running_turn_id.is_empty()).then(|| wire.running_turn_id.parse()).transpose()?;
        let queue = wire.queued_turn_ids.iter().map(|turn| turn.parse()).collect::<Result<_, _>>()?;
        Ok(Self { title: wire.title, model: wire.model, changed_at_ms: wire.changed_at_ms, running, queue, tail })
    }
}

// === impl Turn ===

impl Turn {
    fn to_wire(&self, id: TurnId) -> TurnState {
        let open = TurnState {
            turn_id: id.to_string(),
            gateway: self.place.gateway.to_string(),
            platform_conversation_id: self.place.conversation.to_string(),
            platform_message_id: self.message.to_string(),
            revision: self.revision,
            audience: self.audience.into(),
            sender: Some(self.sender.clone()),
            question: self.question.clone(),
            errand: self.errand.into(),
            model: self.model.clone(),
            clears: self.clears,
            delivered_by_tail: self.delivered_by_tail,
            traceparent: self.traceparent.clone(),
            accepted_at_ms: self.accepted_at_ms,
            starts: self.starts,
            attempts: self.attempts,
            ..TurnState::default()
        };
        match &self.phase {
            Phase::Queued => TurnState { phase: TurnPhase::Queued.into(), ..open },
            Phase::Running => TurnState { phase: TurnPhase::Running.into(), ..open },
            Phase::Parked => TurnState { phase: TurnPhase::Parked.into(), ..open },
            Phase::Completed(completion) => TurnState {
                phase: TurnPhase::Completed.into(),
                outcome: completion.outcome.into(),
                answer: completion.answer.clone(),
                answered_by: completion.answered_by.clone(),
                completed_at_ms: completion.completed_at_ms,
                completed_uptime_ms: completion.completed_uptime_ms,
                is_remembered: completion.is_remembered,
                delivery: completion.delivery.as_ref().map(wire_delivery),
                ..open
            },
        }
    }

    fn from_wire(wire: TurnState) -> Result<Self, ApplyError> {
        let phase = match wire.phase() {
            TurnPhase::Queued => Phase::Queued,
            TurnPhase::Running => Phase::Running,
            TurnPhase::Parked => Phase::Parked,
            TurnPhase::Completed => Phase::Completed(completion(&wire)?),
            TurnPhase::Unspecified => return Err(ApplyError::UnknownKind),
        };
        let (audience, errand) = (wire.audience(), wire.errand());
        Ok(Self {
            place: place(&wire.gateway, &wire.platform_conversation_id)?,
            message: MessageId::parse(wire.platform_message_id)?,
            revision: wire.revision,
            audience,
            sender: wire.sender.unwrap_or_default(),
            question: wire.question,
            errand,
            model: wire.model,
            clears: wire.clears,
            delivered_by_tail: wire.delivered_by_tail,
            traceparent: wire.traceparent,
            accepted_at_ms: wire.accepted_at_ms,
            starts: wire.starts,
            attempts: wire.attempts,
            phase,
        })
    }
}

fn completion(wire: &TurnState) -> Result<Completion, ApplyError> {
    if wire.outcome() == Outcome::Unspecified {
        return Err(ApplyError::UnknownKind);
    }
    Ok(Completion {
        outcome: wire.outcome(),
        answer: wire.answer.clone(),
        answered_by: wire.answered_by.clone(),
        completed_at_ms: wire.completed_at_ms,
        completed_uptime_ms: wire.completed_uptime_ms,
        is_remembered: wire.is_remembered,
        delivery: wire.delivery.as_ref().map(read_delivery).transpose()?,
    })
}

fn wire_delivery(delivery: &Delivery) -> DeliveryState {
    DeliveryState {
        holder: delivery.holder().map(ToString::to_string).unwrap_or_default(),
        from_byte: delivery.next_byte(),
        maybe_sent: delivery.maybe_sent(),
        held_from_byte: delivery.held_from_byte(),
    }
}

fn read_delivery(wire: &DeliveryState) -> Result<Delivery, InvalidId> {
    let holder = (!wire.holder.is_empty()).then(|| Incarnation::parse(wire.holder.as_str())).transpose()?;
    Ok(Delivery::restore(holder.map(|holder| (holder, wire.held_from_byte)), wire.from_byte, wire.maybe_sent))
}
