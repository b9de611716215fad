//! A process that is killed while it appends, on the real file system: what it was answered is there, in order, once.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use argentum_provider_router::journal::{Append, Folder, Journal, JournalConfig, Log, LogConfig, Position, random_salt};

use super::explore::mix;

/// Set for the process that appends until it is killed.
const CHILD: &str = "ARGENTUM_JOURNAL_KILLED";
const ROUNDS: u64 = 20;

fn config() -> LogConfig {
    LogConfig { segment_bytes: 128 << 10, reserve_segments: 1, bytes_free_min: 0, salt: random_salt }
}

fn record(number: u64) -> Vec<u8> {
    let bytes = mix(number, 1) as usize % 3000;
    [&number.to_be_bytes()[..], &vec![number as u8; bytes]].concat()
}

/// The records of the journal; each is a number more than the one before.
fn count(log: &Log<Folder>) -> u64 {
    let mut reader = log.reader(log.start()).unwrap();
    let mut count = 0;
    while reader.position() < log.synced() {
        for found in reader.read().unwrap() {
            count += 1;
            assert!(found.payload == record(count), "record {count} is another one");
        }
    }
    count
}

fn append_until_killed(path: &Path) {
    let log = Log::open(Folder::open(path).unwrap(), config()).unwrap().log;
    let (first, epoch) = (count(&log) + 1, log.epoch() + 1);
    let journal = Journal::start(log, epoch, JournalConfig::default(), |_| {}).unwrap();
    for number in first.. {
        let tell = move |outcome: Result<Position, _>| {
            outcome.unwrap();
            println!("answered {number}");
            std::io::stdout().flush().unwrap();
        };
        // A full queue is awaited by waiting for its end.
        while journal.append(Append::New, vec![record(number)], Box::new(tell)).is_err() {
            thread::yield_now();
        }
    }
}

fn kill_one(path: &Path, seed: u64) -> u64 {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["kill::killed_journal_has_all_that_was_answered", "--exact", "--nocapture"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut answers = lines.filter_map(|line| line.strip_prefix("answered ")?.parse().ok());
    let awaited = answers.by_ref().nth(mix(seed, 2) as usize % 300);
    // The delay is what is tested here, not a wait for something.
    thread::sleep(Duration::from_micros(mix(seed, 3) % 4000));
    child.kill().unwrap();
    child.wait().unwrap();
    answers.last().or(awaited).unwrap()
}

#[test]
fn killed_journal_has_all_that_was_answered() {
    if let Some(path) = env::var_os(CHILD) {
        append_until_killed(Path::new(&path));
    }
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..ROUNDS {
        let answered = kill_one(folder.path(), seed);
        let log = Log::open(Folder::open(folder.path()).unwrap(), config()).unwrap().log;
        let found = count(&log);
        assert!(answered <= found, "record {answered} was answered, the journal ends with {found}");
    }
}
