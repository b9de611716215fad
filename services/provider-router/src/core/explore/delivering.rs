//! Delivering, explored: one outbound of two parts, the gateway as in the contract's own model.
//!
//! Every message may be lost, repeated and late: requests stay in the network, answers too as long as somebody waits for them.
//! The gateway's memory dies, an old one wakes beside a new one, the router is killed, the power goes, a send ends without an
//! answer. Damage: a part stands twice without a label.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use argentum_proto::{
    channel::v1::{AcceptMessageRequest, Question, Sender, accept_message_request::Content},
    provider::v1::Settlement,
};

use super::{
    World,
    gateway::{Ask, Gateway, GatewayRule, PARTS, Phase, Verdict, account, incarnation, turn, verdict},
    router::{DriverRule, Router},
};
use crate::core::{Config, Effect, Input, Origin, Price, RequestId, Rule, VendorEvent};

/// Copies of one part; bounds the space.
const COPIES_MAX: u8 = 3;

#[derive(Clone)]
pub(super) struct Delivering {
    router: Router,
    left_out: Option<GatewayRule>,
    /// The last is current; an earlier one woke late.
    gateways: Vec<Gateway>,
    next_incarnation: u8,
    is_published: bool,
    is_hello_asked: bool,
    asks: BTreeSet<Ask>,
    /// The answer to the last try of each open request; those to earlier tries are void.
    answers: BTreeMap<Ask, Verdict>,
    plain: [u8; PARTS],
    labelled: [u8; PARTS],
    is_invalid: bool,
    faults: u8,
}

/// Up to the published answer nothing goes wrong here.
pub(super) fn world(faults: u8, rules: (Option<Rule>, Option<DriverRule>, Option<GatewayRule>)) -> Delivering {
    let config = Config { left_out: rules.0, ..Config::new("", Price::default()) };
    let mut router = Router::new(config, rules.1);
    let request = AcceptMessageRequest {
        platform_conversation_id: "c".into(),
        platform_message_id: "1".into(),
        sender: Some(Sender { platform_id: "ada".into(), display_name: String::new() }),
        platform_time_ms: 1,
        content: Some(Content::Question(Question { text: "why?".into(), ..Question::default() })),
        ..AcceptMessageRequest::default()
    };
    let origin = Origin { request: RequestId(0), gateway: account(), turn: turn(), traceparent: String::new() };
    router.handle(Input::inbound(origin, request).unwrap());
    router.handle(Input::Hello { gateway: account(), incarnation: incarnation(1) });
    router.handle(Input::RecallFailed { turn: turn() });
    for event in [VendorEvent::Delta("x".repeat(PARTS * 2)), VendorEvent::Completed(Settlement::default())] {
        router.handle(Input::Vendor { turn: turn(), attempt: 1, event });
    }
    router.handle(Input::Remembered { turn: turn() });
    router.sync();
    let mut world = Delivering {
        router,
        left_out: rules.2,
        gateways: vec![Gateway { has_said_hello: true, ..Gateway::new(1) }],
        next_incarnation: 2,
        is_published: false,
        is_hello_asked: false,
        asks: BTreeSet::new(),
        answers: BTreeMap::new(),
        plain: [0; PARTS],
        labelled: [0; PARTS],
        is_invalid: false,
        faults,
    };
    world.carry();
    world
}

// === impl Delivering ===

impl Delivering {
    fn keeps(&self, rule: GatewayRule) -> bool {
        self.left_out != Some(rule)
    }

    fn open_asks(&self) -> Vec<Ask> {
        self.gateways.iter().filter_map(|gateway| gateway.open_ask()).collect()
    }

    /// Brings what left the router into the network.
    fn carry(&mut self) {
        for effect in self.router.released() {
            match effect {
                Effect::PublishOutbound { .. } => self.is_published = true,
                Effect::AskHello { .. } => self.is_hello_asked = true,
                Effect::AnswerDelivery { request, response } => {
                    let ask = Ask::from_number(request.0);
                    let is_open = self.gateways.iter().any(|gateway| gateway.open_ask() == Some(ask));
                    match response.and_then(|response| response.answer) {
                        Some(answer) if is_open => _ = self.answers.insert(ask, verdict(answer)),
                        Some(_) => {}
                        None => self.is_invalid = true,
                    }
                }
                _ => {}
            }
        }
    }

    fn with_router(&self, step: impl FnOnce(&mut Router)) -> Self {
        let mut next = self.clone();
        step(&mut next.router);
        let open = next.open_asks();
        let (is_published, is_hello_asked) = (next.is_published, next.is_hello_asked);
        // What the network has already, or nobody waits for, says nothing new.
        next.router.forget(|effect| match effect {
            Effect::PublishOutbound { .. } => is_published,
            Effect::AskHello { .. } => is_hello_asked,
            Effect::AnswerDelivery { request, .. } => !open.contains(&Ask::from_number(request.0)),
            _ => true,
        });
        next.carry();
        next
    }

    /// What a gateway does next; answers to the request that it had open are void from then on.
    fn with_gateway(&self, index: usize, gateway: Gateway) -> Self {
        let mut next = self.clone();
        let closed = next.gateways[index].open_ask().filter(|ask| gateway.open_ask() != Some(*ask));
        next.gateways[index] = gateway;
        let still_open = next.open_asks();
        next.void(|ask| closed == Some(ask) && !still_open.contains(&ask));
        next
    }

    fn void(&mut self, is_void: impl Fn(Ask) -> bool) {
        self.answers.retain(|ask, _| !is_void(*ask));
        self.router.forget(|effect| matches!(effect, Effect::AnswerDelivery { request, .. } if is_void(Ask::from_number(request.0))));
    }

    fn router_steps(&self, steps: &mut Vec<(&'static str, Self)>) {
        if !self.router.disk.is_settled() {
            steps.push(("router: sync", self.with_router(Router::sync)));
        }
        for ask in &self.asks {
            let name = match ask {
                Ask::Taken { .. } => "router: hears Taken",
                Ask::Sent { .. } => "router: hears Sent",
                Ask::Unknown { .. } => "router: hears Unknown",
            };
            steps.push((name, self.with_router(|router| _ = router.handle(ask.to_input()))));
        }
    }

    fn gateway_steps(&self, steps: &mut Vec<(&'static str, Self)>) {
        let last = self.gateways.len() - 1;
        let current = self.gateways[last];
        let name = incarnation(current.incarnation);
        if !current.has_said_hello {
            let input = Input::Hello { gateway: account(), incarnation: name.clone() };
            let mut next = self.with_router(|router| _ = router.handle(input));
            next.gateways[last].has_said_hello = true;
            steps.push(("gateway: says hello", next));
        }
        if self.is_hello_asked {
            let input = Input::HelloAnswered { gateway: account(), incarnation: name };
            let mut next = self.with_router(|router| _ = router.handle(input));
            next.is_hello_asked = false;
            steps.push(("gateway: answers who lives", next));
        }
        for (index, gateway) in self.gateways.iter().enumerate() {
            self.steps_of((index, *gateway), steps);
        }
    }

    fn steps_of(&self, (index, gateway): (usize, Gateway), steps: &mut Vec<(&'static str, Self)>) {
        for (ask, verdict) in &self.answers {
            if gateway.open_ask() == Some(*ask) {
                let name = match verdict {
                    Verdict::Granted { .. } => "gateway: is granted",
                    Verdict::Noted => "gateway: receipt is noted",
                    Verdict::NotYours => "gateway: is told not yours",
                };
                steps.push((name, self.with_gateway(index, gateway.answered(*verdict))));
            }
        }
        match gateway.phase {
            Phase::Idle if self.is_published => {
                let eager = Gateway { phase: Phase::Ready, ..gateway };
                let asked = Gateway { phase: Phase::Asked, ..gateway };
                let mut next = self.with_gateway(index, if self.keeps(GatewayRule::NothingBeforeTaken) { asked } else { eager });
                next.asks.insert(Ask::Taken { incarnation: gateway.incarnation });
                steps.push(("gateway: asks Taken", next));
            }
            Phase::Ready if self.plain[gateway.part] + self.labelled[gateway.part] < COPIES_MAX => self.send((index, gateway), steps),
            _ => {}
        }
    }

    fn send(&self, (index, gateway): (usize, Gateway), steps: &mut Vec<(&'static str, Self)>) {
        let Gateway { incarnation, part, .. } = gateway;
        let after = |gateway: Gateway, is_stored: bool, ask: Option<Ask>, fault: u8| {
            let mut next = self.with_gateway(index, gateway);
            let copies = if gateway.label { &mut next.labelled } else { &mut next.plain };
            copies[part] += u8::from(is_stored);
            next.asks.extend(ask);
            next.faults -= fault;
            next
        };
        let sent = Gateway { phase: Phase::Sent, ..gateway };
        steps.push(("gateway: sends", after(sent, true, Some(Ask::Sent { incarnation, part }), 0)));
        if !self.keeps(GatewayRule::NoPartBeforeReceipt) && part + 1 < PARTS {
            let mut next = after(gateway, true, None, 0);
            next.gateways[index] = Gateway { part: part + 1, label: false, ..gateway };
            steps.push(("gateway: sends and goes on", next));
        }
        if self.faults > 0 {
            let is_told = self.keeps(GatewayRule::NoAnswerIsUnknown);
            let unsure = Gateway { phase: if is_told { Phase::Unknown } else { Phase::Ready }, ..gateway };
            let ask = is_told.then_some(Ask::Unknown { incarnation, part });
            steps.push(("fault: stored, no answer", after(unsure, true, ask, 1)));
            steps.push(("fault: not stored, no answer", after(unsure, false, ask, 1)));
        }
    }

    fn fault_steps(&self, steps: &mut Vec<(&'static str, Self)>) {
        let mut faulty = self.clone();
        faulty.faults -= 1;
        let is_new = self.keeps(GatewayRule::NewMemoryNewIncarnation);
        let fresh = Gateway::new(if is_new { self.next_incarnation } else { self.gateways[self.gateways.len() - 1].incarnation });
        faulty.next_incarnation += 1;
        steps.push(("fault: the gateway's memory dies", faulty.clone().with_gateways(vec![fresh])));
        if let [paused] = self.gateways[..] {
            steps.push(("fault: the gateway pauses, a new one starts", faulty.clone().with_gateways(vec![paused, fresh])));
        }
        let mut off = faulty.clone();
        off.router.cut_power();
        off.asks.clear();
        off.is_published = false;
        steps.push(("fault: power cut", off.with_gateways(vec![fresh]).without_hello()));
        faulty.next_incarnation -= 1;
        faulty.router.kill();
        steps.push(("fault: router killed", faulty.without_hello()));
    }

    fn with_gateways(mut self, gateways: Vec<Gateway>) -> Self {
        self.gateways = gateways;
        let open = self.open_asks();
        self.void(|ask| !open.contains(&ask));
        self
    }

    /// A router that was started anew waits for no answer to the old one's question.
    fn without_hello(mut self) -> Self {
        self.is_hello_asked = false;
        self.carry();
        self
    }
}

impl World for Delivering {
    fn steps(&self) -> Vec<(&'static str, Self)> {
        let mut steps = Vec::new();
        self.router_steps(&mut steps);
        self.gateway_steps(&mut steps);
        if self.faults > 0 {
            self.fault_steps(&mut steps);
        }
        steps
    }

    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.router.fingerprint().hash(&mut hasher);
        (&self.gateways, self.next_incarnation, self.is_published, self.is_hello_asked).hash(&mut hasher);
        (&self.asks, &self.answers, self.plain, self.labelled, self.is_invalid, self.faults).hash(&mut hasher);
        hasher.finish()
    }

    fn damage(&self) -> Option<String> {
        let doubled = self.plain.iter().position(|copies| 1 < *copies).map(|part| format!("part {part} stands twice without a label"));
        let invalid = (self.is_invalid && self.left_out.is_none())
            .then(|| "a gateway that keeps the rules was told that its report is invalid".to_owned());
        doubled.or(invalid)
    }

    fn is_finished(&self) -> bool {
        let is_closed = self.router.survivor().state.turn(turn()).is_none_or(|turn| turn.delivery().is_none());
        let stands = (0..PARTS).all(|part| 0 < self.plain[part] + self.labelled[part]);
        is_closed && stands
    }

    fn is_cut_off(&self) -> bool {
        (0..PARTS).any(|part| COPIES_MAX <= self.plain[part] + self.labelled[part])
    }
}
