//! Opening: every segment is verified, then the last one is copied and the copy synced, before anything is answered.
//!
//! A killed process may have written a frame that it never synced. It is in the page cache, so the next process sees it and
//! would answer "already accepted", and a power cut would take it away. Syncing the old file is no remedy: where a sync
//! failed before, the kernel holds its pages for clean. So its frames are written anew, into a new file.
//!
//! The order of removals is what makes a crash of an opening harmless. A copy counts only once the file it came from is
//! gone; that file goes, durably, only once the copy is synced. Removals happen one at a time, each synced.

use super::{
    disk::{Disk, DiskFile},
    error::{DiskError, OpenError},
    frame::{self, PAGE_BYTES},
    log::LogConfig,
    mark::{self, Mark},
    position::Position,
    scan::{Scan, TornTail, scan, whole_frame},
    segment::{self, Copied, Segment, SegmentHeader},
};

/// A verified journal, ready for appends.
pub(crate) struct Recovery<F> {
    /// Full segments, oldest first: number and first frame.
    pub(crate) closed: Vec<(u64, u64)>,
    pub(crate) active: Segment<F>,
    pub(crate) mark: Mark<F>,
    /// The first frame in `active`, where it has one.
    pub(crate) active_first: Option<u64>,
    /// The last record of all.
    pub(crate) last: Position,
    pub(crate) epoch_max: u64,
    pub(crate) torn_tail: Option<TornTail>,
}

pub(crate) fn recover<D: Disk>(disk: &D, config: &LogConfig) -> Result<Recovery<D::File>, OpenError> {
    let numbers = segment_numbers(disk)?;
    let scans = numbers.iter().map(|number| scan(disk, *number)).collect::<Result<Vec<_>, _>>()?;
    let (kept, dropped): (Vec<Scan>, Vec<Scan>) = scans.into_iter().partition(|scan| !is_void(scan, &numbers));
    kept.iter().try_for_each(check)?;
    let torn_tail = kept.last().and_then(|scan| scan.torn.map(|byte| TornTail { file: scan.file.clone(), byte }));
    let (mut chain, torn): (Vec<Scan>, Vec<Scan>) = kept.into_iter().partition(|scan| scan.frames.is_some());
    check_chain(&chain, &torn)?;
    let frames = chain.last().and_then(|scan| scan.frames);
    check_end(disk, chain.last(), torn_tail.as_ref())?;

    // Newest first, so that no copy outlives the file it came from.
    dropped.iter().chain(&torn).rev().try_for_each(|scan| segment::discard(disk, scan.number))?;
    let number = numbers.last().map_or(1, |last| last + 1);
    let active = match chain.pop() {
        Some(source) => {
            let active = copy(disk, config, number, &source)?;
            segment::discard(disk, source.number)?;
            active
        }
        None => Segment::create(disk, SegmentHeader { number, salt: salt(config)?, copy: None, bytes: config.segment_bytes })?,
    };
    let epoch_max = frames.map_or(0, |frames| frames.epoch_max.max(closed_epoch_max(&chain)));
    Ok(Recovery {
        closed: chain.iter().filter_map(|scan| Some((scan.number, scan.frames?.first))).collect(),
        active,
        mark: Mark::create(disk, frames.map_or(0, |frames| frames.last.frame()))?,
        active_first: frames.map(|frames| frames.first),
        last: frames.map_or(Position::START, |frames| frames.last),
        epoch_max,
        torn_tail,
    })
}

fn segment_numbers<D: Disk>(disk: &D) -> Result<Vec<u64>, DiskError> {
    let names = disk.list().map_err(DiskError::on("list", disk.describe("")))?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment::number(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn closed_epoch_max(chain: &[Scan]) -> u64 {
    chain.iter().filter_map(|scan| scan.frames).map(|frames| frames.epoch_max).max().unwrap_or(0)
}

/// Whether nothing in this segment counts: it was never used, or it is a copy whose source is still there.
fn is_void(scan: &Scan, numbers: &[u64]) -> bool {
    let is_unfinished_copy = scan.header.and_then(|header| header.copy).is_some_and(|copy| numbers.contains(&copy.segment));
    is_unfinished_copy || scan.damage.is_none() && !scan.is_used() && !is_lost_copy(scan)
}

/// Whether this copy misses frames that it was durable with.
fn is_lost_copy(scan: &Scan) -> bool {
    let copied = scan.header.and_then(|header| header.copy).map_or(0, |copy| copy.frame_last);
    scan.frames.map_or(0, |frames| frames.last.frame()) < copied
}

fn check(scan: &Scan) -> Result<(), OpenError> {
    let damaged = |byte, what: &str| Err(OpenError::Damaged { file: scan.file.clone(), byte, what: what.to_owned() });
    match &scan.damage {
        Some(damage) => damaged(damage.byte, &damage.what),
        None if is_lost_copy(scan) => {
            damaged(scan.frames.map_or(PAGE_BYTES, |frames| frames.end), "frames that it was written with are missing")
        }
        None => Ok(()),
    }
}

/// Frames must go on from segment to segment, and only the very last may be torn.
fn check_chain(chain: &[Scan], torn: &[Scan]) -> Result<(), OpenError> {
    let used = chain.len() + torn.len();
    let mut all: Vec<&Scan> = chain.iter().chain(torn).collect();
    all.sort_unstable_by_key(|scan| scan.number);
    for (place, scan) in all.iter().enumerate() {
        let damaged = |byte, what| Err(OpenError::Damaged { file: scan.file.clone(), byte, what });
        if let Some(byte) = scan.torn.filter(|_| place + 1 < used) {
            return damaged(byte, "the frame there is invalid, yet there are later segments".to_owned());
        }
        let before = place.checked_sub(1).and_then(|before| all[before].frames);
        if let (Some(before), Some(frames)) = (before, scan.frames)
            && frames.first != before.last.frame() + 1
        {
            return damaged(
                PAGE_BYTES,
                format!("it begins with frame {}, the segment before it ends with {}", frames.first, before.last.frame()),
            );
        }
    }
    Ok(())
}

/// What was synced must be there: the mark knows.
fn check_end<D: Disk>(disk: &D, last: Option<&Scan>, torn: Option<&TornTail>) -> Result<(), OpenError> {
    let frames = last.and_then(|scan| scan.frames);
    let found = frames.map_or(0, |frames| frames.last.frame());
    let Some(synced) = mark::read(disk)?.filter(|synced| found < *synced) else { return Ok(()) };
    let end = last.map(|scan| (scan.file.clone(), frames.map_or(PAGE_BYTES, |frames| frames.end)));
    let (file, byte) = torn.map(|torn| (torn.file.clone(), torn.byte)).or(end).unwrap_or_else(|| (disk.describe(""), 0));
    Err(OpenError::Damaged { file, byte, what: format!("frame {synced} was synced, and the frames end with {found}") })
}

/// Writes the frames of `source` into a new segment, synced with its folder.
fn copy<D: Disk>(disk: &D, config: &LogConfig, number: u64, source: &Scan) -> Result<Segment<D::File>, OpenError> {
    let (header, frames) = source.header.zip(source.frames).expect("a segment in the chain has a header and frames");
    let bytes = config.segment_bytes.max(frames.end);
    let copy = Copied { segment: source.number, frame_last: frames.last.frame() };
    let mut segment = Segment::create(disk, SegmentHeader { number, salt: salt(config)?, copy: Some(copy), bytes })?;
    let old = disk.open(&segment::name(source.number)).map_err(DiskError::on("open", source.file.as_str()))?;
    let name = disk.describe(&segment::name(number));
    while segment.end < frames.end {
        let mut frame = read_frame(&old, header.salt, segment.end).map_err(DiskError::on("read", source.file.as_str()))?;
        let Some((found, _)) = whole_frame(header.salt, &frame) else {
            let what = "the frame there was valid a moment ago".to_owned();
            return Err(OpenError::Damaged { file: source.file.clone(), byte: segment.end, what });
        };
        frame::seal(segment.salt, found.number, found.epoch, &mut frame);
        segment.file.write_all_at(&frame, segment.end).map_err(DiskError::on("write", name.as_str()))?;
        segment.end += frame::bytes_on_disk(found.payload_bytes.into());
    }
    segment.file.sync().map_err(DiskError::on("sync", name))?;
    Ok(segment)
}

/// The bytes of the frame at `offset`, as its header says their number.
pub(crate) fn read_frame<F: DiskFile>(file: &F, salt: u64, offset: u64) -> std::io::Result<Vec<u8>> {
    let mut header = [0; frame::HEADER_BYTES];
    file.read_exact_at(&mut header, offset)?;
    let payload_bytes = frame::FrameHeader::decode(salt, &header).map_or(0, |header| header.payload_bytes as usize);
    let mut frame = vec![0; frame::HEADER_BYTES + payload_bytes];
    file.read_exact_at(&mut frame, offset)?;
    Ok(frame)
}

fn salt(config: &LogConfig) -> Result<u64, DiskError> {
    (config.salt)().map_err(DiskError::on("draw a salt for", "a new segment"))
}
