//! Nothing is lost while everything dies, again and again, at seeded moments. The seed is printed; `ARGENTUM_SEED` sets it.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::{
    bundle::{Bundle, is_running, pid_of, signal, until},
    page::{Page, ulid},
    tally::{Sent, Shown, Tally},
};

const CONVERSATIONS: usize = 12;
const MESSAGES: usize = 10;
const KILLS: usize = 12;

/// A generator that is good enough to choose moments, and whose every run can be repeated.
struct Seeded(u64);

impl Seeded {
    fn from_environment() -> Self {
        let seed = std::env::var("ARGENTUM_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| u64::from(std::process::id()));
        eprintln!("ARGENTUM_SEED={seed}");
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// xorshift64 (Marsaglia, 2003).
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Where the bundle is right now: it moves with every start.
struct Town {
    bundle: Mutex<Option<Bundle>>,
    page: Mutex<(String, String)>,
    /// Kills of services since the last start of `up`: one more than the limit and the service would be given up for minutes.
    service_kills: AtomicUsize,
}

/// Below the orchestrator's limit of failures within its window.
const SERVICE_KILLS_MAX: usize = 4;

impl Town {
    fn page(&self) -> Page {
        let (address, cookie) = self.page.lock().unwrap().clone();
        Page { address, cookie }
    }

    /// Kills one service, or `up` with everything, and starts anew what was killed.
    fn kill(&self, seeded: &mut Seeded) {
        let mut bundle = self.bundle.lock().unwrap();
        let alive = bundle.as_ref().unwrap();
        let may_kill_service = self.service_kills.fetch_add(1, Ordering::Relaxed) < SERVICE_KILLS_MAX;
        match seeded.below(3) {
            0 if may_kill_service => kill_service(alive, "channel-gateway"),
            1 if may_kill_service => kill_service(alive, "provider-router"),
            _ => {
                self.service_kills.store(0, Ordering::Relaxed);
                let folder = bundle.take().unwrap().kill();
                let next = Bundle::start_in(folder);
                self.page.lock().unwrap().0 = next.http();
                *bundle = Some(next);
            }
        }
    }
}

fn kill_service(bundle: &Bundle, name: &str) {
    let service = bundle.status().map(|_| bundle.service(name));
    if let Some(service) = service.filter(|service| service["pid"] != 0) {
        let pid = pid_of(&service);
        if is_running(pid) {
            signal(pid, Signal::KILL);
        }
    }
}

/// Writes one conversation: the next message only when the one before is accepted.
fn write(town: &Town, conversation: &str, accepted: &AtomicUsize) -> Vec<Sent> {
    let send = |number: usize| {
        let (key, text) = (ulid(), format!("message {number} of {conversation}"));
        let response = until("acceptance", || {
            let response = town.page().try_send(conversation, &key, &text);
            response.filter(|response| response.status == 202 || (400..500).contains(&response.status))
        });
        assert_eq!(response.status, 202, "{response:?}");
        accepted.fetch_add(1, Ordering::Relaxed);
        Sent { conversation: conversation.to_owned(), key, text, is_rejected: false }
    };
    (0..MESSAGES).map(send).collect()
}

/// Everything that the page shows of a conversation.
fn read(town: &Town, conversation: &str) -> Vec<Shown> {
    until("a finished conversation", || {
        let now = town.page().conversation(conversation)?;
        let is_quiet = now["running"].is_null() && now["queued"].as_array().is_some_and(Vec::is_empty);
        is_quiet.then(|| now["turns"].as_array().unwrap().iter().map(shown).collect())
    })
}

fn shown(turn: &serde_json::Value) -> Shown {
    let text = |name: &str| turn[name].as_str().unwrap().to_owned();
    let is_answer = turn["outcome"] == "answered" && text("answer").contains("No model is configured");
    Shown { key: text("message"), question: text("question"), is_failure: !is_answer, is_ended: true }
}

#[test]
fn no_message_of_the_page_is_lost_or_doubled_whatever_is_killed() {
    let mut seeded = Seeded::from_environment();
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/argentum.toml"), "[provider_router]\nflood_burst = 1000\n").unwrap();
    let bundle = Bundle::start_in(folder);
    let Page { address, cookie } = Page::log_in(&bundle);
    let town = Town { bundle: Mutex::new(Some(bundle)), page: Mutex::new((address, cookie)), service_kills: AtomicUsize::new(0) };
    let conversations: Vec<String> = (0..CONVERSATIONS).map(|_| ulid()).collect();
    let (accepted, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));

    let sent: Vec<Sent> = thread::scope(|scope| {
        let writers: Vec<_> = conversations.iter().map(|id| scope.spawn(|| write(&town, id, &accepted))).collect();
        let killer = scope.spawn(|| {
            for kill in 0..KILLS {
                // Spread over the writing: a kill for every tenth of it, at a random moment within.
                let due = kill * CONVERSATIONS * MESSAGES / KILLS;
                until("progress", || (accepted.load(Ordering::Relaxed) >= due || is_over.load(Ordering::Relaxed)).then_some(()));
                thread::sleep(Duration::from_millis(seeded.below(60)));
                town.kill(&mut seeded);
            }
        });
        let sent = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
        is_over.store(true, Ordering::Relaxed);
        killer.join().unwrap();
        sent
    });

    let shown: BTreeMap<String, Vec<Shown>> = conversations.iter().map(|id| (id.clone(), read(&town, id))).collect();
    let tally = Tally::of(&sent, &shown);
    eprintln!("web: {tally:?}");
    assert!(tally.is_clean(), "{tally:?}");
}
