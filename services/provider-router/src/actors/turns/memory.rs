//! What memory is asked and told, in its own words.

use argentum_proto::{
    channel::v1::PastTurn,
    memory::v1::{Conversation, RecallRequest, Record, RememberTurnRequest},
};

use crate::core::{RecalledRecord, Speaker};

/// Turns that memory is told not to recall; more it does not take.
const EXCLUDED_MAX: usize = 256;

fn conversation(Speaker { place, audience, .. }: &Speaker) -> Conversation {
    Conversation {
        gateway: place.gateway.to_string(),
        platform_conversation_id: place.conversation.to_string(),
        audience: (*audience).into(),
        ..Conversation::default()
    }
}

/// Asks for what belongs to a question, but for the turns that are `told` anyway, the newest of which are last.
pub(super) fn recall(speaker: Speaker, query: String, told: Vec<String>) -> RecallRequest {
    let exclude_turn_ids = told.into_iter().rev().take(EXCLUDED_MAX).collect();
    let conversation = Some(conversation(&speaker));
    RecallRequest { conversation, sender: Some(speaker.sender), query, exclude_turn_ids, ..RecallRequest::default() }
}

/// Where a record is from, beside its text, which begins with date and author.
pub(super) fn recalled(record: Record) -> RecalledRecord {
    let Record { gateway, conversation_title: title, text, .. } = record;
    let origin = if title.is_empty() { format!("a conversation on {gateway}") } else { format!("conversation “{title}” on {gateway}") };
    RecalledRecord { origin, text }
}

/// Tells of a turn that has its outcome.
pub(super) fn remember(speaker: Speaker, turn: PastTurn) -> RememberTurnRequest {
    RememberTurnRequest {
        conversation: Some(conversation(&speaker)),
        outcome: turn.outcome,
        turn_id: turn.turn_id,
        sender: Some(speaker.sender),
        question: turn.question,
        answer: turn.answer,
        model: turn.model,
        asked_at_ms: turn.accepted_at_ms,
        answered_at_ms: turn.completed_at_ms,
    }
}

#[cfg(test)]
mod tests {
    use argentum_proto::{channel::v1::Sender, memory::v1::Audience};

    use super::*;
    use crate::core::Place;

    fn speaker(audience: Audience) -> Speaker {
        let place = Place { gateway: "chat".parse().unwrap(), conversation: "ada".parse().unwrap() };
        Speaker { place, audience, sender: Sender { platform_id: "ada".into(), display_name: "Ada".into() } }
    }

    #[test]
    fn memory_hears_of_the_audience_whatever_it_is_asked_or_told() {
        for audience in [Audience::Unspecified, Audience::Direct, Audience::Group] {
            let asked = recall(speaker(audience), "tea?".into(), Vec::new()).conversation.unwrap();
            let told = remember(speaker(audience), PastTurn::default()).conversation.unwrap();
            assert_eq!([asked.audience(), told.audience()], [audience; 2]);
        }
    }
}
