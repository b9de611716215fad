//! Accepting and running, explored: a platform with a cumulative cursor hands out messages again and again until it has passed
//! them; one page presses Stop.
//!
//! Requests are lost, repeated and late; gateway and router are killed, the power goes, the vendor fails; keys are purged,
//! checkpoints written, the journal freed. Damage: a message makes two turns, what was acknowledged would not survive, the
//! vendor is asked again for what has its outcome or was stopped, two turns of a conversation are with the vendor at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use argentum_proto::{
    channel::v1::{AcceptMessageRequest, Outcome, PastTurn, Question, Sender, StatusCommand, accept_message_request::Content},
    ids::{ConversationId, Gateway as Account, TurnId},
    provider::v1::Settlement,
};
use ulid::Ulid;

use super::{
    World,
    router::{DriverRule, Router},
};
use crate::core::{Config, Core, Effect, FailureClass, Input, Limits, Origin, Place, Price, RequestId, Rule, VendorEvent, VendorFailure};

/// The request of the page; those of messages have the message's number.
const STOP: RequestId = RequestId(99);
/// Longer than keys are known.
const LONG_MS: u64 = 100_000;

/// What an exploration is about.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    messages: usize,
    is_one_conversation: bool,
    /// Memory and vendor answer as soon as they are asked.
    is_quick: bool,
    has_checkpoints: bool,
    has_stop: bool,
    /// The second message is a command that makes no turn.
    has_command: bool,
    faults: u8,
}

pub(super) const KEYS: Scope =
    Scope { messages: 2, is_one_conversation: false, is_quick: true, has_checkpoints: true, has_stop: false, has_command: true, faults: 3 };
pub(super) const TURN: Scope = Scope {
    messages: 1,
    is_one_conversation: true,
    is_quick: false,
    has_checkpoints: false,
    has_stop: true,
    has_command: false,
    faults: 3,
};
pub(super) const QUEUE: Scope = Scope {
    messages: 2,
    is_one_conversation: true,
    is_quick: false,
    has_checkpoints: false,
    has_stop: false,
    has_command: false,
    faults: 2,
};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct CursorIsContiguous;

#[derive(Clone)]
pub(super) struct Accepting {
    router: Router,
    scope: Scope,
    left_out: Option<CursorIsContiguous>,
    /// The platform hands out messages from here on.
    cursor: usize,
    /// Final answers that the gateway holds in memory.
    answered: BTreeSet<usize>,
    /// Requests on their way, never removed.
    asks: BTreeSet<usize>,
    answers: BTreeSet<usize>,
    recalls: BTreeSet<TurnId>,
    /// Vendor calls that are open, and whether the answer has begun.
    calls: BTreeMap<TurnId, (u32, bool)>,
    /// Failed attempts of which a piece is still on its way.
    late: BTreeSet<(TurnId, u32)>,
    remembers: BTreeSet<TurnId>,
    is_stop_asked: bool,
    /// The turn that an answered Stop named.
    stopped: Option<TurnId>,
    /// Turns made of each message, as written and as synced.
    made: Vec<u8>,
    made_synced: Vec<u8>,
    has_time_passed: bool,
    wrong: Option<&'static str>,
    faults: u8,
}

fn account() -> Account {
    Account::parse("web").unwrap()
}

fn turn(message: usize) -> TurnId {
    TurnId::new(Ulid(message as u128))
}

fn message_of(turn: TurnId) -> usize {
    usize::try_from(turn.bits()).unwrap()
}

pub(super) fn world(scope: Scope, rules: (Option<Rule>, Option<DriverRule>), left_out: Option<CursorIsContiguous>) -> Accepting {
    let mut config = Config { left_out: rules.0, ..Config::new("", Price::default()) };
    config.delivered_by_tail.insert(account());
    // Only what a step lets happen happens, except that a vendor that failed is asked again at once.
    let never = u64::MAX;
    config.limits = Limits {
        retry_min_ms: 0,
        turn_deadline_ms: never,
        recall_ms: never,
        keys_ms: LONG_MS / 2,
        housekeeping_ms: LONG_MS,
        ..config.limits
    };
    let router = Router::new(config, rules.1);
    Accepting {
        router,
        scope,
        left_out,
        cursor: 0,
        answered: BTreeSet::new(),
        asks: BTreeSet::new(),
        answers: BTreeSet::new(),
        recalls: BTreeSet::new(),
        calls: BTreeMap::new(),
        late: BTreeSet::new(),
        remembers: BTreeSet::new(),
        is_stop_asked: false,
        stopped: None,
        made: vec![0; scope.messages],
        made_synced: vec![0; scope.messages],
        has_time_passed: false,
        wrong: None,
        faults: scope.faults,
    }
}

/// Whether a core has the outcome of a message.
fn outcome(core: &Core, place: &Place, message: usize) -> Option<Outcome> {
    let turns = core.state.conversation(place)?.tail().turns();
    turns.iter().find(|past| past.turn_id == turn(message).to_string()).map(PastTurn::outcome)
}

// === impl Accepting ===

impl Accepting {
    fn place(&self, message: usize) -> Place {
        let conversation = if self.scope.is_one_conversation { "c".to_owned() } else { format!("c{message}") };
        Place { gateway: account(), conversation: ConversationId::parse(conversation).unwrap() }
    }

    fn is_command(&self, message: usize) -> bool {
        self.scope.has_command && message == 1
    }

    fn inbound(&self, message: usize) -> Input {
        let question = Content::Question(Question { text: "why?".into(), ..Question::default() });
        let request = AcceptMessageRequest {
            platform_conversation_id: self.place(message).conversation.to_string(),
            platform_message_id: message.to_string(),
            sender: Some(Sender { platform_id: message.to_string(), display_name: String::new() }),
            platform_time_ms: message as u64 + 1,
            content: Some(if self.is_command(message) { Content::Status(StatusCommand {}) } else { question }),
            ..AcceptMessageRequest::default()
        };
        let origin = Origin { request: RequestId(message as u64), gateway: account(), turn: turn(message), traceparent: String::new() };
        Input::inbound(origin, request).unwrap()
    }

    fn with(&self, step: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        step(&mut next);
        next.carry();
        next
    }

    fn handle(&mut self, input: Input) {
        _ = self.router.handle(input);
        self.carry();
    }

    /// Brings what left the router to those it is for.
    fn carry(&mut self) {
        for effect in self.router.released() {
            match effect {
                Effect::Answer { request, .. } => _ = self.answers.insert(usize::try_from(request.0).unwrap()),
                Effect::Recall { turn, .. } if self.scope.is_quick => self.handle(Input::RecallFailed { turn }),
                Effect::Recall { turn, .. } => _ = self.recalls.insert(turn),
                Effect::CallVendor { turn, attempt, .. } => self.call(turn, attempt),
                Effect::CancelVendor { turn, .. } => _ = self.calls.remove(&turn),
                Effect::Remember { turn, .. } => {
                    let turn = turn.turn_id.parse().unwrap();
                    self.remembers.insert(turn);
                    if self.scope.is_quick {
                        self.remember(turn);
                    }
                }
                Effect::AnswerStop { response, .. } => self.stopped = response.stopped_turn_id.parse().ok().or(self.stopped),
                _ => {}
            }
        }
    }

    fn call(&mut self, turn: TurnId, attempt: u32) {
        let message = message_of(turn);
        let is_same = |other: &&TurnId| self.place(message_of(**other)) == self.place(message);
        if outcome(self.router.survivor(), &self.place(message), message).is_some() {
            self.wrong = Some("the vendor was asked for a turn that has its outcome");
        } else if self.stopped == Some(turn) {
            self.wrong = Some("the vendor was asked for a turn that was stopped");
        } else if self.calls.keys().find(is_same).is_some() {
            self.wrong = Some("two turns of a conversation are with the vendor at a time");
        }
        self.calls.insert(turn, (attempt, false));
        if self.scope.is_quick {
            self.vendor_begins(turn);
            self.vendor_ends(turn);
        }
    }

    fn vendor_begins(&mut self, turn: TurnId) {
        let Some((attempt, has_begun)) = self.calls.get_mut(&turn) else { return };
        *has_begun = true;
        let input = Input::Vendor { turn, attempt: *attempt, event: VendorEvent::Delta("x".into()) };
        self.handle(input);
    }

    fn vendor_ends(&mut self, turn: TurnId) {
        if let Some((attempt, _)) = self.calls.remove(&turn) {
            self.handle(Input::Vendor { turn, attempt, event: VendorEvent::Completed(Settlement::default()) });
        }
    }

    fn vendor_fails(&mut self, turn: TurnId) {
        let Some((attempt, _)) = self.calls.remove(&turn) else { return };
        self.late.insert((turn, attempt));
        let failure = VendorFailure { class: FailureClass::Unreachable, is_retryable: true, retry_after_ms: None, settlement: None };
        self.handle(Input::Vendor { turn, attempt, event: VendorEvent::Failed(failure) });
    }

    fn remember(&mut self, turn: TurnId) {
        self.remembers.remove(&turn);
        self.handle(Input::Remembered { turn });
    }

    fn sync(&mut self) {
        self.router.sync();
        self.made_synced.clone_from(&self.made);
    }

    fn gateway_steps(&self, steps: &mut Vec<(&'static str, Self)>) {
        for message in self.cursor..self.scope.messages {
            if !self.answered.contains(&message) && !self.asks.contains(&message) {
                steps.push(("gateway: asks", self.with(|next| _ = next.asks.insert(message))));
            }
        }
        for message in self.answers.difference(&self.answered).copied() {
            steps.push(("gateway: is answered", self.with(|next| _ = next.answered.insert(message))));
        }
        let contiguous = (self.cursor..).find(|message| !self.answered.contains(message)).unwrap_or(self.cursor);
        let highest = self.answered.last().map_or(0, |message| message + 1);
        let reach = if self.left_out.is_none() { contiguous } else { highest };
        if self.cursor < reach {
            steps.push(("gateway: moves its cursor", self.with(|next| next.cursor = reach)));
        }
    }

    fn router_steps(&self, steps: &mut Vec<(&'static str, Self)>) {
        if !self.router.disk.is_settled() {
            steps.push(("router: syncs", self.with(Self::sync)));
        }
        for message in self.asks.iter().copied() {
            let hear = |next: &mut Self| next.made[message] += next.router.handle(next.inbound(message));
            steps.push(("router: hears a message", self.with(hear)));
        }
        let is_due = self.router.core.next_due_ms().is_some_and(|due_ms| due_ms <= self.router.now.monotonic_ms);
        if is_due {
            steps.push(("router: a timer is due", self.with(|next| next.handle(Input::Tick))));
        }
        if self.is_stop_asked {
            let input = Input::StopAsked { request: STOP, place: self.place(0), turn: None };
            steps.push(("router: hears Stop", self.with(|next| next.handle(input))));
        }
    }

    fn disk_steps(&self, steps: &mut Vec<(&'static str, Self)>) {
        if self.router.may_write_checkpoint() {
            steps.push(("disk: a checkpoint is written", self.with(|next| next.router.write_checkpoint())));
        }
        if !self.router.disk.is_checkpoint_settled() {
            steps.push(("disk: the checkpoint is synced", self.with(|next| next.router.sync_checkpoint())));
        }
        if self.router.may_free() {
            steps.push(("disk: the journal is freed", self.with(|next| next.router.free())));
        }
        // A key is purged a whole horizon later, when the cursor has long passed it.
        if 0 < self.cursor && !self.has_time_passed {
            let pass = |next: &mut Self| {
                next.has_time_passed = true;
                next.router.now.monotonic_ms += LONG_MS;
            };
            steps.push(("time passes", self.with(pass)));
        }
    }

    fn neighbour_steps(&self, steps: &mut Vec<(&'static str, Self)>) {
        for turn in self.recalls.iter().copied() {
            let recall = |next: &mut Self| {
                next.recalls.remove(&turn);
                next.handle(Input::RecallFailed { turn });
            };
            steps.push(("memory: recalls", self.with(recall)));
        }
        for turn in self.remembers.iter().copied() {
            steps.push(("memory: has a turn", self.with(|next| next.remember(turn))));
        }
        for (turn, (_, has_begun)) in self.calls.clone() {
            if has_begun {
                steps.push(("vendor: ends", self.with(|next| next.vendor_ends(turn))));
            } else {
                steps.push(("vendor: begins", self.with(|next| next.vendor_begins(turn))));
            }
            if self.faults > 0 {
                let fail = |next: &mut Self| {
                    next.faults -= 1;
                    next.vendor_fails(turn);
                };
                steps.push(("fault: the vendor fails", self.with(fail)));
            }
        }
        for (turn, attempt) in self.late.iter().copied() {
            let tell = |next: &mut Self| {
                next.late.remove(&(turn, attempt));
                next.handle(Input::Vendor { turn, attempt, event: VendorEvent::Delta("late".into()) });
            };
            steps.push(("vendor: a failed attempt tells a late piece", self.with(tell)));
        }
        if self.scope.has_stop && !self.is_stop_asked {
            steps.push(("page: asks to stop", self.with(|next| next.is_stop_asked = true)));
        }
    }

    fn fault_steps(&self, steps: &mut Vec<(&'static str, Self)>) {
        let kill_gateway = |next: &mut Self| {
            next.answered.clear();
            next.faults -= 1;
        };
        let kill_router = |next: &mut Self| {
            next.router.kill();
            next.forget();
        };
        let cut_power = |next: &mut Self| {
            next.router.cut_power();
            next.made.clone_from(&next.made_synced);
            next.asks.clear();
            next.answers.clear();
            next.answered.clear();
            next.is_stop_asked = false;
            next.forget();
        };
        steps.push(("fault: gateway killed", self.with(kill_gateway)));
        steps.push(("fault: router killed", self.with(kill_router)));
        steps.push(("fault: power cut", self.with(cut_power)));
    }

    /// What a router that is gone had asked for comes to nobody.
    fn forget(&mut self) {
        self.recalls.clear();
        self.calls.clear();
        self.late.clear();
        self.remembers.clear();
        self.faults -= 1;
    }

    /// What a power cut leaves still knows the key, or that it is purged, and has the turn.
    fn survives(&self, message: usize) -> bool {
        let core = self.router.survivor();
        let Input::Inbound(inbound) = self.inbound(message) else { return false };
        let keys = core.state.keys();
        let is_known = keys.get(inbound.key.digest()).is_some() || keys.is_too_old(&account(), inbound.platform_time_ms);
        is_known && (self.is_command(message) || core.state.turn(turn(message)).is_some() || self.is_done(message))
    }

    fn is_done(&self, message: usize) -> bool {
        self.is_command(message) || outcome(self.router.survivor(), &self.place(message), message).is_some()
    }
}

impl World for Accepting {
    fn steps(&self) -> Vec<(&'static str, Self)> {
        let mut steps = Vec::new();
        self.gateway_steps(&mut steps);
        self.router_steps(&mut steps);
        self.neighbour_steps(&mut steps);
        if self.scope.has_checkpoints {
            self.disk_steps(&mut steps);
        }
        if self.faults > 0 {
            self.fault_steps(&mut steps);
        }
        steps
    }

    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.router.fingerprint().hash(&mut hasher);
        (self.cursor, &self.answered, &self.asks, &self.answers, &self.recalls, &self.calls, &self.late, &self.remembers).hash(&mut hasher);
        (self.is_stop_asked, self.stopped, &self.made, &self.made_synced, self.has_time_passed, self.wrong).hash(&mut hasher);
        self.faults.hash(&mut hasher);
        hasher.finish()
    }

    fn damage(&self) -> Option<String> {
        let doubled = self.made.iter().position(|made| 1 < *made).map(|message| format!("message {message} made two turns"));
        let lost = (0..self.cursor).find(|message| !self.survives(*message));
        let is_stopped = |turn: TurnId| outcome(self.router.survivor(), &self.place(message_of(turn)), message_of(turn)).is_some();
        let restarted = self.stopped.filter(|turn| !is_stopped(*turn));
        let is_mixed = |message: &usize| {
            let conversation = self.router.survivor().state.conversation(&self.place(*message));
            conversation.is_some_and(|conversation| conversation.tail().turns().iter().any(|past| past.answer.contains("late")))
        };
        let mixed = (0..self.scope.messages).find(is_mixed);
        doubled
            .or(mixed.map(|message| format!("the answer to message {message} is mixed of two attempts")))
            .or(lost.map(|message| format!("message {message} was acknowledged, and a power cut now would lose it")))
            .or(restarted.map(|_| "a Stop was answered, and a power cut now would lose it".to_owned()))
            .or(self.wrong.map(str::to_owned))
            .or(self.router.is_unreadable.then(|| "what the disk holds cannot be read".to_owned()))
    }

    fn is_finished(&self) -> bool {
        self.cursor == self.scope.messages && (0..self.scope.messages).all(|message| self.is_done(message))
    }

    fn is_cut_off(&self) -> bool {
        false
    }
}
