//! The life of the bundle as decisions without I/O: who is started, restarted, given up, drained, and in which order.
//!
//! [`Lifecycle`] is told what happened and answers with what to do. The actor that drives it owns every process, socket and timer.
//! Times are milliseconds on a monotonic clock.

mod child;
mod drain;

use argentum_bus::Credential;
use argentum_proto::control::v1::{BundleState, ServiceStatus};
use argentum_service::{Exit, Failure};

use child::{Child, Verdict};
use drain::Drain;

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// Start everything.
    Begin,
    Spawned {
        service: Credential,
        pid: u32,
    },
    SpawnFailed {
        service: Credential,
        text: String,
    },
    Ready {
        service: Credential,
    },
    Health {
        service: Credential,
        codes: Vec<String>,
    },
    Quiesced {
        service: Credential,
    },
    /// The child said why it is about to end.
    Failed {
        service: Credential,
        failure: Failure,
    },
    /// The child is gone and reaped; `exit` where its code is one of ours.
    Exited {
        service: Credential,
        exit: Option<Exit>,
        text: String,
    },
    /// End the bundle: drained at the first call, at once at the second.
    Stop,
    /// End one service, drained, and start it again.
    Restart {
        service: Credential,
    },
    Tick,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Spawn {
        service: Credential,
        restarts: u32,
    },
    Quiesce {
        service: Credential,
        deadline_ms: u32,
    },
    Stop {
        service: Credential,
    },
    Kill {
        service: Credential,
    },
    /// Come back with [`Input::Tick`] at this time.
    WakeAt(u64),
    /// Tell the state to whoever watches.
    Tell,
    /// Everything has ended.
    End(Result<(), Failure>),
}

/// The whole bundle.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    /// In the order in which they are drained.
    children: Vec<Child>,
    /// Every service was ready at the same time, once.
    was_ready: bool,
    draining: Option<Drain>,
    /// How the bundle ends, once it has begun to.
    outcome: Result<(), Failure>,
}

// === impl Lifecycle ===

impl Lifecycle {
    pub(crate) fn new(services: &[Credential]) -> Self {
        let children = services.iter().map(|service| Child::new(*service)).collect();
        Self { children, was_ready: false, draining: None, outcome: Ok(()) }
    }

    /// Takes note of `input` at `now_ms`. `entropy` is any random number: it spreads restarts in time.
    pub(crate) fn handle(&mut self, input: Input, now_ms: u64, entropy: u64) -> Vec<Effect> {
        let before = (self.state(), self.statuses());
        let mut effects = self.react(input, now_ms, entropy);
        effects.extend(self.due(now_ms));
        if (self.state(), self.statuses()) != before {
            effects.push(Effect::Tell);
        }
        effects
    }

    pub(crate) fn state(&self) -> BundleState {
        let is_ready = self.children.iter().all(Child::is_ready);
        match (&self.draining, &self.outcome) {
            (Some(_), Err(_)) => BundleState::Failed,
            (Some(_), Ok(())) => BundleState::Draining,
            (None, _) if is_ready => BundleState::Ready,
            (None, _) if self.was_ready => BundleState::Degraded,
            (None, _) => BundleState::Starting,
        }
    }

    pub(crate) fn statuses(&self) -> Vec<ServiceStatus> {
        self.children.iter().map(Child::status).collect()
    }

    fn react(&mut self, input: Input, now_ms: u64, entropy: u64) -> Vec<Effect> {
        match input {
            Input::Begin => self.children.iter_mut().map(|child| child.spawn(now_ms)).collect(),
            Input::Spawned { service, pid } => self.change(service, |child| child.spawned(pid)),
            Input::Ready { service } => {
                let effects = self.change(service, Child::ready);
                self.was_ready |= self.children.iter().all(Child::is_ready);
                effects
            }
            Input::Health { service, codes } => self.change(service, |child| child.health(codes)),
            Input::Quiesced { service } => self.change(service, Child::quiesced),
            Input::Failed { service, failure } => self.change(service, |child| child.told_why(failure)),
            Input::SpawnFailed { service, text } => self.ended(service, &Failure::new(Exit::Software, text), now_ms, entropy),
            Input::Exited { service, exit, text } => {
                let exit = exit.filter(|exit| *exit != Exit::Success).unwrap_or(Exit::Software);
                self.ended(service, &Failure::new(exit, text), now_ms, entropy)
            }
            Input::Stop if self.draining.is_some() => self.hurry(),
            Input::Stop => self.drain(),
            Input::Restart { service } => self.restart(service, now_ms),
            Input::Tick => Vec::new(),
        }
    }

    fn change(&mut self, service: Credential, change: impl FnOnce(&mut Child)) -> Vec<Effect> {
        if let Some(child) = self.children.iter_mut().find(|child| child.service == service) {
            change(child);
        }
        Vec::new()
    }

    fn ended(&mut self, service: Credential, end: &Failure, now_ms: u64, entropy: u64) -> Vec<Effect> {
        let is_ending = self.draining.is_some();
        let was_ready = self.was_ready;
        let Some(child) = self.children.iter_mut().find(|child| child.service == service) else { return Vec::new() };
        match child.ended(end, now_ms, entropy) {
            _ if is_ending => {
                child.stopped();
                Vec::new()
            }
            Verdict::GivenUp(failure) if !was_ready => {
                child.stopped_by(&failure);
                self.outcome = Err(failure);
                self.drain()
            }
            Verdict::Again | Verdict::GivenUp(_) => Vec::new(),
        }
    }

    fn drain(&mut self) -> Vec<Effect> {
        self.children.iter_mut().for_each(Child::forget_restart);
        self.draining = Some(Drain::of_bundle(&self.children));
        Vec::new()
    }

    /// Nobody waits any longer. Nothing is lost: what was acknowledged is on disk.
    fn hurry(&mut self) -> Vec<Effect> {
        self.children.iter().filter(|child| child.is_running()).map(|child| Effect::Kill { service: child.service }).collect()
    }

    fn restart(&mut self, service: Credential, now_ms: u64) -> Vec<Effect> {
        let Some(child) = self.children.iter_mut().find(|child| child.service == service) else { return Vec::new() };
        if self.draining.is_some() { Vec::new() } else { child.restart(now_ms) }
    }

    /// What is due by the clock or by what has just changed.
    fn due(&mut self, now_ms: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        for child in &mut self.children {
            effects.extend(child.due(now_ms));
        }
        if let Some(drain) = &mut self.draining {
            effects.extend(drain.advance(&mut self.children, now_ms));
            if drain.is_over(&self.children) {
                effects.push(Effect::End(self.outcome.clone()));
            }
        }
        effects
    }
}

/// The failure of a child: what it said, else how it ended.
fn failure_of(service: Credential, told: Option<Failure>, end: &Failure) -> Failure {
    let failure = told.unwrap_or_else(|| end.clone());
    Failure::new(failure.exit, format!("{service}: {}", failure.text))
}

#[cfg(test)]
mod tests;
