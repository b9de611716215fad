//! Who is let in, who is answered, and how often.

use super::*;

const DAY_MS: u64 = 24 * HOUR_MS;

fn author(id: &str, place: Place) -> Author {
    Author { id: id.parse().unwrap(), name: "Ada\u{1b}[2J".to_owned(), is_weak: false, place }
}

fn private() -> Place {
    Place::Private("1".parse().unwrap())
}

fn group() -> Place {
    Place::Group { id: "-7".parse().unwrap(), title: "Tea".to_owned() }
}

fn nobody() -> BTreeSet<String> {
    BTreeSet::new()
}

impl Pairing {
    fn hears(&mut self, id: &str, place: Place, pairs: bool, now_ms: u64) -> Verdict {
        // Randomness that differs from caller to caller.
        let entropy = now_ms.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ id.parse::<u64>().unwrap_or(1).wrapping_mul(0x1234_5678_9abc_def1);
        self.judge(&author(id, place), &nobody(), pairs, entropy, now_ms)
    }
}

fn invited(verdict: Verdict) -> String {
    match verdict {
        Verdict::Invited { code } => code,
        other => panic!("no code: {other:?}"),
    }
}

#[test]
fn a_stranger_is_told_one_code_a_day() {
    let mut pairing = Pairing::default();
    assert_eq!(invited(pairing.hears("1", private(), false, 0)).len(), 8);
    let later = [1, HOUR_MS, DAY_MS - 1].map(|now_ms| pairing.hears("1", private(), false, now_ms));
    assert_eq!(later, [Verdict::Ignored, Verdict::Ignored, Verdict::Ignored]);
    invited(pairing.hears("1", private(), false, DAY_MS));
}

#[test]
fn who_was_told_a_code_is_let_in_once_it_is_approved() {
    let mut pairing = Pairing::default();
    let code = invited(pairing.hears("1", private(), false, 0));
    let stranger = pairing.approve(&code.to_ascii_lowercase(), 5).unwrap();
    assert_eq!((stranger.id.as_str(), stranger.name.as_str()), ("1", "Ada[2J"));
    assert_eq!(pairing.hears("1", private(), false, 6), Verdict::Admitted);
    assert_eq!(pairing.approve(&code, 7), None, "a code is good once");
}

#[test]
fn a_code_expires() {
    let mut pairing = Pairing::default();
    let code = invited(pairing.hears("1", private(), false, 1_000));
    let mut early = pairing.clone();
    assert_eq!(pairing.approve(&code, 1_000 + CODE_MS), None);
    assert_eq!(early.approve(&code, 999), None, "a clock before its issue means expired");
}

#[test]
fn a_crowd_of_strangers_is_answered_ten_times_an_hour() {
    let mut pairing = Pairing::default();
    let verdicts: Vec<_> = (0..50).map(|id| pairing.hears(&id.to_string(), private(), false, 0)).collect();
    assert!(verdicts[..REPLIES_PER_HOUR].iter().all(|verdict| matches!(verdict, Verdict::Invited { .. })), "{verdicts:?}");
    assert!(verdicts[REPLIES_PER_HOUR..].iter().all(|verdict| *verdict == Verdict::Crowded), "{verdicts:?}");
    assert_eq!(pairing.hears("1", private(), false, 1), Verdict::Ignored, "one who was told is no crowd");
    invited(pairing.hears("99", private(), false, HOUR_MS));
}

#[test]
fn a_group_is_let_in_by_a_paired_person_and_then_with_everybody_in_it() {
    let mut pairing = Pairing::default();
    assert_eq!(pairing.hears("1", group(), true, 0), Verdict::Ignored, "a stranger lets nobody in and is not answered");
    let code = invited(pairing.hears("1", private(), false, 0));
    pairing.approve(&code, 0).unwrap();
    let verdicts = [(false, 1), (false, 2), (true, 3)].map(|(pairs, now_ms)| pairing.hears("1", group(), pairs, now_ms));
    assert_eq!(verdicts, [Verdict::GroupUnknown, Verdict::Ignored, Verdict::GroupPaired]);
    assert_eq!(pairing.hears("2", group(), false, 4), Verdict::Admitted);
    assert_ne!(pairing.hears("2", private(), false, 5), Verdict::Admitted, "a group lets nobody in elsewhere");
}

#[test]
fn a_weak_identity_lets_no_group_in_and_is_told_so() {
    let mut pairing = Pairing::default();
    let allowed = BTreeSet::from(["1".to_owned(), "2".to_owned()]);
    let weak = Author { is_weak: true, ..author("1", group()) };
    let asked = [(false, 0), (false, 1), (true, 2), (true, 3), (true, HOUR_MS + 2), (false, DAY_MS)];
    let verdicts = asked.map(|(pairs, now_ms)| pairing.judge(&weak, &allowed, pairs, 0, now_ms));
    let (told, not) = (Verdict::GroupUnvouched, Verdict::Ignored);
    assert_eq!(verdicts, [told.clone(), not.clone(), told.clone(), not, told.clone(), told]);
    let verdicts = [false, true].map(|pairs| pairing.judge(&author("2", group()), &allowed, pairs, 0, DAY_MS + 1));
    assert_eq!(verdicts, [Verdict::GroupUnknown, Verdict::GroupPaired]);
}

#[test]
fn who_is_revoked_is_a_stranger_again() {
    let mut pairing = Pairing::default();
    let code = invited(pairing.hears("1", private(), false, 0));
    pairing.approve(&code, 0).unwrap();
    assert!(pairing.revoke("1") && !pairing.revoke("1"));
    assert_ne!(pairing.hears("1", private(), false, 1), Verdict::Admitted);
}
