//! What one life of the process knows beside its durable state: runs, who lives, timers. Gone with the process.

use std::collections::{BTreeMap, BTreeSet};

use argentum_proto::ids::{Gateway, Incarnation, OutboundId, TurnId};

use super::{
    flood::Flood,
    input::{Now, RecalledRecord},
    timers::Timers,
};

/// What one life of the process knows.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Life {
    /// Monotonic time of its start.
    pub(super) started_ms: u64,
    /// Counted uptime at its start.
    pub(super) uptime_ms: u64,
    pub(super) runs: BTreeMap<TurnId, Run>,
    pub(super) presences: BTreeMap<Gateway, Presence>,
    /// How often each open outbound was published.
    pub(super) publications: BTreeMap<OutboundId, u32>,
    pub(super) remembering: Remembering,
    pub(super) flood: Flood,
    pub(super) timers: Timers,
    pub(super) is_intake_closed: bool,
    pub(super) is_draining: bool,
}

/// A turn in work.
#[derive(Clone, Debug, Hash)]
pub(super) struct Run {
    pub(super) started_ms: u64,
    pub(super) stage: Stage,
    /// Tries at the vendor, or of the errand, in this life.
    pub(super) tries: u32,
    pub(super) recalled: Vec<RecalledRecord>,
    pub(super) prompt_bytes: usize,
    /// What came of the answer in the attempt that runs.
    pub(super) text: String,
    /// Deltas that made it.
    pub(super) sequence: u64,
    /// Who gives it, once somebody does: provider and model.
    pub(super) answering: Option<(String, String)>,
}

/// What a run waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// Memory.
    Recalling,
    /// The vendor.
    Calling,
    /// Memory, which is to note or to forget something.
    Errand,
    /// The time to ask the vendor again, or nothing any more.
    Pausing,
}

/// Which incarnation of a gateway lives.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Presence {
    /// The one whose hello was the last in this life of the router.
    pub(super) live: Option<Incarnation>,
    /// Times that the gateway was asked since its last hello; `None` = no answer is awaited.
    pub(super) asked: Option<u32>,
}

/// Turns on their way to memory.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Remembering {
    /// Not told yet.
    pub(super) waiting: BTreeSet<TurnId>,
    /// Told, with the number of failures so far.
    pub(super) told: BTreeMap<TurnId, u32>,
}

// === impl Life ===

impl Life {
    /// Counted uptime.
    pub(super) fn uptime_ms(&self, now: Now) -> u64 {
        self.uptime_ms + now.monotonic_ms.saturating_sub(self.started_ms)
    }

    /// The incarnation of the gateway that is known to live.
    pub(super) fn live(&self, gateway: &Gateway) -> Option<&Incarnation> {
        self.presences.get(gateway)?.live.as_ref()
    }
}

// === impl Run ===

impl Run {
    pub(super) fn new(started_ms: u64) -> Self {
        let (recalled, text) = (Vec::new(), String::new());
        Self { started_ms, stage: Stage::Recalling, tries: 0, recalled, prompt_bytes: 0, text, sequence: 0, answering: None }
    }
}
