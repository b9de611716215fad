//! What pages see and do.

use argentum_proto::channel::v1::{AcceptMessageRequest, ConversationSummary, RunningTurn};

use super::*;

fn snapshot(router: &mut Router, gateway: &Gateway) -> Option<RunningTurn> {
    let effects = router.handle(Input::SnapshotAsked { request: RequestId(0), place: place(gateway, "c") });
    let Some(Effect::AnswerSnapshot { response, .. }) = effects.into_iter().next() else { panic!() };
    response.running
}

fn list(router: &mut Router, count_max: u32, changed_before_ms: u64) -> Vec<ConversationSummary> {
    let asked = Input::ConversationsAsked { request: RequestId(0), gateway: web(), count_max, changed_before_ms };
    let Some(Effect::AnswerConversations { response, .. }) = router.handle(asked).into_iter().next() else { panic!() };
    response.conversations
}

fn stopped(router: &mut Router, turn: Option<TurnId>) -> String {
    let effects = router.handle(Input::StopAsked { request: RequestId(0), place: place(&web(), "c"), turn });
    let stops = |effect: Effect| if let Effect::AnswerStop { response, .. } = effect { Some(response.stopped_turn_id) } else { None };
    effects.into_iter().find_map(stops).unwrap()
}

/// Three conversations, a minute apart.
fn three() -> Router {
    let mut router = Router::new();
    for conversation in ["a", "b", "d"] {
        let asked = question(&format!("What is {conversation}?\nPlease."));
        router.ask(&web(), AcceptMessageRequest { platform_conversation_id: conversation.into(), ..message("1", asked) });
        router.wait(60_000);
    }
    router
}

#[test]
fn a_snapshot_has_the_text_and_the_sequence_of_one_moment() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    router.delta(turn, "to");
    router.delta(turn, "day");
    let running = snapshot(&mut router, &web()).unwrap();
    assert_eq!((running.attempt, running.sequence, running.text.as_str()), (1, 2, "today"));
}

#[test]
fn a_snapshot_of_an_idle_conversation_is_empty() {
    let mut router = Router::new();
    router.answer(&web(), "1", "yes");
    assert_eq!(snapshot(&mut router, &web()), None);
}

#[test]
fn a_snapshot_shows_an_outcome_that_is_being_delivered() {
    let mut router = Router::new();
    router.answer(&chat(), "1", "yes");
    let running = snapshot(&mut router, &chat()).unwrap();
    assert_eq!((running.outcome(), running.text.as_str()), (Outcome::Answered, "yes"));
}

#[test]
fn a_page_stops_the_running_turn_with_the_text_so_far() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    router.delta(turn, "half");
    assert_eq!((stopped(&mut router, None), router.outcomes(&web())), (turn.to_string(), vec![(Outcome::Stopped, "half".to_owned())]));
}

#[test]
fn a_stopped_answer_is_that_of_the_model_that_gave_it() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    router.vendor(turn, 1, VendorEvent::Begun { provider: "acme".to_owned(), model: "small".to_owned() });
    router.delta(turn, "half");
    stopped(&mut router, None);
    let effects = router.handle(Input::ConversationAsked { request: RequestId(0), place: place(&web(), "c") });
    let models = |effect: Effect| match effect {
        Effect::AnswerConversation { response, .. } => Some(response.turns.into_iter().map(|turn| turn.model).collect::<Vec<_>>()),
        _ => None,
    };
    assert_eq!(effects.into_iter().find_map(models).unwrap(), ["acme/small"]);
}

#[test]
fn a_page_withdraws_a_queued_turn_and_the_running_one_goes_on() {
    let mut router = Router::new();
    let first = router.call(&web(), "1");
    let second = router.accept(&web(), "2");
    let withdrawn = stopped(&mut router, Some(second));
    assert_eq!((withdrawn, begun(&router.complete(first, "yes"))), (second.to_string(), vec![]));
}

#[test]
fn a_second_stop_finds_nothing() {
    let mut router = Router::new();
    let turn = router.call(&web(), "1");
    stopped(&mut router, Some(turn));
    assert_eq!(stopped(&mut router, Some(turn)), "");
}

#[test]
fn a_page_does_not_stop_a_turn_of_another_conversation() {
    let mut router = Router::new();
    let turn = router.call(&chat(), "1");
    assert_eq!(stopped(&mut router, Some(turn)), "");
}

#[test]
fn conversations_are_listed_newest_first_under_their_first_line() {
    let titles: Vec<_> = list(&mut three(), 0, 0).into_iter().map(|conversation| conversation.title).collect();
    assert_eq!(titles, ["What is d?", "What is b?", "What is a?"]);
}

#[test]
fn a_list_of_conversations_can_be_paged() {
    let mut router = three();
    let first = list(&mut router, 2, 0);
    let second = list(&mut router, 2, first[1].changed_at_ms);
    assert_eq!((first.len(), second.len(), second[0].title.as_str()), (2, 1, "What is a?"));
}

#[test]
fn a_page_sees_only_conversations_of_its_own_account() {
    let mut router = Router::new();
    router.accept(&chat(), "1");
    assert_eq!(list(&mut router, 0, 0), []);
}

#[test]
fn a_page_reads_what_is_past_running_and_queued() {
    let mut router = Router::new();
    let first = router.answer(&web(), "1", "yes");
    let second = router.call(&web(), "2");
    let third = router.accept(&web(), "3");
    let effects = router.handle(Input::ConversationAsked { request: RequestId(0), place: place(&web(), "c") });
    let Some(Effect::AnswerConversation { response, .. }) = effects.first() else { panic!() };
    let seen = (&response.turns[0].turn_id, &response.running.as_ref().unwrap().turn_id, &response.queued[0].turn_id);
    assert_eq!(seen, (&first.to_string(), &second.to_string(), &third.to_string()));
}
