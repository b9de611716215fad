//! A question becomes a turn, its answer is streamed and kept.

use argentum_bus::{Credential, ErrorCode};
use argentum_proto::channel::v1::{Outcome, RejectionReason, accept_message_response::Answer, turn_progressed::Change};
use argentum_testkit::{Sandbox, run};
use tempfile::TempDir;

use crate::page::Page;

async fn router(sandbox: &Sandbox, folder: &TempDir) {
    let tenant = sandbox.tenant(Credential::ProviderRouter, folder.path()).await;
    argentum_provider_router::start(Default::default(), tenant.bus.clone(), tenant.process).await.unwrap();
    tenant.bus.barrier().await.unwrap();
}

#[test]
fn a_question_is_accepted_answered_and_kept() {
    run(async {
        let (sandbox, folder) = (Sandbox::start().await, TempDir::new().unwrap());
        router(&sandbox, &folder).await;
        let page = Page::open(&sandbox).await;
        assert!(matches!(page.ask("c", "m1", "hello").await, Ok(Answer::Accepted(_))));
        let conversation = page.finished("c", 1).await;
        assert_eq!(conversation.turns[0].question, "hello");
        assert!(conversation.turns[0].answer.contains("No model is configured"), "{}", conversation.turns[0].answer);
    });
}

#[test]
fn the_same_message_makes_one_turn_however_often_it_comes() {
    run(async {
        let (sandbox, folder) = (Sandbox::start().await, TempDir::new().unwrap());
        router(&sandbox, &folder).await;
        let page = Page::open(&sandbox).await;
        let Ok(Answer::Accepted(first)) = page.ask("c", "m1", "hello").await else { panic!("not accepted") };
        let Ok(Answer::AlreadyAccepted(second)) = page.ask("c", "m1", "hello").await else { panic!("not known") };
        assert_eq!(first.turn_id, second.turn_id);
        assert_eq!(page.finished("c", 1).await.turns.len(), 1);
    });
}

#[test]
fn two_at_once_with_the_same_key_make_one_turn() {
    run(async {
        let (sandbox, folder) = (Sandbox::start().await, TempDir::new().unwrap());
        router(&sandbox, &folder).await;
        let page = Page::open(&sandbox).await;
        let answers = futures::join!(page.ask("c", "m1", "hello"), page.ask("c", "m1", "hello"));
        assert!(matches!(answers, (Ok(Answer::Accepted(_)), Ok(Answer::AlreadyAccepted(_)))), "{answers:?}");
    });
}

#[test]
fn the_answer_is_streamed_in_order_without_a_gap() {
    run(async {
        let (sandbox, folder) = (Sandbox::start().await, TempDir::new().unwrap());
        router(&sandbox, &folder).await;
        let mut page = Page::open(&sandbox).await;
        page.ask("c", "m1", "hello").await.unwrap();
        let (mut text, mut sequence) = (String::new(), 0);
        loop {
            let progress = page.progress(|progress| !matches!(progress.change, Some(Change::Started(_)))).await;
            match progress.change.unwrap() {
                Change::Appended(appended) => {
                    sequence += 1;
                    assert_eq!(progress.sequence, sequence);
                    text.push_str(&appended.text);
                }
                _ => break,
            }
        }
        assert_eq!(text, page.finished("c", 1).await.turns[0].answer);
    });
}

#[test]
fn a_stopped_turn_keeps_the_text_so_far_as_its_answer() {
    run(async {
        let (sandbox, folder) = (Sandbox::start().await, TempDir::new().unwrap());
        router(&sandbox, &folder).await;
        let mut page = Page::open(&sandbox).await;
        page.ask("c", "m1", "hello").await.unwrap();
        page.progress(|progress| matches!(progress.change, Some(Change::Appended(_)))).await;
        assert!(!page.stop("c").await.is_empty());
        let conversation = page.finished("c", 1).await;
        assert_eq!(conversation.turns[0].outcome(), Outcome::Stopped);
        assert!(conversation.turns[0].answer.starts_with("No ") && !conversation.turns[0].answer.contains("conversation."));
        assert_eq!(page.stop("c").await, "", "nothing is left to stop");
    });
}

#[test]
fn a_later_turn_knows_the_earlier_ones() {
    run(async {
        let (sandbox, folder) = (Sandbox::start().await, TempDir::new().unwrap());
        router(&sandbox, &folder).await;
        let page = Page::open(&sandbox).await;
        page.ask("c", "m1", "one").await.unwrap();
        page.ask("c", "m2", "two").await.unwrap();
        assert!(page.finished("c", 2).await.turns[1].answer.contains("one earlier turn"));
    });
}

#[test]
fn a_message_that_is_too_large_is_rejected_for_good() {
    run(async {
        let (sandbox, folder) = (Sandbox::start().await, TempDir::new().unwrap());
        router(&sandbox, &folder).await;
        let page = Page::open(&sandbox).await;
        let Ok(Answer::Rejected(rejected)) = page.ask("c", "m1", &"x".repeat(256 * 1024 + 1)).await else { panic!("not rejected") };
        assert_eq!(rejected.reason(), RejectionReason::TooLarge);
    });
}

#[test]
fn a_message_under_the_subject_of_another_conversation_is_refused() {
    run(async {
        use argentum_bus::AccountConversation;
        use argentum_proto::{channel::v1::AcceptMessageRequest, ids::ConversationId};
        let (sandbox, folder) = (Sandbox::start().await, TempDir::new().unwrap());
        router(&sandbox, &folder).await;
        let gateway = sandbox.connect(Credential::ChannelGateway).await;
        let account = gateway.account(argentum_testkit::web()).await.unwrap();
        let other: ConversationId = "other".parse().unwrap();
        let address = AccountConversation { gateway: argentum_testkit::web(), conversation: other.token() };
        let request = AcceptMessageRequest { platform_conversation_id: "mine".to_owned(), ..AcceptMessageRequest::default() };
        assert_eq!(account.request(&address, &request).await.unwrap_err().code, ErrorCode::InvalidArgument);
    });
}
