//! What a page is told, as JSON.

use argentum_proto::{
    channel::v1::{ConversationSummary, GetConversationResponse, Outcome, PastTurn, QueuedTurn, RunningTurn},
    control::v1::{BundleState, GetStatusResponse, ServiceState},
    provider::v1 as provider,
};
use serde::Serialize;

/// An event of the page's one WebSocket.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Event {
    /// The state of the bundle, at the beginning and whenever it changes.
    Bundle { state: &'static str, version: String, services: Vec<Service> },
    /// The models that can answer, at the beginning. Absent where nobody told: the router is down.
    Models { models: Option<Vec<Model>> },
    /// The list of conversations, at the beginning and whenever it may have changed.
    Conversations { conversations: Vec<Summary> },
    /// The watched conversation as it stands: replaces all that was told of it.
    Conversation(Conversation),
    /// A turn of the watched conversation begins, or begins anew: a higher attempt replaces the text.
    Started { conversation: String, turn: String, attempt: u32 },
    /// More text of the running turn.
    Delta { conversation: String, turn: String, attempt: u32, sequence: u64, text: String },
    /// A turn has its outcome.
    Ended { conversation: String, turn: String, outcome: &'static str },
}

/// An entry of the list of conversations.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    id: String,
    title: String,
    changed_at_ms: u64,
    is_running: bool,
    queued: u32,
}

/// A conversation as it stands.
#[derive(Debug, Serialize)]
pub(crate) struct Conversation {
    id: String,
    title: String,
    /// The model that was chosen; empty = the default one.
    model: String,
    turns: Vec<Turn>,
    running: Option<Running>,
    queued: Vec<Queued>,
}

#[derive(Debug, Serialize)]
struct Turn {
    turn: String,
    message: String,
    question: String,
    answer: String,
    /// The model that answered.
    model: String,
    outcome: &'static str,
    accepted_at_ms: u64,
    completed_at_ms: u64,
}

/// The running turn, its text so far and how far that is.
#[derive(Debug, Serialize)]
pub(crate) struct Running {
    pub(crate) turn: String,
    question: String,
    text: String,
    pub(crate) attempt: u32,
    pub(crate) sequence: u64,
}

#[derive(Debug, Serialize)]
struct Queued {
    turn: String,
    message: String,
    question: String,
    accepted_at_ms: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Service {
    name: String,
    state: &'static str,
    pid: u32,
    restarts: u32,
    text: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Model {
    name: String,
    provider: String,
    is_default: bool,
}

// === impl Event ===

impl From<&GetStatusResponse> for Event {
    fn from(status: &GetStatusResponse) -> Self {
        let services = status.services.iter().map(|service| Service {
            name: service.name.clone(),
            state: service_state(service.state()),
            pid: service.pid,
            restarts: service.restarts,
            text: service.text.clone(),
        });
        Event::Bundle { state: bundle_state(status.state()), version: status.version.clone(), services: services.collect() }
    }
}

impl From<provider::Model> for Model {
    fn from(model: provider::Model) -> Self {
        let provider::Model { name, provider, is_default } = model;
        Self { name, provider, is_default }
    }
}

// === impl Conversation ===

impl Conversation {
    pub(crate) fn new(id: String, conversation: GetConversationResponse) -> Self {
        let GetConversationResponse { title, turns, running, queued, model } = conversation;
        // One that has ended stands among the turns.
        let running = running.filter(|running| running.outcome() == Outcome::Unspecified).map(Running::from);
        let turns = turns.into_iter().map(Turn::from).collect();
        Self { id, title, model, turns, running, queued: queued.into_iter().map(Queued::from).collect() }
    }

    pub(crate) fn running(&self) -> Option<&Running> {
        self.running.as_ref()
    }
}

impl From<ConversationSummary> for Summary {
    fn from(summary: ConversationSummary) -> Self {
        let ConversationSummary { platform_conversation_id: id, title, changed_at_ms, is_running, queued_count: queued } = summary;
        Self { id, title, changed_at_ms, is_running, queued }
    }
}

impl From<PastTurn> for Turn {
    fn from(turn: PastTurn) -> Self {
        Self {
            outcome: outcome(turn.outcome()),
            turn: turn.turn_id,
            message: turn.platform_message_id,
            question: turn.question,
            answer: turn.answer,
            model: turn.model,
            accepted_at_ms: turn.accepted_at_ms,
            completed_at_ms: turn.completed_at_ms,
        }
    }
}

impl From<RunningTurn> for Running {
    fn from(running: RunningTurn) -> Self {
        let RunningTurn { turn_id: turn, attempt, sequence, text, question, .. } = running;
        Self { turn, question, text, attempt, sequence }
    }
}

impl From<QueuedTurn> for Queued {
    fn from(turn: QueuedTurn) -> Self {
        let QueuedTurn { turn_id: turn, platform_message_id: message, question, accepted_at_ms, .. } = turn;
        Self { turn, message, question, accepted_at_ms }
    }
}

pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Unspecified => "unknown",
        Outcome::Answered => "answered",
        Outcome::Stopped => "stopped",
        Outcome::Failed => "failed",
        Outcome::Quarantined => "quarantined",
        Outcome::Cleared => "cleared",
    }
}

fn bundle_state(state: BundleState) -> &'static str {
    match state {
        BundleState::Unspecified => "unknown",
        BundleState::Starting => "starting",
        BundleState::Ready => "ready",
        BundleState::Degraded => "degraded",
        BundleState::Draining => "draining",
        BundleState::Failed => "failed",
    }
}

fn service_state(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Unspecified => "unknown",
        ServiceState::Starting => "starting",
        ServiceState::Ready => "ready",
        ServiceState::Backoff => "backoff",
        ServiceState::Draining => "draining",
        ServiceState::Failed => "failed",
        ServiceState::Stopped => "stopped",
    }
}
