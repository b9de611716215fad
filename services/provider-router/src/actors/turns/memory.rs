//! What memory is asked and told, in its own words.

use argentum_proto::{
    channel::v1::PastTurn,
    ids::TurnId,
    memory::v1::{Conversation, ForgetRequest, RecallRequest, Record, RememberFactRequest, RememberTurnRequest, forget_request::Target},
};

use crate::core::{RecalledRecord, Speaker};

/// How memory begins the name of a fact.
const FACT: &str = "fact.";

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

/// Tells of a fact. Its name is the turn's, so that telling it again changes nothing.
pub(super) fn note(turn: TurnId, speaker: Speaker, text: String, said_at_ms: u64) -> RememberFactRequest {
    let conversation = Some(conversation(&speaker));
    RememberFactRequest { fact_id: turn.to_string(), conversation, sender: Some(speaker.sender), text, said_at_ms }
}

/// Asks to forget what the sender named.
pub(super) fn forget(speaker: Speaker, what: String) -> ForgetRequest {
    let target = if is_record_id(&what) { Target::RecordId(what) } else { Target::Words(what) };
    ForgetRequest { conversation: Some(conversation(&speaker)), sender: Some(speaker.sender), target: Some(target) }
}

/// Whether it has the form of a record's name: nobody writes so by chance.
fn is_record_id(what: &str) -> bool {
    let is_turn = |id: &str| id.parse::<TurnId>().is_ok();
    let is_fact = what.strip_prefix(FACT).is_some_and(is_turn);
    let is_saying = what.split_once('.').is_some_and(|(turn, kind)| is_turn(turn) && matches!(kind, "question" | "answer"));
    is_fact || is_saying
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
    fn what_is_to_be_forgotten_is_a_name_or_words() {
        let target = |what: &str| forget(speaker(Audience::Direct), what.into()).target.unwrap();
        let turn = TurnId::new(ulid::Ulid(7)).to_string();
        for name in [format!("fact.{turn}"), format!("{turn}.question"), format!("{turn}.answer")] {
            assert_eq!(target(&name), Target::RecordId(name));
        }
        for words in ["tea", "fact.tea", "tea.answer", "fact.", &turn] {
            assert_eq!(target(words), Target::Words(words.to_owned()));
        }
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
