//! The journal beside a bare loop: preallocated file, one write and one fdatasync for each group, nothing else.
//!
//! An argument names the folder to work in (default: cargo's own for tests), so that another disk can be measured.
//! Prints a JSON line for 1, 64 and 256 appends in flight, each of 256 bytes: medians of interleaved rounds on one
//! disk; the ratio is the median of the rounds' own.

use std::{
    env,
    error::Error,
    fs::{File, OpenOptions},
    os::unix::fs::FileExt,
    path::Path,
    sync::mpsc::{Receiver, sync_channel},
    time::{Duration, Instant},
};

use argentum_provider_router::journal::{Append, Folder, Journal, JournalConfig, Log, LogConfig, Position};

const RECORD_BYTES: usize = 256;
/// Many short rounds, so that both sides see the same disk, whoever else uses it.
const ROUNDS: usize = 31;
const ROUND: Duration = Duration::from_millis(100);
const PEER_FILE_BYTES: u64 = 16 << 20;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let place = env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let folder = tempfile::tempdir_in(place.as_deref().or(option_env!("CARGO_TARGET_TMPDIR")).unwrap_or("."))?;
    let peer = Peer::create(&folder.path().join("peer"))?;
    for in_flight in [1, 64, 256] {
        let log = Log::open(
            Folder::open(&folder.path().join(format!("journal-{in_flight}")))?,
            LogConfig { bytes_free_min: 0, ..LogConfig::default() },
        )?
        .log;
        let epoch = log.epoch() + 1;
        let (sender, synced) = sync_channel(1024);
        let on_synced = move |position| sender.send(position).expect("the bench reads until the journal is dropped");
        let client = Client { journal: Journal::start(log, epoch, JournalConfig::default(), on_synced)?, synced };
        let (mut ours, mut peers, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (our, peer) = (client.per_second(in_flight)?, peer.per_second(in_flight)?);
            ours.push(our);
            peers.push(peer);
            ratios.push(our / peer);
        }
        let (ours, peer, ratio) = (median(ours), median(peers), median(ratios));
        println!("{{\"in_flight\":{in_flight},\"ours_per_second\":{ours:.0},\"peer_per_second\":{peer:.0},\"ratio\":{ratio:.3}}}");
    }
    Ok(())
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Appends, and hears how far the journal is synced, as the router's gate does.
struct Client {
    journal: Journal,
    synced: Receiver<Position>,
}

// === impl Client ===

impl Client {
    /// Keeps `in_flight` appends on their way: whatever a sync finished is followed by as many.
    fn per_second(&self, in_flight: u32) -> Outcome<f64> {
        let (start, mut count, mut under_way) = (Instant::now(), 0, 0);
        while start.elapsed() < ROUND {
            for _ in under_way..in_flight {
                self.journal.append(Append::New, vec![vec![7; RECORD_BYTES]], Box::new(|_| {}))?;
            }
            let finished = self.finished()?;
            count += finished;
            under_way = in_flight - finished;
        }
        let elapsed = start.elapsed();
        while 0 < under_way {
            under_way -= self.finished()?;
        }
        Ok(f64::from(count) / elapsed.as_secs_f64())
    }

    /// The records of the next frame.
    fn finished(&self) -> Outcome<u32> {
        Ok(u32::from(self.synced.recv()?.index()) + 1)
    }
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
