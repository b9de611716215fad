//! What memory is asked and told, in its own words.

use argentum_proto::{
    channel::v1::{PastTurn, Sender},
    memory::v1::{Conversation, RecallRequest, Record, RememberTurnRequest},
};

use crate::core::{Place, RecalledRecord};

/// Turns that memory is told not to recall; more it does not take.
const EXCLUDED_MAX: usize = 256;

fn conversation(place: &Place) -> Conversation {
    Conversation { gateway: place.gateway.to_string(), platform_conversation_id: place.conversation.to_string(), ..Conversation::default() }
}

/// Asks for what belongs to a question, but for the turns of `tail`, the newest of which are last.
pub(super) fn recall(place: &Place, sender: Sender, query: String, tail: Vec<String>) -> RecallRequest {
    let exclude_turn_ids = tail.into_iter().rev().take(EXCLUDED_MAX).collect();
    RecallRequest { conversation: Some(conversation(place)), sender: Some(sender), query, exclude_turn_ids, ..RecallRequest::default() }
}

/// Where a record is from, beside its text, which begins with date and author.
pub(super) fn recalled(record: Record) -> RecalledRecord {
    let Record { gateway, conversation_title: title, text, .. } = record;
    let origin = if title.is_empty() { format!("a conversation on {gateway}") } else { format!("conversation “{title}” on {gateway}") };
    RecalledRecord { origin, text }
}

/// Tells of a turn that has its outcome.
pub(super) fn remember(place: &Place, turn: PastTurn) -> RememberTurnRequest {
    RememberTurnRequest {
        conversation: Some(conversation(place)),
        outcome: turn.outcome,
        turn_id: turn.turn_id,
        sender: turn.sender,
        question: turn.question,
        answer: turn.answer,
        model: turn.model,
        asked_at_ms: turn.accepted_at_ms,
        answered_at_ms: turn.completed_at_ms,
    }
}
