//! The journal beside a bare loop: preallocated file, one write and one fdatasync for each group, nothing else.
//!
//! Prints a JSON line for 1, 64 and 256 appends in flight, each of 256 bytes: medians of interleaved rounds on one disk.

use std::{
    error::Error,
    fs::{File, OpenOptions},
    os::unix::fs::FileExt,
    path::Path,
    sync::mpsc::sync_channel,
    time::{Duration, Instant},
};

use argentum_provider_router::journal::{Append, Folder, Journal, JournalConfig, Log, LogConfig};

const RECORD_BYTES: usize = 256;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(400);
const PEER_FILE_BYTES: u64 = 16 << 20;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let folder = tempfile::tempdir_in(option_env!("CARGO_TARGET_TMPDIR").unwrap_or("."))?;
    let peer = Peer::create(&folder.path().join("peer"))?;
    for in_flight in [1, 64, 256] {
        let log = Log::open(
            Folder::open(&folder.path().join(format!("journal-{in_flight}")))?,
            LogConfig { bytes_free_min: 0, ..LogConfig::default() },
        )?
        .log;
        let epoch = log.epoch() + 1;
        let journal = Journal::start(log, epoch, JournalConfig::default(), |_| {})?;
        let (mut ours, mut peers) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(ours_per_second(&journal, in_flight)?);
            peers.push(peer.per_second(in_flight)?);
        }
        let (ours, peer) = (median(ours), median(peers));
        println!("{{\"in_flight\":{in_flight},\"ours_per_second\":{ours:.0},\"peer_per_second\":{peer:.0},\"ratio\":{:.3}}}", ours / peer);
    }
    Ok(())
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Keeps `in_flight` appends on their way: each answer is followed by the next append.
fn ours_per_second(journal: &Journal, in_flight: u32) -> Outcome<f64> {
    let (sender, answers) = sync_channel(usize::try_from(in_flight)?);
    let append = || {
        let sender = sender.clone();
        let done = move |outcome| sender.send(outcome).expect("the round waits for its answers");
        journal.append(Append::New, vec![vec![7; RECORD_BYTES]], Box::new(done))
    };
    let start = Instant::now();
    for _ in 0..in_flight {
        append()?;
    }
    let mut count = 0;
    while start.elapsed() < ROUND {
        answers.recv()??;
        count += 1;
        append()?;
    }
    let elapsed = start.elapsed();
    for _ in 0..in_flight {
        answers.recv()??;
    }
    Ok(f64::from(count) / elapsed.as_secs_f64())
}

/// The bare loop.
struct Peer {
    file: File,
}

// === impl Peer ===

impl Peer {
    fn create(path: &Path) -> Outcome<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all_at(&vec![0; usize::try_from(PEER_FILE_BYTES)?], 0)?;
        file.sync_all()?;
        Ok(Self { file })
    }

    fn per_second(&self, in_flight: u32) -> Outcome<f64> {
        let group = vec![7; RECORD_BYTES * usize::try_from(in_flight)?];
        let (start, mut count, mut offset) = (Instant::now(), 0_u32, 0);
        while start.elapsed() < ROUND {
            if PEER_FILE_BYTES < offset + group.len() as u64 {
                offset = 0;
            }
            self.file.write_all_at(&group, offset)?;
            self.file.sync_data()?;
            offset += group.len() as u64;
            count += in_flight;
        }
        Ok(f64::from(count) / start.elapsed().as_secs_f64())
    }
}
