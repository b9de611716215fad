//! What the core is told: everything that happens outside, typed and checked.

use argentum_proto::{
    channel::v1::{
        AcceptMessageRequest, AcceptMessageResponse, Question, RejectionReason, ReportDeliveryRequest, Sender,
        accept_message_request::Content as WireContent, report_delivery_request::Report as WireReport,
    },
    ids::{CompletionId, ConversationId, Gateway, Incarnation, InvalidId, MessageId, MessageKey, OutboundId, SenderId, TurnId},
    memory::v1::Audience,
    provider::v1::Settlement,
};
use bytes::Bytes;

use super::answer;

/// Longest text that only describes (a name, a reason, a code), in characters; what is longer is cut.
const LABEL_CHARS_MAX: usize = 256;
/// Longest account incarnation, in bytes.
const ACCOUNT_INCARNATION_BYTES_MAX: usize = 256;
/// Longest name of a model, in bytes.
const MODEL_BYTES_MAX: usize = 256;
/// Messages that a platform may make of one part.
const PLATFORM_MESSAGES_MAX: usize = 64;

/// The two clocks at the moment of an input.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Milliseconds of a clock that never goes back; its zero is any moment. Deadlines are counted on it.
    pub monotonic_ms: u64,
    /// Unix milliseconds; may jump.
    pub wall_ms: u64,
}

/// The driver's name for a request whose answer it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A conversation: where turns follow each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The account, as the server enforced it.
    pub gateway: Gateway,
    /// The conversation at that account.
    pub conversation: ConversationId,
}

/// Who speaks where, before whom: what memory goes by.
#[derive(Clone, Debug, PartialEq)]
pub struct Speaker {
    /// Where it was said.
    pub place: Place,
    /// Who hears what is said there.
    pub audience: Audience,
    /// Who said it.
    pub sender: Sender,
}

/// Something that happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// A gateway asks to accept a message.
    Inbound(Box<Inbound>),
    /// A gateway's memory of outbounds began; the driver answers `SayHelloResponse` when this was handled.
    Hello { gateway: Gateway, incarnation: Incarnation },
    /// The answer to [`super::Effect::AskHello`].
    HelloAnswered { gateway: Gateway, incarnation: Incarnation },
    /// A gateway speaks of an outbound.
    Delivery(DeliveryReport),
    /// The answer to [`super::Effect::Recall`].
    Recalled { turn: TurnId, records: Vec<RecalledRecord> },
    /// Nothing will be recalled.
    RecallFailed { turn: TurnId },
    /// Memory has done what [`super::Effect::Note`] or [`super::Effect::Forget`] asked.
    ErrandDone { turn: TurnId, done: ErrandDone },
    /// Memory has not done it; `is_final` where asking again cannot help.
    ErrandFailed { turn: TurnId, is_final: bool },
    /// What became of [`super::Effect::CallVendor`].
    Vendor { turn: TurnId, attempt: u32, event: VendorEvent },
    /// The answer to [`super::Effect::Remember`].
    Remembered { turn: TurnId },
    /// The turn could not be remembered now.
    RememberFailed { turn: TurnId },
    /// A page asks to stop a turn; none named = the running one.
    StopAsked { request: RequestId, place: Place, turn: Option<TurnId> },
    /// A page asks for the running turn.
    SnapshotAsked { request: RequestId, place: Place },
    /// A page asks for its gateway's conversations, newest first.
    ConversationsAsked { request: RequestId, gateway: Gateway, count_max: u32, changed_before_ms: u64 },
    /// A page asks for the latest turns of a conversation.
    ConversationAsked { request: RequestId, place: Place },
    /// A completion of `/v1` is about to cost something, at most about this much.
    CompletionAsked { completion: CompletionId, estimate: Settlement },
    /// What a completion cost; nothing where the vendor was not reached.
    CompletionEnded { completion: CompletionId, settlement: Option<Settlement> },
    /// Time went by; wanted whenever [`super::Core::next_due_ms`] is reached.
    Tick,
    /// Whether new messages are taken: not while the disk is low or no vendor can be leased.
    Intake { is_open: bool },
    /// Take no new work.
    Drain,
    /// Take what still runs out of work.
    Park,
}

/// A message that a gateway asks to accept.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// Who waits for the answer.
    pub request: RequestId,
    /// What makes it the same message.
    pub key: MessageKey,
    /// A fresh id, for the turn that it may become.
    pub turn: TurnId,
    /// Who wrote it.
    pub sender: SenderId,
    /// How the sender is called.
    pub display_name: String,
    /// When it was written, by the platform's clock.
    pub platform_time_ms: u64,
    /// The conversation's name at the platform; may be empty.
    pub title: String,
    /// Who hears what is said in the conversation.
    pub audience: Audience,
    /// W3C trace context of the request; may be empty.
    pub traceparent: String,
    /// The model that its sender chose with it, as `<provider>/<model>`; empty = none.
    pub model: String,
    /// What it says.
    pub content: Content,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A question: makes a turn.
    Question(String),
    /// New text of an earlier message.
    Edit(String),
    /// Ends the running turn.
    Stop,
    /// Begins anew.
    New,
    /// Asks what is going on.
    Status,
    /// Is to be kept as a fact.
    Remember(String),
    /// Names what is to be forgotten: an id, or words that stand in it.
    Forget(String),
    /// What the gateway could not convert.
    DeadLetter { raw: Bytes, reason: String },
}

/// What the bus knows of a request beside its body.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Who waits for the answer.
    pub request: RequestId,
    /// The account, as the server enforced it.
    pub gateway: Gateway,
    /// A fresh id, for the turn that it may become.
    pub turn: TurnId,
    /// W3C trace context; may be empty.
    pub traceparent: String,
}

/// A gateway speaks of an outbound.
#[derive(Clone, Debug)]
pub struct DeliveryReport {
    /// Who waits for the answer.
    pub request: RequestId,
    /// The account, as the server enforced it.
    pub gateway: Gateway,
    /// The asking life of its memory.
    pub incarnation: Incarnation,
    /// What it speaks of.
    pub outbound: OutboundId,
    /// What it says.
    pub report: Report,
}

/// What a gateway says of an outbound.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Report {
    /// It will send.
    Taken,
    /// The platform has bytes [from, to).
    Sent { from_byte: u64, to_byte: u64, platform_message_ids: Vec<String>, last: bool },
    /// The platform refused the part for good.
    Refused { from_byte: u64, code: String, text: String },
    /// Nobody knows whether the platform has the part.
    Unknown { from_byte: u64 },
}

/// What memory found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecalledRecord {
    /// Where it was said and by whom, safe to show.
    pub origin: String,
    /// What was said. Data, never instruction.
    pub text: String,
}

/// What memory did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrandDone {
    /// The fact is on its disk, under this name.
    Noted { record_id: String },
    /// So many records are gone.
    Forgotten { records_count: u64 },
}

/// What comes from a vendor call, in order.
#[derive(Clone, Debug)]
pub enum VendorEvent {
    /// Somebody begins to answer: the chosen model, or the one that stands in for it.
    Begun { provider: String, model: String },
    /// More of the answer.
    Delta(String),
    /// The answer is whole.
    Completed(Settlement),
    /// There will be no answer from this call.
    Failed(VendorFailure),
}

/// Why a vendor call failed.
#[derive(Clone, Debug)]
pub struct VendorFailure {
    /// What kind of failure.
    pub class: FailureClass,
    /// Whether asking again may help.
    pub is_retryable: bool,
    /// How long the vendor wants to be left alone.
    pub retry_after_ms: Option<u64>,
    /// What the vendor counted, if it did.
    pub settlement: Option<Settlement>,
}

/// Kinds of failure that a sender is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// Nothing left this machine: no lease, no address, no connection.
    Unreachable,
    /// The vendor asks to slow down.
    RateLimited,
    /// The vendor has trouble of its own.
    Overloaded,
    /// The vendor went silent, or the stream broke.
    Interrupted,
    /// The vendor does not accept the key.
    Unauthenticated,
    /// The account at the vendor is used up.
    QuotaExhausted,
    /// The prompt is longer than the model takes.
    PromptTooLong,
    /// The vendor declined to answer this.
    Declined,
    /// The vendor did not understand the request.
    InvalidRequest,
    /// The vendor ended without any text.
    NoAnswer,
    /// The turn's own deadline passed.
    Deadline,
    /// The chosen model is not configured.
    UnknownModel,
}

// === impl FailureClass ===

impl FailureClass {
    /// The machine's word for it, for the operator.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::Interrupted => "interrupted",
            Self::Unauthenticated => "unauthenticated",
            Self::QuotaExhausted => "quota_exhausted",
            Self::PromptTooLong => "prompt_too_long",
            Self::Declined => "declined",
            Self::InvalidRequest => "invalid_request",
            Self::NoAnswer => "no_answer",
            Self::Deadline => "deadline",
            Self::UnknownModel => "unknown_model",
        }
    }
}

// === impl Input ===

impl Input {
    /// Checks a request to accept a message; what cannot be read is answered at once.
    pub fn inbound(origin: Origin, wire: AcceptMessageRequest) -> Result<Self, AcceptMessageResponse> {
        Inbound::from_wire(origin, wire)
            .map(|inbound| Self::Inbound(Box::new(inbound)))
            .map_err(|fault| answer::rejected(RejectionReason::Invalid, &fault))
    }

    /// Checks what a gateway says of an outbound.
    pub fn delivery(request: RequestId, gateway: Gateway, wire: ReportDeliveryRequest) -> Result<Self, InvalidId> {
        let report = match wire.report {
            Some(WireReport::Taken(_)) => Report::Taken,
            Some(WireReport::Sent(sent)) => Report::Sent {
                from_byte: sent.from_byte,
                to_byte: sent.to_byte,
                platform_message_ids: message_ids(sent.platform_message_ids)?,
                last: sent.last,
            },
            Some(WireReport::Refused(refused)) => {
                Report::Refused { from_byte: refused.from_byte, code: label(&refused.code), text: label(&refused.text) }
            }
            Some(WireReport::Unknown(unknown)) => Report::Unknown { from_byte: unknown.from_byte },
            None => return Err(InvalidId { kind: "report", text: String::new() }),
        };
        let (outbound, incarnation) = (wire.outbound_id.parse()?, Incarnation::parse(wire.incarnation)?);
        Ok(Self::Delivery(DeliveryReport { request, gateway, incarnation, outbound, report }))
    }
}

fn message_ids(ids: Vec<String>) -> Result<Vec<String>, InvalidId> {
    if PLATFORM_MESSAGES_MAX < ids.len() {
        return Err(InvalidId { kind: "list of message ids (64 at most)", text: String::new() });
    }
    ids.into_iter().map(|id| MessageId::parse(id).map(|id| id.to_string())).collect()
}

fn label(text: &str) -> String {
    text.chars().take(LABEL_CHARS_MAX).collect()
}

/// The model that a question names. Whether there is such a one is found out when it is asked.
fn chosen_model(content: Option<&WireContent>) -> Result<String, String> {
    let Some(WireContent::Question(Question { model, .. })) = content else { return Ok(String::new()) };
    let is_name = model.is_empty() || (model.contains('/') && !model.contains(char::is_control) && model.len() <= MODEL_BYTES_MAX);
    if is_name { Ok(model.clone()) } else { Err(format!("`model` must be `<provider>/<model>`, of at most {MODEL_BYTES_MAX} bytes")) }
}

// === impl Inbound ===

impl Inbound {
    fn from_wire(origin: Origin, wire: AcceptMessageRequest) -> Result<Self, String> {
        let (audience, sender) = (wire.audience(), wire.sender.unwrap_or_default());
        if wire.platform_time_ms == 0 {
            return Err("`platform_time_ms` is missing".into());
        }
        if ACCOUNT_INCARNATION_BYTES_MAX < wire.account_incarnation.len() {
            return Err("`account_incarnation` is too long".into());
        }
        Ok(Self {
            request: origin.request,
            key: MessageKey {
                gateway: origin.gateway,
                account_incarnation: wire.account_incarnation,
                conversation: ConversationId::parse(wire.platform_conversation_id).map_err(|fault| fault.to_string())?,
                message: MessageId::parse(wire.platform_message_id).map_err(|fault| fault.to_string())?,
                revision: wire.revision,
            },
            turn: origin.turn,
            sender: SenderId::parse(sender.platform_id).map_err(|fault| fault.to_string())?,
            display_name: label(&sender.display_name),
            platform_time_ms: wire.platform_time_ms,
            title: label(&wire.conversation_title),
            audience,
            traceparent: origin.traceparent,
            model: chosen_model(wire.content.as_ref())?,
            content: Content::from_wire(wire.content)?,
        })
    }

    /// Where it was said.
    pub fn place(&self) -> Place {
        Place { gateway: self.key.gateway.clone(), conversation: self.key.conversation.clone() }
    }
}

// === impl Content ===

impl Content {
    fn from_wire(wire: Option<WireContent>) -> Result<Self, String> {
        let content = match wire.ok_or("`content` is missing")? {
            WireContent::Question(question) => Self::Question(question.text),
            WireContent::Edit(edit) => Self::Edit(edit.text),
            WireContent::Stop(_) => Self::Stop,
            WireContent::New(_) => Self::New,
            WireContent::Status(_) => Self::Status,
            WireContent::Remember(command) => Self::Remember(command.text),
            WireContent::Forget(command) => Self::Forget(command.what),
            WireContent::DeadLetter(letter) => Self::DeadLetter { raw: letter.raw, reason: label(&letter.reason) },
        };
        if content.text().is_some_and(|text| text.trim().is_empty()) { Err("the text is empty".into()) } else { Ok(content) }
    }

    /// How large it is.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::DeadLetter { raw, .. } => raw.len(),
            _ => self.text().map_or(0, str::len),
        }
    }

    /// Whether it is for memory, which takes less at a time than a model.
    pub(super) fn is_errand(&self) -> bool {
        matches!(self, Self::Remember(_) | Self::Forget(_))
    }

    /// What somebody wrote, where it must not be empty.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Question(text) | Self::Edit(text) | Self::Remember(text) | Self::Forget(text) => Some(text),
            Self::Stop | Self::New | Self::Status | Self::DeadLetter { .. } => None,
        }
    }
}
