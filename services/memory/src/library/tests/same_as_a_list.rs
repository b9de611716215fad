//! Whatever is remembered, forgotten, committed, lost and made anew: what is recalled is what a search of a plain list finds.

use std::collections::BTreeSet;

use argentum_proto::{
    channel::v1::Sender,
    memory::v1::{Audience, Conversation, RememberTurnRequest},
};
use proptest::{collection::vec, prelude::*};

use super::{Shelf, bounds};
use crate::{
    archive::Selection,
    document::Query,
    records::{Record, Telling, tests::turn},
    scope::{ScopeKey, Speaker},
    text::terms,
};

const WORDS: [&str; 6] = ["tea", "kettle", "painting", "painted", "使用", "Ann"];
const ROOMS: [&str; 2] = ["hall", "attic"];
const PEOPLE: [&str; 2] = ["ann", "bob"];

#[derive(Clone, Debug)]
enum Step {
    Remember { turn: u128, room: usize, person: usize, question: Vec<usize>, answer: Vec<usize> },
    ForgetRecord { place: usize },
    ForgetOwn { room: usize, person: usize },
    ForgetBefore { turn: u128 },
    Commit,
    Reopen,
    Mend,
}

/// The plain list: every record ever, what it follows, and whether it is still remembered.
#[derive(Default)]
struct List(Vec<(Record, Option<usize>, bool)>);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let words = || vec(0..WORDS.len(), 0..4);
    let step = prop_oneof![
        8 => (1..24u128, 0..2usize, 0..2usize, words(), words())
            .prop_map(|(turn, room, person, question, answer)| Step::Remember { turn, room, person, question, answer }),
        2 => (0..30usize).prop_map(|place| Step::ForgetRecord { place }),
        1 => (0..2usize, 0..2usize).prop_map(|(room, person)| Step::ForgetOwn { room, person }),
        1 => (1..24u128).prop_map(|turn| Step::ForgetBefore { turn }),
        4 => Just(Step::Commit),
        2 => Just(Step::Reopen),
        1 => Just(Step::Mend),
    ];
    vec(step, 1..24)
}

fn said_at_ms(turn: u128) -> u64 {
    u64::try_from(turn).unwrap() * 1_000
}

fn telling(number: u128, room: usize, person: usize, question: &[usize], answer: &[usize]) -> Telling {
    let text = |words: &[usize]| words.iter().map(|word| WORDS[*word]).collect::<Vec<_>>().join(" ");
    let conversation = Conversation { gateway: "chat".into(), platform_conversation_id: ROOMS[room].into(), ..Conversation::default() };
    let sender = Sender { platform_id: PEOPLE[person].into(), display_name: PEOPLE[person].into() };
    let (asked_at_ms, answered_at_ms) = (said_at_ms(number), said_at_ms(number));
    let told = turn(number, &text(question), &text(answer));
    Telling::of_turn(RememberTurnRequest { conversation: Some(conversation), sender: Some(sender), asked_at_ms, answered_at_ms, ..told })
        .unwrap()
}

impl List {
    fn remember(&mut self, telling: &Telling) {
        for record in &telling.records {
            let before = self.0.iter().rposition(|(other, ..)| other.here() == record.here());
            self.0.push((record.clone(), before, true));
        }
    }

    fn forget(&mut self, applies: impl Fn(&Record) -> bool) -> u64 {
        let forgotten = self.0.iter_mut().filter(|(record, _, is_remembered)| *is_remembered && applies(record));
        forgotten.map(|(.., is_remembered)| *is_remembered = false).count() as u64
    }

    fn search(&self, query: &Query) -> BTreeSet<String> {
        let says = |record: &str| terms(record).iter().any(|term| query.terms.contains(term));
        let is_found = |(record, before, is_remembered): &&(Record, Option<usize>, bool)| {
            let before = before.map(|before| &self.0[before]).filter(|(.., is_remembered)| *is_remembered);
            let is_shared = query.scope.as_ref().is_none_or(|scope| scope.iter().any(|key| record.keys().contains(key)));
            *is_remembered && is_shared && (says(&record.whole()) || before.is_some_and(|(before, ..)| says(before.text())))
        };
        self.0.iter().filter(is_found).map(|(record, ..)| record.id().to_owned()).collect()
    }
}

fn carry_out(step: &Step, shelf: &mut Shelf, list: &mut List, told: &mut BTreeSet<u128>) {
    match step {
        Step::Remember { turn, room, person, question, answer } => {
            let telling = telling(*turn, *room, *person, question, answer);
            if told.insert(*turn) {
                list.remember(&telling);
            }
            shelf.library().remember(vec![telling]).unwrap();
        }
        Step::ForgetRecord { place } => {
            let Some(id) = list.0.get(*place).map(|(record, ..)| record.id().to_owned()) else { return };
            let selection = Selection { record_id: Some(id.clone()), ..Selection::default() };
            assert_eq!(shelf.library().forget(&selection).unwrap(), list.forget(|record| record.id() == id));
        }
        Step::ForgetOwn { room, person } => {
            let (here, own) = (ScopeKey::conversation("chat", ROOMS[*room]), ScopeKey::sender("chat", PEOPLE[*person]));
            let selection = Selection { key: Some(here.clone()), limit: Some(own.clone()), ..Selection::default() };
            let is_both = |record: &Record| record.keys().contains(&here) && record.keys().contains(&own);
            assert_eq!(shelf.library().forget(&selection).unwrap(), list.forget(is_both));
        }
        Step::ForgetBefore { turn } => {
            let selection = Selection { before_ms: Some(said_at_ms(*turn)), ..Selection::default() };
            let is_before = |record: &Record| record.said_at_ms() < said_at_ms(*turn);
            assert_eq!(shelf.library().forget(&selection).unwrap(), list.forget(is_before));
        }
        Step::Commit => shelf.commit(),
        Step::Reopen => shelf.open(),
        Step::Mend => shelf.library().mend().unwrap(),
    }
}

fn scopes() -> Vec<Option<Vec<ScopeKey>>> {
    let speaker = |audience| Speaker {
        gateway: "chat".parse().unwrap(),
        conversation: ROOMS[0].parse().unwrap(),
        audience,
        sender: PEOPLE[1].parse().unwrap(),
    };
    vec![None, Some(speaker(Audience::Group).recalls()), Some(speaker(Audience::Direct).recalls())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn recalls_what_a_plain_list_would(steps in steps()) {
        let (mut shelf, mut list, mut told) = (Shelf::new(), List::default(), BTreeSet::new());
        for step in &steps {
            carry_out(step, &mut shelf, &mut list, &mut told);
            for scope in scopes() {
                for word in WORDS {
                    let query = Query::new(word, scope.clone(), BTreeSet::new());
                    let found = shelf.library().recall(&query, bounds(200)).unwrap().records;
                    let ids: BTreeSet<String> = found.iter().map(|record| record.record_id.clone()).collect();
                    prop_assert_eq!(ids.len(), found.len(), "a record was recalled twice");
                    prop_assert_eq!(ids, list.search(&query), "{} after {:?}", word, step);
                }
            }
        }
    }
}
