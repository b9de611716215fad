//! A process that is killed while it writes loses nothing that it was answered.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use argentum_store::{Batch, DiskStore, Records, Store, StoreOptions};

use super::sample::{OTHER, TREE, value};

const OPTIONS: StoreOptions = StoreOptions::new("test");
/// Set for the process that writes until it is killed.
const CHILD: &str = "ARGENTUM_STORE_KILLED";
/// How often it is killed; `cargo xtask test --long` sets more.
const ROUNDS: &str = "ARGENTUM_STORE_KILL_ROUNDS";
const KEYS: u64 = 64;

/// What batch `number` writes: one of many keys, often replaced, of every kind of size.
fn size(number: u64) -> usize {
    if number % KEYS == 7 { 1_100_000 } else { [10, 500, 4091, 6000, 50_000, 10, 200, 20_000][number as usize % 8] }
}

fn batch(number: u64) -> Batch {
    let mut batch = Batch::new();
    batch.put(TREE, (number % KEYS).to_be_bytes(), [&number.to_be_bytes()[..], &value(number, size(number))].concat());
    batch.put(OTHER, "last", number.to_be_bytes());
    batch
}

/// Writes on from where the store ends, with some batches on their way at once, and tells each answer.
fn write_until_killed(path: &Path) {
    let store = DiskStore::open(path, &OPTIONS).unwrap();
    let first = last(&store) + 1;
    for number in first.. {
        let tell = move |outcome: Result<(), _>| {
            outcome.unwrap();
            println!("answered {number}");
            std::io::stdout().flush().unwrap();
        };
        if number % 5 == 0 {
            store.commit_blocking(batch(number)).unwrap();
            tell(Ok::<(), argentum_store::StoreError>(()));
        } else {
            store.commit(batch(number), Box::new(tell)).unwrap();
        }
    }
}

fn last(store: &DiskStore) -> u64 {
    store.get(OTHER, b"last").unwrap().map_or(0, |number| u64::from_be_bytes(number.try_into().unwrap()))
}

/// When a child is killed.
enum Moment {
    /// Some time after its start: most likely while it opens the store.
    AfterStart(Duration),
    /// Some time after that many answers.
    AfterAnswers(u64, Duration),
}

fn moment(seed: u64) -> Moment {
    let random = u64::from_be_bytes(value(seed, 8).try_into().unwrap());
    let micros = Duration::from_micros(random >> 32 & 0xfff);
    if seed.is_multiple_of(4) { Moment::AfterStart(micros * 30) } else { Moment::AfterAnswers(1 + random % 40, micros) }
}

/// Lets a child write, kills it, and says the last batch that it was answered.
fn kill_one(path: &Path, seed: u64) -> Option<u64> {
    let test = "kill::killed_writer_loses_nothing_that_was_answered";
    let mut child = Command::new(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut answers = lines.filter_map(|line| line.strip_prefix("answered ")?.parse().ok());
    let (awaited, delay) = match moment(seed) {
        Moment::AfterStart(delay) => (None, delay),
        Moment::AfterAnswers(count, delay) => (answers.by_ref().nth(count as usize - 1), delay),
    };
    // The delay is what is tested here, not a wait for something.
    thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
    answers.last().or(awaited)
}

/// Every key holds what the last batch that wrote it put there.
fn check(path: &Path, answered: u64) -> u64 {
    let store = DiskStore::open(path, &OPTIONS).unwrap();
    let last = last(&store);
    assert!(answered <= last, "batch {answered} was answered, the store ends with {last}");
    for number in last.saturating_sub(KEYS - 1).max(1)..=last {
        let found = store.get(TREE, &(number % KEYS).to_be_bytes()).unwrap().unwrap();
        let (head, rest) = found.split_at(8);
        assert!(head == number.to_be_bytes() && rest == value(number, size(number)), "batch {number} of {last} is not whole");
    }
    last
}

#[test]
fn killed_writer_loses_nothing_that_was_answered() {
    if let Some(path) = env::var_os(CHILD) {
        write_until_killed(Path::new(&path));
    }
    let rounds = env::var(ROUNDS).map_or(20, |rounds| rounds.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (mut answered, mut answers) = (0, 0);
    for seed in 1..=rounds {
        let before = answered;
        answered = kill_one(folder.path(), seed).unwrap_or(answered).max(answered);
        answers += u64::from(before < answered);
        answered = check(folder.path(), answered);
    }
    println!("{rounds} kills, {answers} of them after answers, {answered} batches");
    // Kills that all come too early would prove nothing.
    assert!(rounds / 2 < answers, "only {answers} of {rounds} writers were answered before they died");
    assert!(fs::read_dir(folder.path().join("tree/blobs")).map_or(true, |mut blobs| blobs.next().is_none()));
}
