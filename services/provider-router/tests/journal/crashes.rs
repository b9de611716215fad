//! Crashes at every operation, and for each rule a twin without it that must be caught.

use super::{
    disk::Laws,
    explore::{Play, Step, mix},
    witness::config,
};

fn record(number: usize, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|place| mix(number as u64, place as u64) as u8 | 1).collect()
}

/// Small and large frames, a roll, a clean restart, freeing.
fn script() -> Vec<Step> {
    vec![
        Step::Append(vec![record(1, 40)]),
        Step::Append(vec![record(2, 300), record(3, 700)]),
        Step::Reopen,
        Step::Append(vec![record(4, 5000)]),
        Step::Append(vec![record(5, 10), record(6, 10)]),
        Step::Free,
        Step::Append(vec![record(7, 1500)]),
        Step::Append(vec![record(8, 20)]),
    ]
}

fn lawless(change: impl FnOnce(&mut Play)) -> Result<(), String> {
    let mut play = Play::new(script(), config(0));
    change(&mut play);
    play.explore().map(|_| ())
}

/// A message of a sender who knows how frames look: behind its first page, it holds a frame of its own making.
fn forged(salt: u64, number: u64) -> Vec<u8> {
    let mut frame = vec![0; 32];
    let payload = [&5_u32.to_le_bytes()[..], b"fraud"].concat();
    let sealed =
        [&salt.to_le_bytes()[..], &number.to_le_bytes(), &1_u64.to_le_bytes(), &(payload.len() as u64).to_le_bytes(), &payload].concat();
    frame[0..4].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    frame[4..8].copy_from_slice(&crc32c::crc32c(&sealed).to_le_bytes());
    frame[8..16].copy_from_slice(&number.to_le_bytes());
    frame[16..24].copy_from_slice(&1_u64.to_le_bytes());
    let header = crc32c::crc32c(&[&salt.to_le_bytes()[..], &frame[..24]].concat());
    frame[24..28].copy_from_slice(&header.to_le_bytes());
    // In front of it: the real frame's header and the record's length, then what fills the page.
    [record(1, 4096 - 32 - 4), frame, payload].concat()
}

fn forgery(salt: u64) -> Play {
    Play { crashes: 1, ..Play::new(vec![Step::Append(vec![record(1, 40)]), Step::Append(vec![forged(salt, 3)])], config(0)) }
}

#[test]
fn two_crashes_in_a_row_break_no_promise() {
    let explored = Play::new(script(), config(0)).explore().unwrap();
    println!("{} states, {} openings", explored.states(), explored.openings);
    assert!(explored.states() > 1000, "only {} states", explored.states());
}

#[test]
fn three_crashes_in_a_row_break_no_promise() {
    let short = vec![Step::Append(vec![record(1, 40)]), Step::Append(vec![record(2, 600)])];
    let play = Play { crashes: 3, cuts: 2, ..Play::new(short, config(0)) };
    let explored = play.explore().unwrap();
    println!("{} states, {} openings", explored.states(), explored.openings);
    assert!(explored.states() > 100, "only {} states", explored.states());
}

#[test]
fn crashes_while_the_reserve_is_made_break_no_promise() {
    let play = Play { crashes: 1, ..Play::new(script(), config(1)) };
    let explored = play.explore().unwrap();
    assert!(explored.states() > 100, "only {} states", explored.states());
}

#[test]
fn short_writes_break_no_promise() {
    let laws = Laws { write_bytes_max: Some(1000), ..Laws::default() };
    let play = Play { laws, crashes: 1, cuts: 4, ..Play::new(script(), config(0)) };
    play.explore().unwrap();
}

#[test]
fn message_that_holds_a_frame_is_only_a_message() {
    forgery(0xbad).explore().unwrap();
}

#[test]
fn opening_without_a_synced_copy_is_caught() {
    let violation = lawless(|play| play.opens_without_sync = true).unwrap_err();
    assert!(violation.contains("lost") || violation.contains("damaged"), "{violation}");
}

#[test]
fn answering_before_the_sync_is_caught() {
    let violation = lawless(|play| play.answers_before_sync = true).unwrap_err();
    assert!(violation.contains("promised and is lost"), "{violation}");
}

#[test]
fn writing_on_before_the_sync_is_caught() {
    let violation = lawless(|play| play.writes_ahead = true).unwrap_err();
    assert!(violation.contains("damaged"), "{violation}");
}

#[test]
fn folder_that_is_not_synced_is_caught() {
    let violation = lawless(|play| play.laws.skip_folder_sync = true).unwrap_err();
    assert!(violation.contains("lost"), "{violation}");
}

#[test]
fn salt_that_the_sender_knows_is_caught() {
    let violation = forgery(super::witness::salt().unwrap()).explore().map(|_| ()).unwrap_err();
    assert!(violation.contains("yet frame 3 stands behind it"), "{violation}");
}
