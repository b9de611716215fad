//! What an account has received and has no final answer for yet, as a plain value.
//!
//! At most one message of a conversation is on its way to the router, in the order of their coming; conversations do not wait for each
//! other. What is acknowledged to a platform that knows only a cumulative cursor is the longest run of final answers from the oldest on.

use std::collections::{BTreeMap, VecDeque};

use argentum_proto::ids::ConversationToken;

/// Messages without a final answer, by their place at the platform, which is whatever acknowledges them there.
#[derive(Debug)]
pub(crate) struct Backlog<P> {
    /// Oldest first; the flag says whether the answer was final.
    places: VecDeque<(P, ConversationToken, bool)>,
    /// The places of each conversation, oldest first: that one is on its way, the others wait.
    conversations: BTreeMap<ConversationToken, VecDeque<P>>,
    count_max: usize,
}

/// What to do with a message that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on its way.
    Start,
    /// An earlier one of its conversation is on its way.
    Wait,
    /// It was received before and has its place.
    Known,
    /// Too many are on their way; the platform keeps it.
    Full,
}

// === impl Backlog ===

impl<P: Clone + PartialEq> Backlog<P> {
    pub(crate) fn new(count_max: usize) -> Self {
        Self { places: VecDeque::new(), conversations: BTreeMap::new(), count_max }
    }

    /// Whether nothing is without a final answer or waits to be acknowledged.
    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.count_max <= self.places.len()
    }

    /// Takes a message in.
    pub(crate) fn receive(&mut self, place: P, conversation: ConversationToken) -> Verdict {
        if self.places.iter().any(|(known, ..)| *known == place) {
            return Verdict::Known;
        }
        if self.is_full() {
            return Verdict::Full;
        }
        self.places.push_back((place.clone(), conversation.clone(), false));
        let queue = self.conversations.entry(conversation).or_default();
        queue.push_back(place);
        if queue.len() == 1 { Verdict::Start } else { Verdict::Wait }
    }

    /// Notes a final answer. Returns the message of the same conversation whose turn it is now.
    pub(crate) fn settle(&mut self, place: &P) -> Option<P> {
        let (_, conversation, is_settled) = self.places.iter_mut().find(|(known, _, is_settled)| known == place && !is_settled)?;
        *is_settled = true;
        let queue = self.conversations.get_mut(conversation)?;
        queue.pop_front();
        let next = queue.front().cloned();
        if next.is_none() {
            self.conversations.remove(&*conversation);
        }
        next
    }

    /// Takes the settled messages from the oldest on out, and returns the last of them: all up to it may be acknowledged.
    pub(crate) fn take_acknowledged(&mut self) -> Option<P> {
        let mut last = None;
        while self.places.front().is_some_and(|(.., is_settled)| *is_settled) {
            last = self.places.pop_front().map(|(place, ..)| place);
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use argentum_proto::ids::ConversationId;
    use proptest::prelude::*;

    use super::*;

    fn token(name: &str) -> ConversationToken {
        ConversationId::parse(name).unwrap().token()
    }

    #[test]
    fn one_message_of_a_conversation_is_on_its_way_and_others_do_not_wait_for_it() {
        let mut backlog = Backlog::new(10);
        let verdicts = [(1, "a"), (2, "a"), (3, "b")].map(|(place, name)| backlog.receive(place, token(name)));
        assert_eq!(verdicts, [Verdict::Start, Verdict::Wait, Verdict::Start]);
        assert_eq!([backlog.settle(&3), backlog.settle(&1), backlog.settle(&2)], [None, Some(2), None]);
    }

    #[test]
    fn a_later_answer_is_not_acknowledged_before_the_earlier_one() {
        let mut backlog = Backlog::new(10);
        for (place, name) in [(1, "a"), (2, "b"), (3, "c")] {
            backlog.receive(place, token(name));
        }
        backlog.settle(&2);
        assert_eq!(backlog.take_acknowledged(), None);
        backlog.settle(&1);
        assert_eq!(backlog.take_acknowledged(), Some(2));
        assert!(!backlog.is_empty());
    }

    #[test]
    fn what_comes_again_before_it_is_acknowledged_is_known() {
        let mut backlog = Backlog::new(1);
        backlog.receive(1, token("a"));
        backlog.settle(&1);
        assert_eq!((backlog.receive(1, token("a")), backlog.receive(2, token("a"))), (Verdict::Known, Verdict::Full));
    }

    proptest! {
        #[test]
        fn whatever_the_order_of_answers_all_is_acknowledged_once_and_in_order(
            conversations in prop::collection::vec(0..4_u8, 1..30),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 30),
        ) {
            let mut backlog = Backlog::new(30);
            let mut under_way = Vec::new();
            for (place, conversation) in conversations.iter().enumerate() {
                if backlog.receive(place, token(&conversation.to_string())) == Verdict::Start {
                    under_way.push(place);
                }
            }
            let (mut settled, mut cursor) = (Vec::new(), None);
            for pick in picks {
                if under_way.is_empty() { break }
                let place = under_way.remove(pick.index(under_way.len()));
                let earlier = (0..place).filter(|other| conversations[*other] == conversations[place]);
                prop_assert!(earlier.into_iter().all(|other| settled.contains(&other)), "overtaken within a conversation");
                settled.push(place);
                under_way.extend(backlog.settle(&place));
                cursor = backlog.take_acknowledged().or(cursor);
                prop_assert!(cursor.is_none_or(|cursor| (0..=cursor).all(|place| settled.contains(&place))));
            }
            prop_assert_eq!(cursor, Some(conversations.len() - 1));
            prop_assert!(backlog.is_empty());
        }
    }
}
