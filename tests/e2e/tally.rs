//! What became of every message, counted at the platform's side. The checker has red tests of its own: one that cannot fail proves
//! nothing.

use std::collections::{BTreeMap, BTreeSet};

/// A message as its sender knows it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) conversation: String,
    pub(crate) key: String,
    pub(crate) text: String,
    /// Refused for good, and said so.
    pub(crate) is_rejected: bool,
}

/// A message as the platform shows it, with what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) key: String,
    pub(crate) question: String,
    pub(crate) is_failure: bool,
    /// Answered before the reader looked; else it is still under way.
    pub(crate) is_ended: bool,
}

/// The columns; the first three sum to `sent`, the others must be 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) sent: usize,
    pub(crate) answered: usize,
    pub(crate) failed: usize,
    pub(crate) rejected: usize,
    pub(crate) lost: usize,
    pub(crate) duplicates: usize,
    pub(crate) wrong_conversation: usize,
    pub(crate) disordered: usize,
    pub(crate) unfinished: usize,
}

impl Tally {
    /// Counts. `shown` are the messages of each conversation, in the order in which the platform shows them.
    pub(crate) fn of(sent: &[Sent], shown: &BTreeMap<String, Vec<Shown>>) -> Self {
        let mut tally = Self { sent: sent.len(), rejected: sent.iter().filter(|sent| sent.is_rejected).count(), ..Self::default() };
        for message in sent.iter().filter(|sent| !sent.is_rejected) {
            let here: Vec<&Shown> =
                shown.get(&message.conversation).into_iter().flatten().filter(|shown| shown.key == message.key).collect();
            let elsewhere = shown.iter().filter(|(id, _)| **id != message.conversation).flat_map(|(_, shown)| shown);
            tally.wrong_conversation += elsewhere.filter(|shown| shown.key == message.key || shown.question == message.text).count();
            tally.duplicates += here.len().saturating_sub(1);
            match here.first() {
                None => tally.lost += 1,
                Some(shown) if shown.question != message.text => tally.lost += 1,
                Some(shown) if !shown.is_ended => tally.unfinished += 1,
                Some(shown) if shown.is_failure => tally.failed += 1,
                Some(_) => tally.answered += 1,
            }
        }
        tally.disordered = shown.iter().map(|(id, shown)| disorder(sent, id, shown)).sum();
        tally
    }

    /// Whether every promise was kept.
    pub(crate) fn is_clean(&self) -> bool {
        let bad = self.lost + self.duplicates + self.wrong_conversation + self.disordered + self.unfinished;
        bad == 0 && self.answered + self.failed + self.rejected == self.sent
    }
}

/// Neighbours that stand in another order than they were sent in, and messages that nobody sent.
fn disorder(sent: &[Sent], conversation: &str, shown: &[Shown]) -> usize {
    let order: BTreeMap<&str, usize> =
        sent.iter().filter(|sent| sent.conversation == conversation).enumerate().map(|(place, sent)| (sent.key.as_str(), place)).collect();
    let strangers =
        shown.iter().map(|shown| shown.key.as_str()).collect::<BTreeSet<_>>().into_iter().filter(|key| !order.contains_key(key)).count();
    let places: Vec<usize> = shown.iter().filter_map(|shown| order.get(shown.key.as_str()).copied()).collect();
    strangers + places.windows(2).filter(|pair| pair[0] > pair[1]).count()
}

mod tests {
    use super::*;

    fn sent(key: &str) -> Sent {
        Sent { conversation: "c".into(), key: key.into(), text: format!("text {key}"), is_rejected: false }
    }

    fn shown(key: &str) -> Shown {
        Shown { key: key.into(), question: format!("text {key}"), is_failure: false, is_ended: true }
    }

    fn tally(messages: Vec<Shown>) -> Tally {
        Tally::of(&[sent("1"), sent("2")], &BTreeMap::from([("c".to_owned(), messages)]))
    }

    #[test]
    fn the_checker_passes_what_is_as_it_should_be() {
        assert!(tally(vec![shown("1"), shown("2")]).is_clean());
    }

    #[test]
    fn the_checker_finds_a_lost_message() {
        let tally = tally(vec![shown("2")]);
        assert_eq!((tally.lost, tally.is_clean()), (1, false));
    }

    #[test]
    fn the_checker_finds_a_message_whose_text_changed() {
        let tally = tally(vec![Shown { question: "other".into(), ..shown("1") }, shown("2")]);
        assert_eq!((tally.lost, tally.is_clean()), (1, false));
    }

    #[test]
    fn the_checker_finds_a_doubled_message() {
        let tally = tally(vec![shown("1"), shown("1"), shown("2")]);
        assert_eq!((tally.duplicates, tally.is_clean()), (1, false));
    }

    #[test]
    fn the_checker_finds_a_message_in_the_wrong_conversation() {
        let found = BTreeMap::from([("c".to_owned(), vec![shown("1"), shown("2")]), ("d".to_owned(), vec![shown("1")])]);
        let tally = Tally::of(&[sent("1"), sent("2")], &found);
        assert_eq!((tally.wrong_conversation, tally.is_clean()), (1, false));
    }

    #[test]
    fn the_checker_finds_a_broken_order() {
        let tally = tally(vec![shown("2"), shown("1")]);
        assert_eq!((tally.disordered, tally.is_clean()), (1, false));
    }

    #[test]
    fn the_checker_finds_a_message_that_nobody_sent() {
        assert!(!tally(vec![shown("1"), shown("2"), shown("3")]).is_clean());
    }

    #[test]
    fn the_checker_finds_a_message_that_is_stuck() {
        let tally = tally(vec![shown("1"), Shown { is_ended: false, ..shown("2") }]);
        assert_eq!((tally.unfinished, tally.is_clean()), (1, false));
    }
}
