//! The driver around the real core: it journals, syncs, and releases effects behind the one gate.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    rc::Rc,
};

use argentum_proto::{
    channel::v1::{ReportDeliveryResponse, report_delivery_response::Answer},
    ids::{Gateway, Incarnation},
    provider::v1::record::Event,
};

use super::disk::Disk;
use crate::core::{Config, Core, Effect, Input, Now, Outputs, delivery::PUBLICATIONS_MAX};

/// Rules that are the driver's and the disk's to hold; each can be left out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum DriverRule {
    EffectsWaitForSync,
    ReceiptsWaitForSync,
    StopsWaitForSync,
    UnwantedCallsAreDropped,
    OpeningSyncs,
    CheckpointOfWhatIsSynced,
    FreedOnceCheckpointIsSynced,
    OpeningSyncsCheckpoint,
}

/// A router process and its disk.
#[derive(Clone)]
pub struct Router {
    config: Rc<Config>,
    left_out: Option<DriverRule>,
    pub core: Rc<Core>,
    pub disk: Disk,
    /// Behind the gate until the next sync.
    waiting: Vec<Effect>,
    /// Past the gate, to be taken by the world.
    released: Vec<Effect>,
    pub now: Now,
    /// What a power cut now would leave.
    survivor: Rc<Core>,
    /// Fingerprints of the core and of the survivor.
    prints: (u64, u64),
    /// A process that opens the disk finds what it cannot read.
    pub is_unreadable: bool,
}

pub const START: Now = Now { monotonic_ms: 1_000, wall_ms: 1_700_000_000_000 };

fn is_superseded(earlier: &Effect, effect: &Effect) -> bool {
    match (earlier, effect) {
        (Effect::AnswerDelivery { request: earlier, .. }, Effect::AnswerDelivery { request, .. })
        | (Effect::Answer { request: earlier, .. }, Effect::Answer { request, .. }) => earlier == request,
        _ => earlier == effect,
    }
}

// === impl Router ===

impl Router {
    pub fn new(config: Config, left_out: Option<DriverRule>) -> Self {
        let disk = Disk::default();
        let core = Rc::new(disk.recover(&config).expect("an empty disk can be read"));
        let survivor = Rc::clone(&core);
        let (config, waiting, released, prints) = (Rc::new(config), Vec::new(), Vec::new(), (0, 0));
        let mut router = Self { config, left_out, core, disk, waiting, released, now: START, survivor, prints, is_unreadable: false };
        router.begin();
        router
    }

    pub fn keeps(&self, rule: DriverRule) -> bool {
        self.left_out != Some(rule)
    }

    /// Returns how many messages were accepted by it.
    pub fn handle(&mut self, input: Input) -> u8 {
        let outputs = Rc::make_mut(&mut self.core).handle(input, self.now);
        let accepted = outputs.records.iter().filter(|record| matches!(record.event, Some(Event::MessageAccepted(_)))).count();
        self.take(outputs);
        u8::try_from(accepted).expect("one input is one message")
    }

    /// Time passes until everything is due that was to come within a millisecond, and the clock is turned back, so that the space
    /// stays finite. For worlds without other timers: how long and how often it waited before makes no difference to them.
    pub fn repeat(&mut self) {
        let due = Now { monotonic_ms: self.now.monotonic_ms + 1, ..self.now };
        let core = Rc::make_mut(&mut self.core);
        let outputs = core.handle(Input::Tick, due);
        let life = &mut core.life;
        let repeated: Vec<_> = std::iter::from_fn(|| life.timers.pop(due.monotonic_ms + 1)).collect();
        repeated.into_iter().for_each(|timer| life.timers.set(timer, due.monotonic_ms));
        self.take(outputs);
        self.forget_counts();
    }

    /// As if everything had been repeated as often as it takes until the gateway is asked who lives.
    pub fn forget_counts(&mut self) {
        let life = &self.core.life;
        let are_many = life.publications.values().all(|times| *times == PUBLICATIONS_MAX);
        if are_many && life.presences.values().all(|presence| presence.asked.is_none_or(|times| times == 1)) {
            return;
        }
        let life = &mut Rc::make_mut(&mut self.core).life;
        life.publications.values_mut().for_each(|times| *times = PUBLICATIONS_MAX);
        life.presences.values_mut().for_each(|presence| presence.asked = presence.asked.map(|_| 1));
        self.prints.0 = self.core.fingerprint();
    }

    pub fn write_checkpoint(&mut self) {
        self.disk.write_checkpoint(&self.core);
    }

    /// Whether a checkpoint would say more than the one there is.
    pub fn may_write_checkpoint(&self) -> bool {
        let is_enough = self.disk.is_settled() || !self.keeps(DriverRule::CheckpointOfWhatIsSynced);
        is_enough && self.disk.is_checkpoint_behind()
    }

    pub fn may_free(&self) -> bool {
        self.disk.is_freeable(!self.keeps(DriverRule::FreedOnceCheckpointIsSynced))
    }

    fn take(&mut self, outputs: Outputs) {
        self.disk.append(outputs.records);
        for effect in outputs.effects {
            let may_leave = self.disk.is_settled() || self.leaves_early(&effect);
            let queue = if may_leave { &mut self.released } else { &mut self.waiting };
            // A later answer to the same request makes the earlier one void.
            queue.retain(|earlier| !is_superseded(earlier, &effect));
            queue.push(effect);
        }
        self.prints.0 = self.core.fingerprint();
    }

    /// What does not wait because a rule is left out.
    fn leaves_early(&self, effect: &Effect) -> bool {
        let is_noted = |response: &ReportDeliveryResponse| matches!(response.answer, Some(Answer::Noted(_)));
        match self.left_out {
            Some(DriverRule::EffectsWaitForSync) => true,
            Some(DriverRule::ReceiptsWaitForSync) => {
                matches!(effect, Effect::AnswerDelivery { response, .. } if response.as_ref().is_some_and(is_noted))
            }
            Some(DriverRule::StopsWaitForSync) => matches!(effect, Effect::AnswerStop { .. }),
            _ => false,
        }
    }

    pub fn sync(&mut self) {
        self.disk.sync();
        let drops = self.keeps(DriverRule::UnwantedCallsAreDropped);
        let core = &self.core;
        self.released.extend(self.waiting.drain(..).filter(|effect| !drops || core.is_wanted(effect)));
        self.look_at_survivor();
    }

    pub fn sync_checkpoint(&mut self) {
        self.disk.sync_checkpoint();
        self.look_at_survivor();
    }

    pub fn free(&mut self) {
        self.disk.free(!self.keeps(DriverRule::FreedOnceCheckpointIsSynced));
        self.look_at_survivor();
    }

    /// Whether this incarnation is the one that is known to live.
    pub fn is_live(&self, gateway: &Gateway, incarnation: &Incarnation) -> bool {
        self.core.life.live(gateway) == Some(incarnation)
    }

    /// Effects that left since they were taken last.
    pub fn released(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.released)
    }

    /// Drops what waits for nobody any more.
    pub fn forget(&mut self, is_void: impl Fn(&Effect) -> bool) {
        self.waiting.retain(|effect| !is_void(effect));
    }

    /// What a power cut now would leave.
    pub fn survivor(&self) -> &Core {
        &self.survivor
    }

    /// The process is killed and started again.
    pub fn kill(&mut self) {
        self.disk.reopen(self.keeps(DriverRule::OpeningSyncs), self.keeps(DriverRule::OpeningSyncsCheckpoint));
        self.begin();
    }

    /// The power goes, and everything is started again.
    pub fn cut_power(&mut self) {
        self.disk.cut_power();
        self.begin();
    }

    fn begin(&mut self) {
        self.waiting.clear();
        self.released.clear();
        match self.disk.recover(&self.config) {
            Ok(core) => self.core = Rc::new(core),
            Err(_) => self.is_unreadable = true,
        }
        let outputs = Rc::make_mut(&mut self.core).started(self.now);
        self.look_at_survivor();
        self.take(outputs);
    }

    fn look_at_survivor(&mut self) {
        let mut disk = self.disk.clone();
        disk.cut_power();
        match disk.recover(&self.config) {
            Ok(core) => self.survivor = Rc::new(core),
            Err(_) => self.is_unreadable = true,
        }
        self.prints.1 = self.survivor.fingerprint();
    }

    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.prints.hash(&mut hasher);
        (self.disk.fingerprint(), self.now.monotonic_ms, self.is_unreadable).hash(&mut hasher);
        // Effects are few here and print alike when they are alike.
        format!("{:?}", self.waiting).hash(&mut hasher);
        hasher.finish()
    }

    /// The same for worlds to which it makes no difference in which order effects leave.
    pub fn fingerprint_unordered(&self) -> u64 {
        let mut waiting: Vec<_> = self.waiting.iter().map(|effect| format!("{effect:?}")).collect();
        waiting.sort_unstable();
        let mut hasher = DefaultHasher::new();
        (self.prints, self.disk.fingerprint(), self.now.monotonic_ms, self.is_unreadable, waiting).hash(&mut hasher);
        hasher.finish()
    }
}
