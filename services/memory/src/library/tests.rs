//! Records, index and overlay together, on a disk.

mod same_as_a_list;

use std::{collections::BTreeSet, fs};

use argentum_proto::memory::v1::{Conversation, RememberTurnRequest};
use tempfile::TempDir;

use super::*;
use crate::records::tests::turn;

/// A library that can be closed and opened again.
pub(super) struct Shelf {
    folder: TempDir,
    library: Option<Library>,
}

impl Shelf {
    pub(super) fn new() -> Self {
        let mut shelf = Self { folder: TempDir::new().unwrap(), library: None };
        shelf.open();
        shelf
    }

    /// Closes it as a kill does: nothing is moved to the index.
    pub(super) fn close(&mut self) {
        self.library = None;
    }

    pub(super) fn open(&mut self) {
        self.close();
        self.library = Some(Library::open(self.folder.path()).unwrap());
    }

    pub(super) fn library(&self) -> &Library {
        self.library.as_ref().unwrap()
    }

    fn tell(&self, request: RememberTurnRequest) {
        self.library().remember(vec![Telling::of_turn(request).unwrap()]).unwrap();
    }

    fn forget(&self, record_id: &str) -> u64 {
        self.library().forget(&Selection { record_id: Some(record_id.to_owned()), ..Selection::default() }).unwrap()
    }

    fn commit(&self) {
        while self.library().catch_up().unwrap() {}
    }

    /// Texts that are recalled, best first.
    fn recall(&self, text: &str) -> Vec<String> {
        let found = self.library().recall(&Query::new(text, None, BTreeSet::new()), bounds(50)).unwrap();
        assert!(!found.is_partial);
        found.records.into_iter().map(|record| record.text[11..].to_owned()).collect()
    }

    fn index_folder(&self) -> PathBuf {
        self.folder.path().join(archive::FOLDER).join(INDEX)
    }

    fn indexed(&self) -> u64 {
        self.library().overlay.read().unwrap().position()
    }
}

pub(super) fn bounds(records_max: usize) -> Bounds {
    Bounds { records_max, bytes_max: 1 << 20, record_bytes_max: 1 << 20, now_ms: 1_000_000_000_000 }
}

fn question_id(number: u128) -> String {
    Telling::of_turn(turn(number, "x", "")).unwrap().records[0].id().to_owned()
}

#[test]
fn what_is_remembered_is_recalled_at_once_and_after_a_kill() {
    let mut shelf = Shelf::new();
    shelf.tell(turn(1, "The kettle is green", ""));
    assert_eq!(shelf.recall("kettle"), ["Ann: The kettle is green"]);
    shelf.open();
    assert_eq!(shelf.recall("kettle"), ["Ann: The kettle is green"]);
}

#[test]
fn author_and_date_can_be_asked_for() {
    let shelf = Shelf::new();
    shelf.tell(turn(1, "The kettle is green", ""));
    assert_eq!(shelf.recall("Ann").len(), 1);
    assert_eq!(shelf.recall("2001-09-09").len(), 1);
    assert_eq!(shelf.recall("2002").len(), 0);
}

#[test]
fn an_answer_is_found_by_its_question() {
    let shelf = Shelf::new();
    shelf.tell(turn(1, "Where is the kettle?", "In the cellar."));
    assert_eq!(shelf.recall("kettle"), ["Ann: Where is the kettle?", "assistant: In the cellar."]);
}

#[test]
fn what_is_told_again_is_one_record_and_stays_forgotten() {
    let mut shelf = Shelf::new();
    shelf.tell(turn(1, "kettle", ""));
    shelf.tell(turn(1, "kettle", ""));
    shelf.library().remember(vec![Telling::of_turn(turn(2, "kettle", "")).unwrap(); 2]).unwrap();
    assert_eq!(shelf.recall("kettle").len(), 2);
    assert_eq!(shelf.forget(&question_id(1)), 1);
    shelf.open();
    shelf.tell(turn(1, "kettle", ""));
    assert_eq!(shelf.recall("kettle").len(), 1);
}

#[test]
fn the_index_ranks_as_the_overlay_did() {
    let shelf = Shelf::new();
    for number in 0..40u128 {
        let words: Vec<&str> = ["tea", "kettle", "green", "cellar", "painted"]
            .into_iter()
            .cycle()
            .skip(number as usize % 7)
            .take(number as usize % 11 + 1)
            .collect();
        shelf.tell(turn(number + 1, &words.join(" "), "Indeed."));
    }
    let before = shelf.recall("the green kettle, painted");
    shelf.commit();
    assert_eq!(shelf.indexed(), 80);
    assert_eq!(shelf.recall("the green kettle, painted"), before);
}

#[test]
fn forgotten_words_leave_the_index_with_its_next_commit() {
    let shelf = Shelf::new();
    shelf.tell(turn(1, "xylophone", "What about it?"));
    shelf.tell(turn(2, "kettle", ""));
    shelf.commit();
    let index = || Arc::clone(&shelf.library().index.read().unwrap());
    assert_eq!(index().holds("xylophone"), (2, false), "as a word, and as what the answer follows");
    shelf.forget(&question_id(1));
    assert_eq!(shelf.recall("xylophone"), [""; 0]);
    shelf.commit();
    assert_eq!(index().holds("xylophone"), (0, false));
    // What follows the answer in its conversation is found by it, too.
    assert_eq!(shelf.recall("about"), ["assistant: What about it?", "Ann: kettle"]);
}

#[test]
fn what_was_forgotten_before_a_kill_leaves_the_index_after_it() {
    let mut shelf = Shelf::new();
    shelf.tell(turn(1, "xylophone", ""));
    shelf.commit();
    shelf.forget(&question_id(1));
    shelf.open();
    assert_eq!(shelf.recall("xylophone"), [""; 0]);
    shelf.commit();
    assert_eq!(shelf.library().index.read().unwrap().holds("xylophone"), (0, false));
}

#[test]
fn a_damaged_index_is_made_anew() {
    let mut shelf = Shelf::new();
    (1..=20).for_each(|number| shelf.tell(turn(number, &format!("kettle {number}"), "")));
    shelf.commit();
    let files = || fs::read_dir(shelf.index_folder()).unwrap().map(|entry| entry.unwrap().path());
    let segments: Vec<PathBuf> =
        files().filter(|path| path.extension().is_some_and(|extension| extension != "lock" && extension != "json")).collect();
    assert!(!segments.is_empty());
    for segment in segments {
        shelf.open();
        shelf.commit();
        assert_eq!(shelf.indexed(), 20);
        shelf.close();
        let Ok(mut bytes) = fs::read(&segment) else { continue };
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        fs::write(&segment, bytes).unwrap();
        shelf.open();
        assert_eq!(shelf.recall("kettle").len(), 20, "{}", segment.display());
    }
}

#[test]
fn an_index_of_another_version_or_of_later_records_is_made_anew() {
    for (from, to) in [("argentum-index-1", "argentum-index-0"), (" 1\"", " 2\"")] {
        let mut shelf = Shelf::new();
        shelf.tell(turn(1, "kettle", ""));
        shelf.commit();
        shelf.close();
        let meta = shelf.index_folder().join("meta.json");
        let text = fs::read_to_string(&meta).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&meta, text.replace(from, to)).unwrap();
        shelf.open();
        assert_eq!((shelf.indexed(), shelf.recall("kettle").len()), (0, 1));
    }
}

#[test]
fn an_index_that_fails_while_it_serves_is_mended() {
    let shelf = Shelf::new();
    shelf.tell(turn(1, "kettle", ""));
    shelf.commit();
    shelf.library().mend().unwrap();
    assert_eq!((shelf.indexed(), shelf.recall("kettle").len()), (0, 1));
    shelf.commit();
    assert_eq!((shelf.indexed(), shelf.recall("kettle").len()), (1, 1));
}

#[test]
fn unreadable_records_are_never_replaced() {
    let mut shelf = Shelf::new();
    shelf.tell(turn(1, "kettle", ""));
    shelf.close();
    let log = shelf.folder.path().join(archive::FOLDER).join("tree").join("db");
    let damaged: Vec<u8> = fs::read(&log).unwrap().iter().map(|byte| byte ^ 0x55).collect();
    fs::write(&log, &damaged).unwrap();
    assert!(Library::open(shelf.folder.path()).is_err());
    assert!(fs::read(&log).unwrap() == damaged, "the damaged log was changed");
}

#[test]
fn recalled_texts_are_bounded() {
    let shelf = Shelf::new();
    (1..=9).for_each(|number| shelf.tell(turn(number, &format!("{} kettle {}", "bla ".repeat(400), "bla ".repeat(400)), "")));
    let bounds = Bounds { bytes_max: 1_000, record_bytes_max: 200, ..bounds(9) };
    let texts = shelf.library().recall(&Query::new("kettle", None, BTreeSet::new()), bounds).unwrap().records;
    assert_eq!(texts.len(), 4, "each with its heading takes 222 bytes or so");
    assert!(texts.iter().all(|record| record.text.contains("kettle")));
}

#[test]
fn of_two_that_fit_equally_well_the_newer_comes_first() {
    let shelf = Shelf::new();
    let year_ms = 365 * 24 * 3_600_000;
    for (number, asked_at_ms) in [(1, 1_000_000_000_000), (2, 1_000_000_000_000 - year_ms)] {
        // Each in a conversation of its own: else the second is found by the first as well.
        let conversation =
            turn(number, "", "").conversation.map(|known| Conversation { platform_conversation_id: number.to_string(), ..known });
        shelf.tell(RememberTurnRequest { asked_at_ms, conversation, ..turn(number, "kettle", "") });
    }
    let dates = shelf.library().recall(&Query::new("kettle", None, BTreeSet::new()), bounds(2)).unwrap().records;
    assert_eq!(dates.iter().map(|record| &record.text[..4]).collect::<Vec<_>>(), ["2001", "2000"]);
}
