//! An answer's way to a platform that misbehaves: the rows of the contract's crash table that concern delivery.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use argentum_testkit::{Behaviour, Posted, Sandbox, run};
use tempfile::TempDir;

use crate::channel::{Chat, PART_BYTES, plain_text, unlabelled_duplicates};

/// Sends one answer under `script`; returns it, and what stands at the platform.
fn answer_under(script: &'static [Behaviour]) -> (String, Vec<Posted>) {
    let mut outcome = None;
    run(async {
        let (sandbox, folder) = (Sandbox::start().await, TempDir::new().unwrap());
        let chat = Chat::start(&sandbox, &folder, script).await;
        chat.write("1").await;
        let answer = chat.delivered(1).await;
        outcome = Some((answer, chat.platform.posted()));
    });
    outcome.unwrap()
}

#[test]
fn a_long_answer_stands_in_parts_each_once_and_whole() {
    let (answer, posted) = answer_under(&[]);
    assert!(posted.len() == answer.len().div_ceil(PART_BYTES) && posted.len() > 1);
    assert_eq!(plain_text(&posted), answer);
}

#[test]
fn a_part_whose_send_was_not_answered_is_repeated_with_the_label_and_the_rest_is_plain() {
    let (answer, posted) = answer_under(&[Behaviour::StoreSilently]);
    let labelled: Vec<_> = posted.iter().filter(|posted| posted.is_labelled).collect();
    assert_eq!((labelled.len(), labelled[0].name.as_str()), (1, posted[0].name.as_str()));
    assert_eq!(plain_text(&posted), answer);
    assert!(unlabelled_duplicates(&posted).is_empty());
}

#[test]
fn a_part_that_got_lost_on_the_way_stands_with_the_label() {
    let (answer, posted) = answer_under(&[Behaviour::Store, Behaviour::LoseSilently]);
    assert_eq!(posted.iter().map(|posted| posted.text.as_str()).collect::<String>(), answer);
    let labelled: Vec<usize> = posted.iter().enumerate().filter(|(_, posted)| posted.is_labelled).map(|(number, _)| number).collect();
    assert_eq!(labelled, [1]);
}

#[test]
fn a_part_that_never_left_is_tried_again_without_a_label() {
    let (answer, posted) = answer_under(&[Behaviour::Unreachable, Behaviour::Unreachable]);
    assert_eq!(plain_text(&posted), answer);
    assert!(posted.iter().all(|posted| !posted.is_labelled));
}

#[test]
fn a_refused_part_ends_the_delivery_and_the_conversation_goes_on() {
    run(async {
        let (sandbox, folder) = (Sandbox::start().await, TempDir::new().unwrap());
        let chat = Chat::start(&sandbox, &folder, &[Behaviour::Store, Behaviour::Refuse]).await;
        chat.write("1").await;
        chat.delivered(1).await;
        assert_eq!(chat.platform.posted().len(), 1, "nothing is sent after a refusal");
        chat.write("2").await;
        let answer = chat.delivered(2).await;
        assert_eq!(plain_text(&chat.platform.posted()[1..]), answer);
    });
}

#[test]
fn a_memory_that_breaks_in_a_send_repeats_that_part_with_the_label_and_no_other() {
    let (answer, posted) = answer_under(&[Behaviour::Store, Behaviour::StoreAndBreak]);
    let labelled: Vec<_> = posted.iter().filter(|posted| posted.is_labelled).map(|posted| posted.name.as_str()).collect();
    assert_eq!(labelled, [posted[1].name.as_str()]);
    assert_eq!(plain_text(&posted), answer);
    assert!(unlabelled_duplicates(&posted).is_empty());
}

#[test]
fn an_answer_that_nobody_could_take_is_delivered_later_without_a_label() {
    run(async {
        let (sandbox, folder) = (Sandbox::start().await, TempDir::new().unwrap());
        let chat = Chat::without_outbox(&sandbox, &folder, &[]).await;
        chat.write("1").await;
        argentum_testkit::until("an answer", async || chat.conversation().await.running.filter(|running| running.outcome != 0)).await;
        chat.open_outbox().await;
        assert_eq!(chat.delivered(1).await, plain_text(&chat.platform.posted()));
        assert!(chat.platform.posted().iter().all(|posted| !posted.is_labelled));
    });
}
