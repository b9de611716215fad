//! A disk that is full, fails or changes bytes: what is refused, what is named, what goes on.

use argentum_provider_router::journal::{Append, Disk, JournalError, Log, LogConfig, OpenError, Position};

use super::{
    disk::{Laws, SimDisk},
    witness::{SEGMENT_BYTES, Witness, config, open},
};

fn opened(disk: &SimDisk, config: &LogConfig) -> Log<SimDisk> {
    open(disk, config).unwrap().0
}

/// Appends and syncs one record that takes a page.
fn append(log: &mut Log<SimDisk>, class: Append, text: &str) -> Result<Position, JournalError> {
    log.write(1, class, &[text])?;
    log.sync()
}

/// A journal of eight frames in three segments, as a process leaves it that was killed.
fn eight_frames() -> SimDisk {
    let disk = SimDisk::new(Laws::default());
    let mut log = opened(&disk, &config(0));
    for number in 1..=8 {
        append(&mut log, Append::New, &format!("record {number}")).unwrap();
    }
    disk.kill()
}

fn segments(disk: &SimDisk) -> Vec<String> {
    disk.files().into_keys().filter(|name| name.ends_with(".segment")).collect()
}

fn texts(disk: &SimDisk) -> Result<Vec<String>, OpenError> {
    let (_, records) = open(disk, &config(0))?;
    Ok(records.into_iter().map(|record| String::from_utf8(record.payload).unwrap()).collect())
}

fn first_texts(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("record {number}")).collect()
}

fn damaged(disk: &SimDisk) -> (String, u64) {
    match texts(disk) {
        Err(OpenError::Damaged { file, byte, .. }) => (file, byte),
        other => panic!("damage was not named: {other:?}"),
    }
}

#[test]
fn failed_sync_is_final() {
    let disk = SimDisk::new(Laws::default());
    let mut log = opened(&disk, &config(0));
    let sync_of_first = disk.operations() + 1;
    disk.change_laws(|laws| laws.fail_sync_at = Some(sync_of_first));
    let first = append(&mut log, Append::New, "one");
    let second = append(&mut log, Append::Finish, "two");
    assert!(matches!((first, second), (Err(JournalError::Poisoned(_)), Err(JournalError::Poisoned(_)))));
}

#[test]
fn failed_sync_at_any_place_breaks_no_promise() {
    for operation in 0..60 {
        let disk = SimDisk::new(Laws { fail_sync_at: Some(operation), ..Laws::default() });
        let mut witness = Witness::default();
        if let Ok((mut log, _)) = open(&disk, &config(0)) {
            for number in 0..8 {
                let batch = [format!("record {number}").into_bytes()];
                witness.attempt(&batch);
                let Ok(_) = log.write(1, Append::New, &batch) else { break };
                let Ok(last) = log.sync() else { break };
                witness.acknowledge(last);
            }
        }
        // The next process sees the page cache; what it shows must be durable although those pages count as clean.
        let next = disk.kill();
        next.change_laws(|laws| laws.fail_sync_at = None);
        let (_, records) = open(&next, &config(0)).unwrap();
        witness.see(&records).unwrap();
        let (_, records) = open(&next.power_cut(|_| false), &config(0)).unwrap();
        witness.see(&records).unwrap_or_else(|violation| panic!("sync failed at operation {operation}: {violation}"));
    }
}

#[test]
fn new_messages_are_refused_below_the_low_water_mark() {
    let disk = SimDisk::new(Laws { bytes_free: Some(999), ..Laws::default() });
    let mut log = opened(&disk, &LogConfig { bytes_free_min: 1000, ..config(0) });
    let new = append(&mut log, Append::New, "new");
    assert!(matches!(new, Err(JournalError::LowSpace { bytes_free: 999, bytes_free_min: 1000 })), "{new:?}");
    append(&mut log, Append::Finish, "accepted").unwrap();
}

#[test]
fn full_disk_leaves_the_reserve_to_accepted_messages() {
    let disk = SimDisk::new(Laws { bytes_max: Some(3 * SEGMENT_BYTES as usize + 512), ..Laws::default() });
    let mut log = opened(&disk, &config(2));
    for number in 0..3 {
        append(&mut log, Append::New, &number.to_string()).unwrap();
    }
    assert!(matches!(append(&mut log, Append::New, "new"), Err(JournalError::Full(_))));
    // Two segments of three frames each.
    for number in 0..6 {
        append(&mut log, Append::Finish, &number.to_string()).unwrap();
    }
    assert!(matches!(append(&mut log, Append::Finish, "too much"), Err(JournalError::Full(_))));
    // Nothing is broken: with room, it goes on.
    disk.change_laws(|laws| laws.bytes_max = None);
    append(&mut log, Append::New, "new").unwrap();
}

#[test]
fn full_disk_can_be_reopened() {
    let disk = SimDisk::new(Laws { bytes_max: Some(3 * SEGMENT_BYTES as usize + 512), ..Laws::default() });
    let mut log = opened(&disk, &config(2));
    append(&mut log, Append::New, "one").unwrap();
    assert_eq!(texts(&disk.kill()).unwrap(), ["one"]);
}

#[test]
fn freeing_gives_the_room_back_and_keeps_numbers() {
    let disk = SimDisk::new(Laws::default());
    let mut log = opened(&disk, &config(0));
    for number in 1..=8 {
        append(&mut log, Append::New, &format!("record {number}")).unwrap();
    }
    let freed = log.free_before(Position::from_u64(8 << 16)).unwrap();
    let (_, records) = open(&disk.kill(), &config(0)).unwrap();
    let frames: Vec<u64> = records.iter().map(|record| record.position.frame()).collect();
    assert_eq!((freed, frames), (2, vec![7, 8]));
}

#[test]
fn flipped_bit_is_named_or_touches_nothing() {
    let disk = eight_frames();
    for (name, bytes) in &disk.files() {
        for byte in (0..bytes.len()).filter(|byte| bytes[*byte] != 0 || byte % 61 == 0) {
            let flipped = disk.kill();
            flipped.tamper(name, |bytes| bytes[byte] ^= 1 << (byte % 8));
            match texts(&flipped) {
                Ok(found) => assert_eq!(found, first_texts(8), "{name} at {byte}"),
                Err(OpenError::Damaged { file, byte: named, .. }) => {
                    assert!(file.ends_with(name) && named as usize / 4096 == byte / 4096, "{name} at {byte}: named {file} at {named}");
                }
                Err(error) => panic!("{name} at {byte}: {error}"),
            }
        }
    }
}

#[test]
fn damage_changes_no_file() {
    let disk = eight_frames();
    let name = segments(&disk).remove(0);
    disk.tamper(&name, |bytes| bytes[4096 + 40] ^= 1);
    let before = disk.files();
    damaged(&disk);
    assert_eq!(disk.files(), before);
}

#[test]
fn wiped_frame_before_others_is_named() {
    let disk = eight_frames();
    let name = segments(&disk).remove(1);
    disk.tamper(&name, |bytes| bytes[2 * 4096..3 * 4096].fill(0));
    assert_eq!(damaged(&disk), (format!("sim/{name}"), 2 * 4096));
}

#[test]
fn wiped_end_of_a_full_segment_is_named() {
    let disk = eight_frames();
    let names = segments(&disk);
    disk.tamper(&names[0], |bytes| bytes[3 * 4096..].fill(0));
    assert_eq!(damaged(&disk), (format!("sim/{}", names[1]), 4096));
}

#[test]
fn wiped_last_frame_is_named_although_it_could_be_torn() {
    let disk = eight_frames();
    let name = segments(&disk).pop().unwrap();
    disk.tamper(&name, |bytes| bytes[2 * 4096..].fill(0));
    assert_eq!(damaged(&disk), (format!("sim/{name}"), 2 * 4096));
}

#[test]
fn wiped_journal_is_never_an_empty_one() {
    let disk = eight_frames();
    segments(&disk).iter().for_each(|name| disk.tamper(name, |bytes| bytes.fill(0)));
    damaged(&disk);
    segments(&disk).iter().for_each(|name| disk.remove(name).unwrap());
    damaged(&disk);
}

#[test]
fn torn_tail_is_dropped_and_told() {
    let disk = SimDisk::new(Laws::default());
    let mut log = opened(&disk, &config(0));
    append(&mut log, Append::New, "whole").unwrap();
    log.write(1, Append::New, &["torn ".repeat(300)]).unwrap();
    // One sector of its three comes to the disk.
    let cut = disk.power_cut(|place| place == 0);
    let opened = Log::open(cut.clone(), config(0)).unwrap();
    assert_eq!(opened.torn_tail.map(|tail| tail.byte), Some(2 * 4096));
    assert_eq!(texts(&cut).unwrap(), ["whole"]);
}

#[test]
fn truncated_segment_is_named() {
    let disk = eight_frames();
    let name = segments(&disk).pop().unwrap();
    disk.tamper(&name, |bytes| bytes.truncate(4096));
    assert_eq!(damaged(&disk), (format!("sim/{name}"), 4096));
}

#[test]
fn missing_segment_is_named() {
    let disk = eight_frames();
    let names = segments(&disk);
    disk.remove(&names[1]).unwrap();
    assert_eq!(damaged(&disk), (format!("sim/{}", names[2]), 4096));
}

#[test]
fn lost_header_is_named() {
    let disk = eight_frames();
    let name = segments(&disk).pop().unwrap();
    disk.tamper(&name, |bytes| bytes[..4096].fill(0));
    assert_eq!(damaged(&disk), (format!("sim/{name}"), 0));
}

#[test]
fn newer_format_is_refused_untouched() {
    let disk = eight_frames();
    let name = segments(&disk).remove(0);
    disk.tamper(&name, |bytes| {
        bytes[8] = 2;
        let crc = crc32c::crc32c(&bytes[..56]);
        bytes[56..60].copy_from_slice(&crc.to_le_bytes());
    });
    let before = disk.files();
    assert!(matches!(texts(&disk), Err(OpenError::Unsupported { found: 2, supported: 1, .. })));
    assert_eq!(disk.files(), before);
}

#[test]
fn epoch_of_an_earlier_owner_is_refused() {
    let disk = SimDisk::new(Laws::default());
    let mut log = opened(&disk, &config(0));
    log.write(7, Append::New, &["mine"]).unwrap();
    log.sync().unwrap();
    let mut next = opened(&disk.kill(), &config(0));
    assert_eq!(next.epoch(), 7);
    let stale = next.write(6, Append::Finish, &["not mine any more"]);
    assert!(matches!(stale, Err(JournalError::StaleEpoch { epoch: 6, owner: 7 })));
}

#[test]
fn second_frame_waits_for_the_sync_of_the_first() {
    let mut log = opened(&SimDisk::new(Laws::default()), &config(0));
    log.write(1, Append::New, &["one"]).unwrap();
    assert!(matches!(log.write(1, Append::New, &["two"]), Err(JournalError::Unsynced)));
}

#[test]
fn append_that_fits_no_frame_is_refused() {
    let mut log = opened(&SimDisk::new(Laws::default()), &config(0));
    let many = vec![""; 513];
    assert!(matches!(log.write(1, Append::New, &many), Err(JournalError::TooLarge { records: 513, .. })));
    let large = vec![0; SEGMENT_BYTES as usize];
    assert!(matches!(log.write(1, Append::New, &[large]), Err(JournalError::TooLarge { .. })));
    assert!(matches!(log.write::<Vec<u8>>(1, Append::New, &[]), Err(JournalError::Empty)));
}

#[test]
fn files_that_are_not_the_journals_stay() {
    let disk = SimDisk::new(Laws::default());
    disk.create("lost+found").unwrap();
    opened(&disk, &config(0));
    assert!(disk.files().contains_key("lost+found"));
}
