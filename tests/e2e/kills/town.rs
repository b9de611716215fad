//! The bundle in which everything dies, and what of it died when.

use std::{
    fs,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use tempfile::TempDir;

use super::{
    MESSAGES, Seeded,
    people::{Letters, People},
    pulse::Pulse,
};
use crate::{
    bundle::{Bundle, is_running, pid_of, signal, until},
    page::Page,
    provider::introduce,
    tally::Kill,
    telegram::with_bot,
};

/// Who is killed. Each is killed [`ROUNDS`] times: less often than the orchestrator would give a service up for.
const VICTIMS: [Victim; 6] = [
    Victim::Service("channel-gateway"),
    Victim::Service("provider-router"),
    Victim::Service("memory"),
    Victim::Service("vault"),
    Victim::Orchestrator,
    Victim::Everything,
];
const ROUNDS: usize = 3;
/// Longest wait of the killer, from the moment at which a kill is due.
const HESITATION_MS: u64 = 700;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Service(&'static str),
    /// Its children end with it.
    Orchestrator,
    Everything,
}

/// Where the bundle is right now: it moves with every start.
pub(super) struct Town {
    bundle: Mutex<Option<Bundle>>,
    page: Mutex<(String, String)>,
    began: Instant,
    kills: Mutex<Vec<Kill>>,
    pub(super) pulse: Pulse,
}

// === impl Town ===

impl Town {
    /// Starts a bundle that knows everybody.
    pub(super) fn found(people: &People) -> Self {
        let began = Instant::now();
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::write(folder.path().join("data/argentum.toml"), people.config()).unwrap();
        let bundle = Bundle::start_in(folder);
        introduce(&bundle, &people.vendor);
        let allowed: Vec<String> = people.chats().iter().map(|chat| format!("--allow={chat}")).collect();
        with_bot(&bundle, &people.telegram, &allowed.iter().map(String::as_str).collect::<Vec<_>>());
        bundle.until_state("ready");
        people.until_met();
        let Page { address, cookie } = Page::log_in(&bundle);
        let (bundle, page) = (Mutex::new(Some(bundle)), Mutex::new((address, cookie)));
        Self { bundle, page, began, kills: Mutex::default(), pulse: Pulse::default() }
    }

    /// A page of who logged in at the beginning.
    pub(super) fn page(&self) -> Page {
        let (address, cookie) = self.page.lock().unwrap().clone();
        Page { address, cookie }
    }

    pub(super) fn kills(&self) -> Vec<Kill> {
        self.kills.lock().unwrap().clone()
    }

    /// Time since the town was founded.
    pub(super) fn time_of(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.began)
    }

    pub(super) fn until_ready(&self) {
        self.bundle.lock().unwrap().as_ref().unwrap().until_state("ready");
    }

    /// Kills in a seeded order, spread over the writing: each at a random moment from where it is due.
    pub(super) fn rage(&self, letters: &Letters, seeded: &mut Seeded) {
        let mut victims = [VICTIMS; ROUNDS].concat();
        for place in (1..victims.len()).rev() {
            victims.swap(place, usize::try_from(seeded.below(u64::try_from(place + 1).unwrap())).unwrap());
        }
        for (number, victim) in victims.iter().enumerate() {
            let due = number * MESSAGES / victims.len();
            until("progress", || (due <= letters.count()).then_some(()));
            thread::sleep(Duration::from_millis(seeded.below(HESITATION_MS)));
            self.kill(*victim);
        }
    }

    fn kill(&self, victim: Victim) {
        let mut bundle = self.bundle.lock().unwrap();
        eprintln!("at {:.1?}: {victim:?}", self.time_of(Instant::now()));
        match victim {
            Victim::Service(name) => self.kill_service(bundle.as_ref().unwrap(), name),
            Victim::Orchestrator | Victim::Everything => {
                let alive = bundle.take().unwrap();
                let folder = if victim == Victim::Orchestrator { alive.kill() } else { alive.kill_everything() };
                self.note(true, true);
                let next = Bundle::start_in(folder);
                self.page.lock().unwrap().0 = next.http();
                *bundle = Some(next);
            }
        }
    }

    /// Kills a service, also one that has only begun to start.
    fn kill_service(&self, bundle: &Bundle, name: &str) {
        let pid = until(name, || {
            let status = bundle.status()?;
            let service = status["services"].as_array()?.iter().find(|service| service["name"] == name)?;
            Some(pid_of(service)).filter(|pid| *pid != 0 && is_running(*pid))
        });
        signal(pid, Signal::KILL);
        self.note(name == "channel-gateway", name == "provider-router");
    }

    fn note(&self, has_gateway: bool, has_router: bool) {
        self.kills.lock().unwrap().push(Kill { at: self.time_of(Instant::now()), has_gateway, has_router });
    }
}
