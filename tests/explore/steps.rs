//! Every step that may come next.

use std::rc::Rc;

use argentum_channel_gateway::outbox::{Input as Told, Outcome};
use argentum_provider_router::core::{Input, explore::Router};

use crate::{
    gateway::Gateway,
    network::{Network, Said, Verdict},
    router::{account, incarnation},
    world::Joint,
};

type Steps = Vec<(&'static str, Joint)>;

pub(crate) fn of(world: &Joint) -> Steps {
    let mut steps = Vec::new();
    router_steps(world, &mut steps);
    hello_steps(world, &mut steps);
    for index in 0..world.gateways.len() {
        outbox_steps(world, index, &mut steps);
        platform_steps(world, index, &mut steps);
    }
    if world.faults > 0 {
        fault_steps(world, &mut steps);
    }
    steps
}

fn router_steps(world: &Joint, steps: &mut Steps) {
    if !world.router.disk.is_settled() {
        steps.push(("router: sync", world.with_router(Router::sync)));
    }
    for ask in &world.network.asks {
        let name = match ask.said {
            Said::Taken => "router: hears Taken",
            Said::Sent { .. } => "router: hears Sent",
            Said::Unknown { .. } => "router: hears Unknown",
        };
        steps.push((name, world.with_ask(*ask)));
    }
    if world.network.offer.is_none() || is_question_due(world) {
        steps.push(("router: repeats itself", world.with_router(Router::repeat)));
    }
}

/// Whether the router would ask who lives, because nobody takes what it offers.
fn is_question_due(world: &Joint) -> bool {
    let current = &world.gateways[world.gateways.len() - 1];
    let is_known = world.router.is_live(&account(), &incarnation(current.incarnation));
    current.has_said_hello && !is_known && !world.network.is_hello_asked
}

fn hello_steps(world: &Joint, steps: &mut Steps) {
    let last = world.gateways.len() - 1;
    let current = &world.gateways[last];
    let name = incarnation(current.incarnation);
    if !current.has_said_hello {
        let mut next = world.with_input(Input::Hello { gateway: account(), incarnation: name.clone() });
        Rc::make_mut(&mut next.gateways[last]).has_said_hello = true;
        steps.push(("gateway: says hello", next));
    }
    if world.network.is_hello_asked {
        let mut answered = world.clone();
        answered.network.is_hello_asked = false;
        let input = Input::HelloAnswered { gateway: account(), incarnation: name };
        steps.push(("gateway: answers who lives", answered.with_input(input)));
    }
}

fn outbox_steps(world: &Joint, index: usize, steps: &mut Steps) {
    if let Some(offer) = &world.network.offer {
        let offered = Told::Offered(offer.as_ref().clone());
        steps.push(("gateway: is offered", world.with_gateway(index, |gateway| gateway.tell(offered), false)));
    }
    let life = world.gateways[index].life;
    for (asker, verdict) in world.network.answers.iter().filter(|(asker, _)| asker.life == life) {
        let name = match (asker.is_open, verdict) {
            (false, _) => "gateway: hears a late answer",
            (true, Verdict::Granted { .. }) => "gateway: is granted",
            (true, Verdict::Noted) => "gateway: receipt is noted",
            (true, Verdict::NotYours) => "gateway: is told not yours",
        };
        steps.push((name, world.with_gateway(index, |gateway| gateway.hear(*asker, *verdict), asker.is_open)));
    }
    if world.gateways[index].is_waiting() {
        steps.push(("gateway: repeats itself", world.with_gateway(index, Gateway::wait, false)));
    }
}

fn platform_steps(world: &Joint, index: usize, steps: &mut Steps) {
    if world.platform.is_full() {
        return;
    }
    for (number, part) in world.gateways[index].parts.iter().enumerate() {
        let end = |outcome: Outcome| world.with_gateway(index, |gateway| gateway.end(number, outcome), false);
        let stored = |mut next: Joint| {
            next.platform.store(part);
            next
        };
        steps.push(("platform: takes a part", stored(end(Outcome::Sent { platform_message_ids: vec![] }))));
        if world.faults > 0 {
            let faulty = |next: Joint| Joint { faults: next.faults - 1, ..next };
            steps.push(("fault: stored, no answer", faulty(stored(end(Outcome::Unknown)))));
            steps.push(("fault: never left", faulty(end(Outcome::NeverLeft { retry_after_ms: None }))));
            steps.push(("fault: not stored, no answer", faulty(end(Outcome::Unknown))));
        }
    }
}

fn fault_steps(world: &Joint, steps: &mut Steps) {
    let killed = Joint { faults: world.faults - 1, ..world.clone() };
    steps.push(("fault: the network loses everything", Joint { network: Network::default(), ..killed.clone() }));
    for name in (1..world.gateways[world.gateways.len() - 1].incarnation).map(incarnation) {
        let late = killed.with_input(Input::Hello { gateway: account(), incarnation: name });
        steps.push(("fault: the hello of an old gateway comes late", late));
    }
    let mut replaced = killed.clone();
    let fresh = replaced.fresh();
    steps.push(("fault: the gateway's memory dies", replaced.clone().with_gateways(vec![Rc::clone(&fresh)])));
    if let [paused] = &world.gateways[..] {
        let both = vec![Rc::clone(paused), Rc::clone(&fresh)];
        steps.push(("fault: the gateway pauses, a new one starts", replaced.clone().with_gateways(both)));
    }
    let mut off = Joint { network: Network::default(), ..replaced.with_gateways(vec![fresh]) };
    off.router.cut_power();
    steps.push(("fault: power cut", without_question(off)));
    let mut killed = killed;
    killed.router.kill();
    steps.push(("fault: router killed", without_question(killed)));
}

/// A router that was started anew waits for no answer to the old one's question.
fn without_question(mut world: Joint) -> Joint {
    world.network.is_hello_asked = false;
    world.carry();
    world
}
