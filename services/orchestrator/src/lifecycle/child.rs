//! One service's process: started, ready, down, up again, given up.

use std::collections::VecDeque;

use argentum_bus::Credential;
use argentum_proto::control::v1::{ServiceState, ServiceStatus};
use argentum_service::{Exit, Failure};

use super::{Effect, failure_of};

/// No `ready` by then: the process is killed, which counts as a failure.
const READY_WITHIN_MS: u64 = 30_000;
/// A failure counts against a service for so long.
const WINDOW_MS: u64 = 60_000;
/// As many failures within the window are one too many.
const FAILURES_MAX: usize = 5;
/// Before the bundle was ready once there is less patience: somebody is waiting at the terminal.
const FIRST_FAILURES_MAX: usize = 3;
const BACKOFF_MIN_MS: u64 = 50;
const BACKOFF_MAX_MS: u64 = 10_000;
/// A service that was given up is tried again after so long.
const GIVEN_UP_MS: u64 = 300_000;
/// Time for a restart by the operator to drain, then to end.
const RESTART_QUIESCE_MS: u32 = 20_000;
const RESTART_STOP_MS: u64 = 5_000;

#[derive(Debug)]
pub(super) struct Child {
    pub(super) service: Credential,
    pid: u32,
    state: ServiceState,
    starts: u32,
    health: Vec<String>,
    /// Why it is not ready.
    text: String,
    /// What the process said before it ended.
    told: Option<Failure>,
    failures: VecDeque<u64>,
    was_ready: bool,
    pub(super) is_quiesced: bool,
    /// When to start it, kill it, or go on with its restart, by state.
    due_ms: Option<u64>,
    is_restarting: bool,
}

/// What follows from the end of a process.
#[derive(Debug)]
pub(super) enum Verdict {
    Again,
    GivenUp(Failure),
}

// === impl Child ===

impl Child {
    pub(super) fn new(service: Credential) -> Self {
        Self {
            service,
            pid: 0,
            state: ServiceState::Stopped,
            starts: 0,
            health: Vec::new(),
            text: String::new(),
            told: None,
            failures: VecDeque::new(),
            was_ready: false,
            is_quiesced: false,
            due_ms: None,
            is_restarting: false,
        }
    }

    pub(super) fn status(&self) -> ServiceStatus {
        ServiceStatus {
            name: self.service.token().to_owned(),
            pid: self.pid,
            state: self.state.into(),
            restarts: self.starts.saturating_sub(1),
            health: self.health.clone(),
            text: self.text.clone(),
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.state == ServiceState::Ready
    }

    /// A process exists, or is being made.
    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, ServiceState::Starting | ServiceState::Ready | ServiceState::Draining)
    }

    pub(super) fn spawn(&mut self, now_ms: u64) -> Effect {
        self.starts += 1;
        self.state = ServiceState::Starting;
        self.is_quiesced = false;
        self.is_restarting = false;
        self.told = None;
        self.due_ms = Some(now_ms + READY_WITHIN_MS);
        Effect::Spawn { service: self.service, restarts: self.starts - 1 }
    }

    pub(super) fn spawned(&mut self, pid: u32) {
        self.pid = pid;
    }

    pub(super) fn ready(&mut self) {
        if self.state == ServiceState::Starting {
            self.state = ServiceState::Ready;
            self.was_ready = true;
            self.due_ms = None;
            self.text.clear();
        }
    }

    pub(super) fn health(&mut self, codes: Vec<String>) {
        self.health = codes;
    }

    pub(super) fn quiesced(&mut self) {
        self.is_quiesced = true;
    }

    pub(super) fn told_why(&mut self, failure: Failure) {
        self.text.clone_from(&failure.text);
        self.told = Some(failure);
    }

    /// A drain of the bundle has begun for it.
    pub(super) fn draining(&mut self) {
        if self.is_running() {
            self.state = ServiceState::Draining;
            self.due_ms = None;
        }
    }

    /// Nothing is to be started any more.
    pub(super) fn forget_restart(&mut self) {
        self.is_restarting = false;
        if !self.is_running() {
            self.stopped();
        }
        self.due_ms = None;
    }

    pub(super) fn stopped(&mut self) {
        self.state = ServiceState::Stopped;
        self.due_ms = None;
    }

    pub(super) fn stopped_by(&mut self, failure: &Failure) {
        self.state = ServiceState::Failed;
        self.text.clone_from(&failure.text);
        self.due_ms = None;
    }

    /// The process is gone: when to try again, or whether to give up.
    pub(super) fn ended(&mut self, end: &Failure, now_ms: u64, entropy: u64) -> Verdict {
        self.pid = 0;
        self.health.clear();
        if self.is_restarting {
            self.state = ServiceState::Backoff;
            self.due_ms = Some(now_ms);
            return Verdict::Again;
        }
        let failure = failure_of(self.service, self.told.take(), end);
        // A fault of the configuration does not heal by itself.
        let is_hopeless = failure.exit == Exit::Config && !self.was_ready;
        self.text.clone_from(&failure.text);
        self.failures.retain(|at_ms| now_ms - at_ms < WINDOW_MS);
        self.failures.push_back(now_ms);
        let failures_max = if self.was_ready { FAILURES_MAX } else { FIRST_FAILURES_MAX };
        if is_hopeless || self.failures.len() >= failures_max {
            self.state = ServiceState::Failed;
            self.due_ms = Some(now_ms + GIVEN_UP_MS);
            return Verdict::GivenUp(failure);
        }
        self.state = ServiceState::Backoff;
        self.due_ms = Some(now_ms + backoff_ms(self.failures.len(), entropy));
        Verdict::Again
    }

    pub(super) fn restart(&mut self, now_ms: u64) -> Vec<Effect> {
        // Somebody has looked at it: it gets its patience back.
        self.failures.clear();
        if !self.is_running() {
            self.due_ms = Some(now_ms);
            return Vec::new();
        }
        self.is_restarting = true;
        self.state = ServiceState::Draining;
        self.due_ms = Some(now_ms + u64::from(RESTART_QUIESCE_MS));
        vec![Effect::Quiesce { service: self.service, deadline_ms: RESTART_QUIESCE_MS }]
    }

    /// What the clock calls for.
    pub(super) fn due(&mut self, now_ms: u64) -> Vec<Effect> {
        let service = self.service;
        if self.is_restarting && self.state == ServiceState::Draining && self.is_quiesced {
            self.is_quiesced = false;
            self.due_ms = Some(now_ms + RESTART_STOP_MS);
            return vec![Effect::Stop { service }, Effect::WakeAt(now_ms + RESTART_STOP_MS)];
        }
        let Some(due_ms) = self.due_ms else { return Vec::new() };
        if now_ms < due_ms {
            return vec![Effect::WakeAt(due_ms)];
        }
        self.due_ms = None;
        match self.state {
            ServiceState::Backoff | ServiceState::Failed | ServiceState::Stopped => {
                let spawn = self.spawn(now_ms);
                vec![spawn, Effect::WakeAt(now_ms + READY_WITHIN_MS)]
            }
            ServiceState::Starting => {
                self.told = Some(Failure::new(Exit::Unavailable, format!("not ready within {} s", READY_WITHIN_MS / 1000)));
                vec![Effect::Kill { service }]
            }
            _ => vec![Effect::Kill { service }],
        }
    }
}

/// The pause after so many failures in a row: doubling, half of it at random.
fn backoff_ms(failures: usize, entropy: u64) -> u64 {
    let exponent = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    let ceiling_ms = (BACKOFF_MIN_MS << exponent).min(BACKOFF_MAX_MS);
    ceiling_ms / 2 + entropy % (ceiling_ms / 2 + 1)
}
