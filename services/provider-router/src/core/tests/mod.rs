//! The core's promises, each under its own name. The fixture plays the driver: journal, clocks, fresh ids.

mod accept;
mod audience;
mod completions;
mod crash;
mod delivery;
mod errand;
mod pages;
mod random;
mod turn;

use argentum_proto::{
    channel::v1::{
        AcceptMessageRequest, AcceptMessageResponse, Edit, ForgetCommand, NewCommand, Outcome, PastTurn, Question, RememberCommand,
        ReportDeliveryResponse, Sender, StatusCommand, StopCommand, accept_message_request::Content as Wire,
        accept_message_response::Answer, report_delivery_response::Answer as DeliveryAnswer,
    },
    ids::{ConversationId, Gateway, Incarnation, OutboundId, TurnId},
    provider::v1::{Record, Settlement},
};
use ulid::Ulid;

use super::{
    Config, Core, DeliveryReport, Effect, ErrandDone, FailureClass, Input, Now, Origin, Place, Price, Prompt, Report, RequestId,
    VendorEvent, VendorFailure, state::State,
};

/// A driver whose journal is always synced at once.
pub(super) struct Router {
    pub(super) config: Config,
    pub(super) core: Core,
    pub(super) records: Vec<Record>,
    pub(super) now: Now,
    made: u64,
}

pub(super) const START: Now = Now { monotonic_ms: 1_000, wall_ms: 1_700_000_000_000 };
pub(super) const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// An account whose readers read the tail.
pub(super) fn web() -> Gateway {
    Gateway::parse("web").unwrap()
}

/// An account that sends.
pub(super) fn chat() -> Gateway {
    Gateway::parse("chat").unwrap()
}

pub(super) fn place(gateway: &Gateway, conversation: &str) -> Place {
    Place { gateway: gateway.clone(), conversation: ConversationId::parse(conversation).unwrap() }
}

pub(super) fn incarnation(name: &str) -> Incarnation {
    Incarnation::parse(name).unwrap()
}

pub(super) fn config() -> Config {
    let price = Price {
        provider: "acme".into(),
        model: "m1".into(),
        input_micros_per_million: 1_000_000,
        output_micros_per_million: 1_000_000,
        output_tokens_estimated: 100,
    };
    let mut config = Config::new("Be kind.", price);
    config.delivered_by_tail.insert(web());
    config
}

pub(super) fn question(text: &str) -> Wire {
    Wire::Question(Question { text: text.into(), ..Question::default() })
}

pub(super) fn edit(text: &str) -> Wire {
    Wire::Edit(Edit { text: text.into() })
}

pub(super) fn stop() -> Wire {
    Wire::Stop(StopCommand {})
}

pub(super) fn new() -> Wire {
    Wire::New(NewCommand {})
}

pub(super) fn remember(text: &str) -> Wire {
    Wire::Remember(RememberCommand { text: text.into() })
}

pub(super) fn forget(what: &str) -> Wire {
    Wire::Forget(ForgetCommand { what: what.into() })
}

pub(super) fn status() -> Wire {
    Wire::Status(StatusCommand {})
}

/// Message `id` of conversation `c`, written a second ago.
pub(super) fn message(id: &str, content: Wire) -> AcceptMessageRequest {
    AcceptMessageRequest {
        platform_conversation_id: "c".into(),
        platform_message_id: id.into(),
        sender: Some(Sender { platform_id: "ada".into(), display_name: "Ada".into() }),
        platform_time_ms: START.wall_ms - 1_000,
        content: Some(content),
        ..AcceptMessageRequest::default()
    }
}

pub(super) fn usage() -> Settlement {
    Settlement { provider: "acme".into(), model: "m1".into(), input_tokens: 7, output_tokens: 3, cost_micros: 10, is_estimated: false }
}

pub(super) fn failure(class: FailureClass, is_retryable: bool) -> VendorEvent {
    VendorEvent::Failed(VendorFailure { class, is_retryable, retry_after_ms: None, settlement: None })
}

// === impl Router ===

impl Router {
    pub(super) fn new() -> Self {
        Self::with(config())
    }

    pub(super) fn with(config: Config) -> Self {
        let mut core = Core::recover(config.clone(), None, []).unwrap();
        let records = core.started(START).records;
        Self { config, core, records, now: START, made: 0 }
    }

    /// Hands one input in and journals what comes. A replay of the journal must make the same state.
    pub(super) fn handle(&mut self, input: Input) -> Vec<Effect> {
        let outputs = self.core.handle(input, self.now);
        self.records.extend(outputs.records);
        let replayed = self.replay();
        assert_eq!(format!("{:?}", replayed.state), format!("{:?}", self.core.state), "replay and life differ");
        outputs.effects
    }

    fn replay(&self) -> Core {
        Core::recover(self.config.clone(), None, (0..).zip(self.records.iter().cloned())).unwrap()
    }

    /// The process ends and another one starts on the same journal, with a clock that begins anew.
    pub(super) fn restart(&mut self) -> Vec<Effect> {
        self.core = self.replay();
        self.now.monotonic_ms = 5;
        let outputs = self.core.started(self.now);
        self.records.extend(outputs.records);
        outputs.effects
    }

    /// The process ended before it could write the last `count` records.
    pub(super) fn restart_without(&mut self, count: usize) -> Vec<Effect> {
        self.records.truncate(self.records.len() - count);
        self.restart()
    }

    pub(super) fn wait(&mut self, ms: u64) -> Vec<Effect> {
        self.now.monotonic_ms += ms;
        self.now.wall_ms += ms;
        self.handle(Input::Tick)
    }

    fn fresh(&mut self) -> (RequestId, TurnId) {
        self.made += 1;
        (RequestId(self.made), TurnId::new(Ulid(u128::from(self.made))))
    }

    pub(super) fn ask(&mut self, gateway: &Gateway, wire: AcceptMessageRequest) -> Vec<Effect> {
        let (request, turn) = self.fresh();
        let origin = Origin { request, gateway: gateway.clone(), turn, traceparent: "00-trace".into() };
        match Input::inbound(origin, wire) {
            Ok(input) => self.handle(input),
            Err(response) => vec![Effect::Answer { request, response }],
        }
    }

    /// Asks a question and returns the id of its turn.
    pub(super) fn accept(&mut self, gateway: &Gateway, id: &str) -> TurnId {
        let effects = self.ask(gateway, message(id, question(&format!("question {id}"))));
        match answer(&effects) {
            Answer::Accepted(accepted) => accepted.turn_id.parse().unwrap(),
            other => panic!("not accepted: {other:?}"),
        }
    }

    /// Brings a question to its vendor call.
    pub(super) fn call(&mut self, gateway: &Gateway, id: &str) -> TurnId {
        let turn = self.accept(gateway, id);
        self.handle(Input::RecallFailed { turn });
        turn
    }

    pub(super) fn vendor(&mut self, turn: TurnId, attempt: u32, event: VendorEvent) -> Vec<Effect> {
        self.handle(Input::Vendor { turn, attempt, event })
    }

    pub(super) fn delta(&mut self, turn: TurnId, text: &str) -> Vec<Effect> {
        self.vendor(turn, 1, VendorEvent::Delta(text.into()))
    }

    /// Lets the first attempt of a turn answer.
    pub(super) fn complete(&mut self, turn: TurnId, text: &str) -> Vec<Effect> {
        self.delta(turn, text);
        self.vendor(turn, 1, VendorEvent::Completed(usage()))
    }

    /// Brings a question to its answer.
    pub(super) fn answer(&mut self, gateway: &Gateway, id: &str, text: &str) -> TurnId {
        let turn = self.call(gateway, id);
        self.complete(turn, text);
        turn
    }

    pub(super) fn hello(&mut self, name: &str) -> Vec<Effect> {
        self.handle(Input::Hello { gateway: chat(), incarnation: incarnation(name) })
    }

    /// What an incarnation of the chat account says of an outbound.
    pub(super) fn report(&mut self, name: &str, turn: TurnId, report: Report) -> Vec<Effect> {
        let (request, _) = self.fresh();
        let outbound = OutboundId::from(turn);
        self.handle(Input::Delivery(DeliveryReport { request, gateway: chat(), incarnation: incarnation(name), outbound, report }))
    }

    /// The turns of conversation `c` as a reader sees them.
    pub(super) fn past(&mut self, gateway: &Gateway) -> Vec<PastTurn> {
        let effects = self.handle(Input::ConversationAsked { request: RequestId(0), place: place(gateway, "c") });
        effects
            .into_iter()
            .find_map(|effect| if let Effect::AnswerConversation { response, .. } = effect { Some(response.turns) } else { None })
            .unwrap()
    }

    pub(super) fn outcomes(&mut self, gateway: &Gateway) -> Vec<(Outcome, String)> {
        self.past(gateway).into_iter().map(|turn| (turn.outcome(), turn.answer)).collect()
    }

    pub(super) fn state(&self) -> &State {
        &self.core.state
    }
}

// === what was done ===

/// The one answer to a request to accept.
pub(super) fn answer(effects: &[Effect]) -> Answer {
    let answers: Vec<_> = effects.iter().filter_map(response).collect();
    assert_eq!(answers.len(), 1, "{effects:?}");
    answers[0].answer.clone().unwrap()
}

fn response(effect: &Effect) -> Option<&AcceptMessageResponse> {
    if let Effect::Answer { response, .. } = effect { Some(response) } else { None }
}

/// In one word, how a request to accept was answered.
pub(super) fn verdict(effects: &[Effect]) -> String {
    match answer(effects) {
        Answer::Accepted(_) => "accepted".into(),
        Answer::AlreadyAccepted(_) => "already accepted".into(),
        Answer::Rejected(rejected) => rejected.reason().as_str_name().trim_start_matches("REJECTION_REASON_").to_lowercase(),
        Answer::RetryAfter(_) => "retry after".into(),
    }
}

/// Vendor calls, as (turn, attempt, last message of the prompt).
pub(super) fn calls(effects: &[Effect]) -> Vec<(TurnId, u32, String)> {
    let call = |effect: &Effect| match effect {
        Effect::CallVendor { turn, attempt, prompt: Prompt { messages, .. } } => Some((*turn, *attempt, messages.last()?.text.clone())),
        _ => None,
    };
    effects.iter().filter_map(call).collect()
}

/// Turns that were begun: memory is asked for each.
pub(super) fn begun(effects: &[Effect]) -> Vec<TurnId> {
    effects.iter().filter_map(|effect| if let Effect::Recall { turn, .. } = effect { Some(*turn) } else { None }).collect()
}

pub(super) fn cancelled(effects: &[Effect]) -> Vec<(TurnId, u32)> {
    let cancel = |effect: &Effect| if let Effect::CancelVendor { turn, attempt } = effect { Some((*turn, *attempt)) } else { None };
    effects.iter().filter_map(cancel).collect()
}

/// Publications, as (first byte, label).
pub(super) fn published(effects: &[Effect]) -> Vec<(u64, bool)> {
    let publication = |effect: &Effect| match effect {
        Effect::PublishOutbound { outbound, .. } => Some((outbound.from_byte, outbound.maybe_sent)),
        _ => None,
    };
    effects.iter().filter_map(publication).collect()
}

pub(super) fn remembered(effects: &[Effect]) -> Vec<String> {
    effects.iter().filter_map(|effect| if let Effect::Remember { turn, .. } = effect { Some(turn.turn_id.clone()) } else { None }).collect()
}

pub(super) fn hello_asked(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::AskHello { .. })).count()
}

/// In one word, how a report was answered.
pub(super) fn delivery_verdict(effects: &[Effect]) -> String {
    let responses: Vec<Option<&ReportDeliveryResponse>> = effects
        .iter()
        .filter_map(|effect| if let Effect::AnswerDelivery { response, .. } = effect { Some(response.as_ref()) } else { None })
        .collect();
    assert_eq!(responses.len(), 1, "{effects:?}");
    match responses[0].map(|response| response.answer.as_ref().unwrap()) {
        Some(DeliveryAnswer::Granted(granted)) if granted.maybe_sent => format!("granted from {} with a label", granted.from_byte),
        Some(DeliveryAnswer::Granted(granted)) => format!("granted from {}", granted.from_byte),
        Some(DeliveryAnswer::Noted(_)) => "noted".into(),
        Some(DeliveryAnswer::NotYours(_)) => "not yours".into(),
        None => "invalid".into(),
    }
}

pub(super) fn sent(from_byte: u64, to_byte: u64) -> Report {
    Report::Sent { from_byte, to_byte, platform_message_ids: vec!["1".into()], last: false }
}

pub(super) fn notifications(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Notify(_))).count()
}

pub(super) fn notice(effects: &[Effect]) -> String {
    match answer(effects) {
        Answer::Accepted(accepted) => accepted.notice,
        other => panic!("not accepted: {other:?}"),
    }
}
