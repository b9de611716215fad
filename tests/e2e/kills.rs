//! Nothing is lost while everything dies, again and again, at seeded moments, as 500 messages in 25 conversations flow over the page,
//! Telegram and IRC. The seed is printed; `ARGENTUM_SEED` sets it.

mod people;
mod pulse;
mod town;

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    bundle::{PATIENCE, until},
    tally::{Channel, Table, Tally},
};

use people::{Letters, People};
use pulse::Ending;
use town::Town;

/// What one channel is asked to carry.
struct Load {
    channel: Channel,
    conversations: usize,
    messages: usize,
}

const LOADS: [Load; 3] = [
    Load { channel: Channel::Web, conversations: 9, messages: 180 },
    Load { channel: Channel::Telegram, conversations: 8, messages: 160 },
    Load { channel: Channel::Irc, conversations: 8, messages: 160 },
];

const MESSAGES: usize = 500;

/// What comes too often, and after everything else, would come by then.
const AFTERMATH: Duration = Duration::from_secs(2);

/// A generator that is good enough to choose moments, and whose every run can be repeated.
struct Seeded(u64);

impl Seeded {
    fn from_environment() -> Self {
        let seed = std::env::var("ARGENTUM_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| u64::from(std::process::id()));
        eprintln!("ARGENTUM_SEED={seed}");
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Another one, whose choices are its own.
    fn fork(&mut self) -> Self {
        Self(self.below(u64::MAX) | 1)
    }

    /// xorshift64 (Marsaglia, 2003).
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What became of everything so far.
fn table(town: &Town, people: &People, letters: &Letters) -> Table {
    let seen = people.seen(town, letters);
    Table(LOADS.iter().map(|load| (load.channel, Tally::of(&seen, load.channel))).collect())
}

#[test]
fn no_message_of_any_channel_is_lost_or_doubled_whatever_is_killed() {
    let mut seeded = Seeded::from_environment();
    let people = People::gather();
    let town = Town::found(&people);
    let began = Instant::now();
    let letters = Letters::default();
    thread::scope(|scope| {
        let writers: Vec<_> = people
            .places()
            .into_iter()
            .map(|(place, count)| {
                let (mut seeded, town, people, letters) = (seeded.fork(), &town, &people, &letters);
                scope.spawn(move || people.write(town, letters, &place, count, &mut seeded))
            })
            .collect();
        scope.spawn(|| town.pulse.run());
        let _until_then = Ending(&town.pulse);
        let killer = scope.spawn(|| town.rage(&letters, &mut seeded));
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        killer.join().unwrap();
    });
    let written = began.elapsed();

    let end = Instant::now() + 2 * PATIENCE;
    thread::sleep(AFTERMATH);
    while Instant::now() < end && table(&town, &people, &letters).0.iter().any(|(_, tally)| tally.lost != 0) {
        thread::sleep(AFTERMATH / 10);
    }
    thread::sleep(AFTERMATH);
    let table = table(&town, &people, &letters);
    eprintln!("{} kills within {written:?}, all settled after {:?}\n{table}", town.kills().len(), began.elapsed());
    let is_clean = table.0.iter().all(|(_, tally)| tally.is_clean());
    assert!(is_clean, "{table}\n{}", people.faults(&town, &letters));
    let counts = table.0.iter().map(|(_, tally)| (tally.sent, tally.failed));
    assert_eq!(counts.reduce(|sum, next| (sum.0 + next.0, sum.1 + next.1)), Some((MESSAGES, 0)), "the vendor answers everything");
    until("everything confirmed to Telegram", || (people.telegram.unconfirmed() == 0).then_some(()));
    town.until_ready();
}
