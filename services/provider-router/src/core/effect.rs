//! What the core wants done. It does nothing itself.

use argentum_proto::{
    channel::v1::{
        AcceptMessageResponse, GetConversationResponse, GetTurnSnapshotResponse, ListConversationsResponse, OutboundReady, PastTurn,
        ReportDeliveryResponse, StopTurnResponse, TurnProgressed,
    },
    ids::{CompletionId, Gateway, TurnId},
    provider::v1::Record,
};

use super::{
    input::{RequestId, Speaker},
    prompt::Prompt,
};

/// What one input led to.
///
/// The one gate: the driver appends `records` to the journal in order and releases `effects` in order once everything that was
/// written before and with them is synced. Only a lossy effect ([`Effect::is_lossy`]) may leave at once. What is no longer
/// wanted when the gate opens ([`super::Core::is_wanted`]) is dropped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outputs {
    /// To be journaled, in this order, before any effect leaves.
    pub records: Vec<Record>,
    /// To be done, in this order.
    pub effects: Vec<Effect>,
}

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Answers a request to accept a message.
    Answer { request: RequestId, response: AcceptMessageResponse },
    /// Asks memory for what belongs to a question; `Recalled` or `RecallFailed` follows. The turns of `told` are in the prompt anyway.
    Recall { turn: TurnId, speaker: Speaker, query: String, told: Vec<String> },
    /// Asks the vendor; `Vendor` events with this attempt follow.
    CallVendor { turn: TurnId, attempt: u32, prompt: Prompt },
    /// Closes the vendor's connection within a second. Nothing more is wanted of this attempt.
    CancelVendor { turn: TurnId, attempt: u32 },
    /// Tells whoever watches.
    Progress { gateway: Gateway, progress: TurnProgressed },
    /// Publishes an outbound.
    PublishOutbound { gateway: Gateway, outbound: OutboundReady },
    /// Asks a gateway who lives; `HelloAnswered` follows, or nothing.
    AskHello { gateway: Gateway },
    /// Answers what a gateway said of an outbound. Without an answer the report was invalid: `InvalidArgument`.
    AnswerDelivery { request: RequestId, response: Option<ReportDeliveryResponse> },
    /// Tells memory of a turn, idempotent by its id; `Remembered` or `RememberFailed` follows.
    Remember { speaker: Speaker, turn: Box<PastTurn> },
    /// Has memory keep a fact, idempotent by the turn's id; `ErrandDone` or `ErrandFailed` follows.
    Note { turn: TurnId, speaker: Speaker, text: String, said_at_ms: u64 },
    /// Has memory forget what this names; `ErrandDone` or `ErrandFailed` follows.
    Forget { turn: TurnId, speaker: Speaker, what: String },
    /// Answers a request to stop.
    AnswerStop { request: RequestId, response: StopTurnResponse },
    /// Answers a request for the running turn.
    AnswerSnapshot { request: RequestId, response: GetTurnSnapshotResponse },
    /// Answers a request for conversations.
    AnswerConversations { request: RequestId, response: ListConversationsResponse },
    /// Answers a request for a conversation.
    AnswerConversation { request: RequestId, response: GetConversationResponse },
    /// Answers `CompletionAsked`: whether the vendor may be asked.
    AnswerCompletion { completion: CompletionId, is_held: bool },
    /// Tells the operator.
    Notify(Notification),
}

/// What an operator is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Notification {
    /// A message could not be converted; its raw bytes are in the journal.
    DeadLetterKept { turn: TurnId, reason: String },
    /// A turn ended in a failure, which its sender is told.
    TurnFailed { turn: TurnId, failure: String },
    /// A turn was started too often without an outcome.
    TurnQuarantined { turn: TurnId },
    /// The platform refused an outbound.
    DeliveryRefused { turn: TurnId, code: String, text: String },
    /// An outbound could not be delivered within its time.
    DeliveryExpired { turn: TurnId },
}

// === impl Effect ===

impl Effect {
    /// May leave before what it follows from is synced, and may get lost: text of a running attempt.
    pub fn is_lossy(&self) -> bool {
        use argentum_proto::channel::v1::turn_progressed::Change;
        matches!(self, Self::Progress { progress, .. } if matches!(progress.change, Some(Change::Appended(_))))
    }
}
