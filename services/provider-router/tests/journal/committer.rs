//! The committer: order of answers, classes, failures, and the real file system below it.

use std::sync::{
    Arc, Barrier, Mutex,
    mpsc::{Receiver, SyncSender, sync_channel},
};

use argentum_provider_router::journal::{
    Append, Disk, Folder, Journal, JournalConfig, JournalError, Log, LogConfig, Position, random_salt,
};

use super::{
    disk::{Laws, SimDisk},
    witness::{config, open},
};

type Answer = (usize, Result<Position, JournalError>);

/// Appends and hears the answers through one channel.
struct Client {
    journal: Journal,
    answers: Receiver<Answer>,
    sender: SyncSender<Answer>,
}

// === impl Client ===

impl Client {
    fn new<D: Disk>(disk: D, config: LogConfig) -> Self {
        let log = Log::open(disk, config).unwrap().log;
        let epoch = log.epoch() + 1;
        let (sender, answers) = sync_channel(10_000);
        let journal = Journal::start(log, epoch, JournalConfig::default(), |_| {}).unwrap();
        Self { journal, answers, sender }
    }

    fn append(&self, name: usize, class: Append, records: &[&str]) {
        let records = records.iter().map(|record| record.as_bytes().to_vec()).collect();
        let sender = self.sender.clone();
        self.journal.append(class, records, Box::new(move |outcome| sender.send((name, outcome)).unwrap())).unwrap();
    }

    /// Keeps the committer busy inside an answer until the barrier is passed, so that what follows makes one batch.
    fn hold(&self) -> Arc<Barrier> {
        let barrier = Arc::new(Barrier::new(2));
        let (held, (entered, is_in)) = (Arc::clone(&barrier), sync_channel(1));
        let done = move |_: Result<Position, JournalError>| {
            entered.send(()).unwrap();
            held.wait();
        };
        self.journal.append(Append::Finish, vec![b"hold".to_vec()], Box::new(done)).unwrap();
        is_in.recv().unwrap();
        barrier
    }
}

#[test]
fn answers_come_in_order_with_rising_positions() {
    let client = Client::new(SimDisk::new(Laws::default()), LogConfig { segment_bytes: 1 << 20, ..config(0) });
    (0..2000).for_each(|name| client.append(name, Append::New, &["record"]));
    let answers: Vec<(usize, Position)> = client.answers.iter().take(2000).map(|(name, outcome)| (name, outcome.unwrap())).collect();
    assert!(answers.iter().map(|(name, _)| *name).eq(0..2000));
    assert!(answers.is_sorted_by(|(_, a), (_, b)| a < b));
}

#[test]
fn what_waits_is_one_frame() {
    let client = Client::new(SimDisk::new(Laws::default()), config(0));
    let barrier = client.hold();
    client.append(0, Append::New, &["a", "b"]);
    client.append(1, Append::Finish, &["c"]);
    barrier.wait();
    let positions: Vec<(u64, u16)> =
        client.answers.iter().take(2).map(|(_, outcome)| outcome.unwrap()).map(|position| (position.frame(), position.index())).collect();
    assert_eq!(positions, [(2, 1), (2, 2)]);
}

#[test]
fn answer_means_that_a_power_cut_keeps_it() {
    let disk = SimDisk::new(Laws::default());
    let client = Client::new(disk.clone(), config(0));
    for number in 0..20 {
        client.append(number, Append::New, &[&number.to_string()]);
        client.answers.recv().unwrap().1.unwrap();
        let (_, records) = open(&disk.power_cut(|_| false), &config(0)).unwrap();
        assert_eq!(records.len(), number + 1);
    }
}

#[test]
fn accepted_messages_finish_in_the_batch_that_refuses_new_ones() {
    let disk = SimDisk::new(Laws { bytes_free: Some(10), ..Laws::default() });
    let client = Client::new(disk, config(0));
    let barrier = client.hold();
    client.journal.set_bytes_free_min(11);
    client.append(0, Append::New, &["new"]);
    client.append(1, Append::Finish, &["accepted"]);
    barrier.wait();
    let answers: Vec<Answer> = client.answers.iter().take(2).collect();
    assert!(matches!(answers[..], [(0, Err(JournalError::LowSpace { .. })), (1, Ok(_))]), "{answers:?}");
}

#[test]
fn failed_sync_reaches_all_that_wait_and_all_that_follow() {
    let disk = SimDisk::new(Laws::default());
    let client = Client::new(disk.clone(), config(0));
    let barrier = client.hold();
    disk.change_laws(|laws| laws.fail_syncs = true);
    client.append(0, Append::New, &["one"]);
    client.append(1, Append::Finish, &["two"]);
    barrier.wait();
    client.append(2, Append::Finish, &["three"]);
    let answers: Vec<Answer> = client.answers.iter().take(3).collect();
    assert!(answers.iter().all(|(_, outcome)| matches!(outcome, Err(JournalError::Poisoned(_)))), "{answers:?}");
}

#[test]
fn panicking_answer_harms_no_other() {
    let client = Client::new(SimDisk::new(Laws::default()), config(0));
    client.journal.append(Append::New, vec![b"one".to_vec()], Box::new(|_| panic!("meant to"))).unwrap();
    client.append(1, Append::New, &["two"]);
    assert!(client.answers.recv().unwrap().1.is_ok());
}

#[test]
fn dropping_the_handle_commits_what_waits() {
    let disk = SimDisk::new(Laws::default());
    let Client { journal, .. } = Client::new(disk.clone(), config(0));
    for _ in 0..100 {
        journal.append(Append::New, vec![b"record".to_vec()], Box::new(|_| {})).unwrap();
    }
    drop(journal);
    assert_eq!(open(&disk.power_cut(|_| false), &config(0)).unwrap().1.len(), 100);
}

#[test]
fn observer_hears_of_a_frame_before_its_answers() {
    let log = Log::open(SimDisk::new(Laws::default()), config(0)).unwrap().log;
    let heard = Arc::new(Mutex::new(Position::START));
    let (hears, (sender, answers)) = (Arc::clone(&heard), sync_channel(1));
    let journal = Journal::start(log, 1, JournalConfig::default(), move |synced| *hears.lock().unwrap() = synced).unwrap();
    let answer = move |outcome: Result<Position, JournalError>| sender.send((outcome.unwrap(), *heard.lock().unwrap())).unwrap();
    journal.append(Append::New, vec![b"record".to_vec()], Box::new(answer)).unwrap();
    let (answered, heard) = answers.recv().unwrap();
    assert_eq!((answered, journal.synced()), (heard, heard));
}

#[test]
fn freeing_is_done_between_frames() {
    let disk = SimDisk::new(Laws::default());
    let client = Client::new(disk.clone(), config(0));
    for number in 0..8 {
        client.append(number, Append::New, &["record"]);
        client.answers.recv().unwrap().1.unwrap();
    }
    client.journal.free_before(client.journal.synced());
    drop(client);
    let (_, records) = open(&disk, &config(0)).unwrap();
    assert_eq!(records.first().map(|record| record.position.frame()), Some(7));
}

#[test]
fn reader_follows_what_is_synced() {
    let log = Log::open(SimDisk::new(Laws::default()), config(0)).unwrap().log;
    let mut reader = log.reader(Position::START).unwrap();
    let journal = Journal::start(log, 1, JournalConfig::default(), |_| {}).unwrap();
    for number in 0..20_u8 {
        journal.append(Append::New, vec![vec![number]], Box::new(|_| {})).unwrap();
    }
    let mut read = Vec::new();
    while read.len() < 20 && reader.wait() {
        read.extend(reader.read().unwrap().into_iter().map(|record| record.payload[0]));
    }
    assert!(read.into_iter().eq(0..20));
    drop(journal);
    assert!(!reader.wait());
}

#[test]
fn real_folder_gives_back_what_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let config = LogConfig { segment_bytes: 256 << 10, reserve_segments: 1, bytes_free_min: 0, salt: random_salt };
    for life in 0..3 {
        let client = Client::new(Folder::open(&path).unwrap(), config.clone());
        (0..500).for_each(|name| client.append(name, Append::New, &[&format!("{life} {name} {}", "x".repeat(2000))]));
        client.answers.iter().take(500).for_each(|(_, outcome)| assert!(outcome.is_ok()));
    }
    let log = Log::open(Folder::open(&path).unwrap(), config).unwrap().log;
    let mut reader = log.reader(log.start()).unwrap();
    let mut count = 0;
    while reader.position() < log.synced() {
        for record in reader.read().unwrap() {
            assert!(record.payload.starts_with(format!("{} {} ", count / 500, count % 500).as_bytes()));
            count += 1;
        }
    }
    assert_eq!(count, 1500);
}
