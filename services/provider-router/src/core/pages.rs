//! What pages ask: stop a turn, see the running one, list and read conversations.

use std::cmp::Reverse;

use argentum_proto::{
    channel::v1::{
        ConversationSummary, GetConversationResponse, GetTurnSnapshotResponse, ListConversationsResponse, Outcome, QueuedTurn, RunningTurn,
        StopTurnResponse,
    },
    ids::{Gateway, TurnId},
};

use super::{
    Effect,
    input::{Place, RequestId},
    state::Conversation,
    step::Step,
};

/// Conversations in one answer, if the page does not say.
const LISTED_DEFAULT: usize = 100;
const LISTED_MAX: usize = 500;

// === impl Step ===

impl Step<'_> {
    /// Answered behind the gate, so that an answered Stop is synced: also to the second who asks for the same.
    pub(super) fn stop_asked(&mut self, request: RequestId, place: &Place, turn: Option<TurnId>) {
        let stops = |id: &TurnId| self.state.turn(*id).is_some_and(|turn| turn.place == *place && turn.is_stoppable());
        let stopped = turn.map_or_else(|| self.stoppable(place), |turn| Some(turn).filter(stops));
        if let Some(turn) = stopped {
            self.stop(turn);
        }
        let stopped_turn_id = stopped.map(|turn| turn.to_string()).unwrap_or_default();
        self.effect(Effect::AnswerStop { request, response: StopTurnResponse { stopped_turn_id } });
    }

    pub(super) fn snapshot_asked(&mut self, request: RequestId, place: &Place) {
        let running = self.state.conversation(place).and_then(|conversation| self.running(conversation));
        self.effect(Effect::AnswerSnapshot { request, response: GetTurnSnapshotResponse { running } });
    }

    pub(super) fn conversations_asked(&mut self, request: RequestId, gateway: &Gateway, (count_max, changed_before_ms): (u32, u64)) {
        let is_wanted = |place: &Place, conversation: &Conversation| {
            place.gateway == *gateway && (changed_before_ms == 0 || conversation.changed_at_ms() < changed_before_ms)
        };
        let mut wanted: Vec<_> = self.state.conversations().filter(|(place, conversation)| is_wanted(place, conversation)).collect();
        wanted.sort_by_key(|(_, conversation)| Reverse(conversation.changed_at_ms()));
        wanted.truncate(usize::try_from(count_max).ok().filter(|count| 0 < *count).unwrap_or(LISTED_DEFAULT).min(LISTED_MAX));
        let conversations = wanted.into_iter().map(|(place, conversation)| summary(place, conversation)).collect();
        self.effect(Effect::AnswerConversations { request, response: ListConversationsResponse { conversations } });
    }

    pub(super) fn conversation_asked(&mut self, request: RequestId, place: &Place) {
        let response = self.state.conversation(place).map(|conversation| GetConversationResponse {
            title: conversation.title().to_owned(),
            turns: conversation.tail().turns().to_vec(),
            running: self.running(conversation),
            queued: conversation.queue().iter().filter_map(|turn| self.queued(*turn)).collect(),
            model: conversation.model().to_owned(),
        });
        self.effect(Effect::AnswerConversation { request, response: response.unwrap_or_default() });
    }

    /// The turn that holds the conversation: its text so far, or its outcome while that is being delivered.
    fn running(&self, conversation: &Conversation) -> Option<RunningTurn> {
        let id = conversation.running()?;
        let turn = self.state.turn(id)?;
        let run = self.life.runs.get(&id);
        let ended = turn.completion();
        Some(RunningTurn {
            turn_id: id.to_string(),
            attempt: turn.attempts,
            sequence: run.map_or(0, |run| run.sequence),
            text: ended.map_or_else(|| run.map(|run| run.text.clone()).unwrap_or_default(), |completion| completion.answer.clone()),
            question: turn.said(),
            outcome: ended.map_or(Outcome::Unspecified, |completion| completion.outcome).into(),
        })
    }

    fn queued(&self, id: TurnId) -> Option<QueuedTurn> {
        let turn = self.state.turn(id)?;
        Some(QueuedTurn {
            turn_id: id.to_string(),
            sender: Some(turn.sender.clone()),
            platform_message_id: turn.message.to_string(),
            question: turn.said(),
            accepted_at_ms: turn.accepted_at_ms,
        })
    }
}

fn summary(place: &Place, conversation: &Conversation) -> ConversationSummary {
    ConversationSummary {
        platform_conversation_id: place.conversation.to_string(),
        title: conversation.title().to_owned(),
        changed_at_ms: conversation.changed_at_ms(),
        is_running: conversation.running().is_some(),
        queued_count: u32::try_from(conversation.queue().len()).unwrap_or(u32::MAX),
    }
}
