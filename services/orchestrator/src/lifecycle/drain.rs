//! The order in which a bundle ends.
//!
//! The gateway stops receiving; the router finishes or parks; then gateway, router, memory and vault end, one after the other, so
//! that whoever still needs a neighbour has it. The bus ends last, with the orchestrator itself.

use argentum_bus::Credential;

use super::{Effect, child::Child};

/// How long each may take to bring its work to an end.
const QUIESCE_GATEWAY_MS: u32 = 3_000;
const QUIESCE_ROUTER_MS: u32 = 20_000;
/// How long a process may take to end before it is killed.
const STOP_MS: u64 = 3_000;
/// Patience beyond a child's own deadline.
const GRACE_MS: u64 = 500;

#[derive(Clone, Copy, Debug)]
enum Step {
    Quiesce(Credential, u32),
    Stop(Credential),
}

/// A drain under way.
#[derive(Debug)]
pub(super) struct Drain {
    /// Reversed: the last one is next.
    steps: Vec<Step>,
    /// The step under way, and when patience ends.
    current: Option<(Step, u64)>,
}

// === impl Drain ===

impl Drain {
    pub(super) fn of_bundle(children: &[Child]) -> Self {
        let quiesces = [(Credential::ChannelGateway, QUIESCE_GATEWAY_MS), (Credential::ProviderRouter, QUIESCE_ROUTER_MS)];
        let steps = quiesces.map(|(service, deadline_ms)| Step::Quiesce(service, deadline_ms)).into_iter();
        let mut steps: Vec<Step> = steps.chain(children.iter().map(|child| Step::Stop(child.service))).collect();
        steps.reverse();
        Self { steps, current: None }
    }

    pub(super) fn is_over(&self, children: &[Child]) -> bool {
        self.steps.is_empty() && self.current.is_none() && !children.iter().any(Child::is_running)
    }

    /// Goes as far as the state of the children and the clock allow.
    pub(super) fn advance(&mut self, children: &mut [Child], now_ms: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        loop {
            let Some((step, until_ms)) = self.current else {
                match self.steps.pop() {
                    Some(step) => effects.extend(self.begin(step, children, now_ms)),
                    None => return effects,
                }
                continue;
            };
            let is_late = until_ms <= now_ms;
            match (step, running(children, step)) {
                (_, None) => self.current = None,
                (Step::Quiesce(..), Some(child)) if child.is_quiesced || is_late => self.current = None,
                (Step::Stop(service), Some(_)) if is_late => {
                    self.current = Some((step, now_ms + STOP_MS));
                    effects.push(Effect::Kill { service });
                    effects.push(Effect::WakeAt(now_ms + STOP_MS));
                    return effects;
                }
                (_, Some(_)) => {
                    effects.push(Effect::WakeAt(until_ms));
                    return effects;
                }
            }
        }
    }

    fn begin(&mut self, step: Step, children: &mut [Child], now_ms: u64) -> Option<Effect> {
        let (service, effect, until_ms) = match step {
            Step::Quiesce(service, deadline_ms) => {
                (service, Effect::Quiesce { service, deadline_ms }, now_ms + u64::from(deadline_ms) + GRACE_MS)
            }
            Step::Stop(service) => (service, Effect::Stop { service }, now_ms + STOP_MS),
        };
        let child = children.iter_mut().find(|child| child.service == service && child.is_running())?;
        child.draining();
        self.current = Some((step, until_ms));
        Some(effect)
    }
}

fn running(children: &[Child], step: Step) -> Option<&Child> {
    let (Step::Quiesce(service, _) | Step::Stop(service)) = step;
    children.iter().find(|child| child.service == service && child.is_running())
}
