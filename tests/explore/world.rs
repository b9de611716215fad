//! Both cores, the network between them and the platform behind them, and everything that may happen to them.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    rc::Rc,
};

use argentum_channel_gateway::outbox::{self, Split};
use argentum_provider_router::core::{
    Effect, Input, RequestId, Rule,
    explore::{DriverRule, Router, World},
};

use crate::{
    gateway::Gateway,
    network::{Ask, Asker, Network, Verdict},
    platform::Platform,
    router::{account, with_answer},
};

/// A life of the gateway's memory has a name that no other has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct NewMemoryNewIncarnation;

/// What an exploration is about.
#[derive(Clone, Copy)]
pub(crate) struct Scope {
    /// A second gateway lives beside the first from the beginning, so that no fault is spent on it.
    pub(crate) has_two: bool,
    pub(crate) faults: u8,
    pub(crate) split: Split,
    /// Answers to earlier requests come, too.
    pub(crate) keeps_late: bool,
    pub(crate) without: Option<Rule>,
    pub(crate) driver_without: Option<DriverRule>,
    pub(crate) outbox_without: Option<outbox::Rule>,
    pub(crate) gateway_without: Option<NewMemoryNewIncarnation>,
}

/// One outbound of two parts on its way.
#[derive(Clone)]
pub(crate) struct Joint {
    pub(crate) scope: Rc<Scope>,
    pub(crate) router: Router,
    /// The last is current; an earlier one woke late.
    pub(crate) gateways: Vec<Rc<Gateway>>,
    pub(crate) network: Network,
    pub(crate) platform: Platform,
    pub(crate) next_life: u8,
    pub(crate) faults: u8,
    pub(crate) is_invalid: bool,
}

fn is_heard(gateways: &[Rc<Gateway>], scope: &Scope, asker: Asker) -> bool {
    let lives = gateways.iter().any(|gateway| gateway.life == asker.life);
    lives && (asker.is_open || scope.keeps_late)
}

// === impl Scope ===

impl Scope {
    fn keeps_all(&self) -> bool {
        let both_keep = self.without.is_none() && self.outbox_without.is_none();
        both_keep && self.driver_without.is_none() && self.gateway_without.is_none()
    }
}

// === impl Joint ===

impl Joint {
    pub(crate) fn new(scope: Scope) -> Self {
        let mut first = Gateway::new(1, 1, scope.split, scope.outbox_without);
        first.has_said_hello = true;
        let mut world = Self {
            router: with_answer(scope.without, scope.driver_without),
            gateways: vec![Rc::new(first)],
            network: Network::default(),
            platform: Platform::default(),
            next_life: 2,
            faults: scope.faults,
            is_invalid: false,
            scope: Rc::new(scope),
        };
        if scope.has_two {
            let second = world.fresh();
            world.gateways.push(second);
        }
        world.carry();
        world
    }

    /// Brings what left the router into the network.
    pub(crate) fn carry(&mut self) {
        for effect in self.router.released() {
            match effect {
                Effect::PublishOutbound { outbound, .. } => self.network.offer = Some(Rc::new(outbound)),
                Effect::AskHello { .. } => self.network.is_hello_asked = true,
                Effect::AnswerDelivery { request, response } => {
                    let asker = Asker::from_number(request.0);
                    match response.and_then(|response| response.answer) {
                        Some(answer) if is_heard(&self.gateways, &self.scope, asker) => {
                            self.network.answer(asker, Verdict::of(&answer), self.scope.keeps_late);
                        }
                        Some(_) => {}
                        None => self.is_invalid |= is_heard(&self.gateways, &self.scope, asker),
                    }
                }
                _ => {}
            }
        }
    }

    /// Something happens to the router. What waits at its gate and would say nothing new is dropped.
    pub(crate) fn with_router(&self, step: impl FnOnce(&mut Router)) -> Self {
        let mut next = self.clone();
        step(&mut next.router);
        next.router.forget_counts();
        next.carry();
        next.drop_void();
        next
    }

    fn drop_void(&mut self) {
        let Self { router, network, gateways, scope, .. } = self;
        router.forget(|effect| match effect {
            Effect::PublishOutbound { .. } => network.offer.is_some(),
            Effect::AskHello { .. } => network.is_hello_asked,
            Effect::AnswerDelivery { request, .. } => !is_heard(gateways, scope, Asker::from_number(request.0)),
            _ => true,
        });
    }

    pub(crate) fn with_input(&self, input: Input) -> Self {
        self.with_router(|router| _ = router.handle(input))
    }

    pub(crate) fn with_ask(&self, ask: Ask) -> Self {
        let input = Input::delivery(RequestId(ask.asker.to_number()), account(), ask.to_wire()).unwrap();
        self.with_input(input)
    }

    /// Something happens to a gateway. What it asks is on its way then; its request before is no longer open.
    pub(crate) fn with_gateway(&self, index: usize, step: impl FnOnce(&mut Gateway) -> Option<Ask>, closes: bool) -> Self {
        let mut next = self.clone();
        let gateway = Rc::make_mut(&mut next.gateways[index]);
        let (life, keeps_late) = (gateway.life, self.scope.keeps_late);
        let ask = step(gateway);
        if closes || ask.is_some() {
            next.network.close(life, keeps_late);
            let is_void = |effect: &Effect| matches!(effect, Effect::AnswerDelivery { request, .. } if Asker::from_number(request.0) == Asker { life, is_open: true });
            next.router.forget(is_void);
        }
        if let Some(ask) = ask {
            next.network.ask(ask, keeps_late);
        }
        next
    }

    /// These live from now on, and no other.
    pub(crate) fn with_gateways(mut self, gateways: Vec<Rc<Gateway>>) -> Self {
        let dead: Vec<u8> = self.gateways.iter().map(|gateway| gateway.life).collect();
        self.gateways = gateways;
        for life in dead {
            if !self.gateways.iter().any(|gateway| gateway.life == life) {
                self.network.close(life, false);
            }
        }
        self.drop_void();
        self
    }

    /// The next life of the gateway's memory.
    pub(crate) fn fresh(&mut self) -> Rc<Gateway> {
        let life = self.next_life;
        self.next_life += 1;
        let last = self.gateways[self.gateways.len() - 1].incarnation;
        let name = if self.scope.gateway_without.is_none() { life } else { last };
        Rc::new(Gateway::new(life, name, self.scope.split, self.scope.outbox_without))
    }

    /// What an offer says beside its text matters only to one who does not wait for the grant.
    fn offer_print(&self) -> Option<Option<(u64, bool)>> {
        let is_believed = self.scope.outbox_without == Some(outbox::Rule::NothingBeforeTaken);
        self.network.offer.as_ref().map(|offer| is_believed.then_some((offer.from_byte, offer.maybe_sent)))
    }
}

impl World for Joint {
    fn steps(&self) -> Vec<(&'static str, Self)> {
        crate::steps::of(self)
    }

    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.router.fingerprint_unordered().hash(&mut hasher);
        self.gateways.iter().for_each(|gateway| gateway.fingerprint().hash(&mut hasher));
        let Network { is_hello_asked, asks, answers, .. } = &self.network;
        (is_hello_asked, self.offer_print(), asks, answers).hash(&mut hasher);
        (&self.platform, self.next_life, self.faults, self.is_invalid).hash(&mut hasher);
        hasher.finish()
    }

    fn damage(&self) -> Option<String> {
        let doubled = self.platform.doubled().map(|byte| format!("byte {byte} stands twice without a label"));
        doubled.or_else(|| (self.is_invalid && self.scope.keeps_all()).then(|| "a gateway was told that its report is invalid".to_owned()))
    }

    fn is_finished(&self) -> bool {
        self.router.survivor().open_turns() == 0 && self.platform.is_whole()
    }

    fn is_cut_off(&self) -> bool {
        self.platform.is_full()
    }
}
