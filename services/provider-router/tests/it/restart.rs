//! What was accepted outlives the router.

use std::rc::Rc;

use argentum_bus::Credential;
use argentum_proto::channel::v1::accept_message_response::Answer;
use argentum_service::Process;
use argentum_testkit::{Sandbox, run};
use tempfile::TempDir;

use crate::page::Page;

/// Runs `life` with a router, then drains that router: its System ends with the closure, and everything of it.
fn one_life<T: Send + 'static>(folder: &TempDir, drains: bool, life: impl AsyncFnOnce(Page) -> T + Send + 'static) -> T {
    let path = folder.path().to_owned();
    // A thread for each life: what a System leaves behind ends with it.
    std::thread::spawn(move || {
        let mut told = None;
        run(async {
            let sandbox = Sandbox::start().await;
            let tenant = sandbox.tenant(Credential::ProviderRouter, &path).await;
            let process: Rc<Process> = Rc::clone(&tenant.process);
            argentum_provider_router::start(Default::default(), tenant.bus.clone(), tenant.process).await.unwrap();
            tenant.bus.barrier().await.unwrap();
            told = Some(life(Page::open(&sandbox).await).await);
            if drains {
                process.quiescing().cancel();
                process.work().close();
                process.work().wait().await;
            }
        });
        told.unwrap()
    })
    .join()
    .unwrap()
}

#[test]
fn a_turn_that_was_under_way_is_finished_by_the_next_life() {
    let folder = TempDir::new().unwrap();
    one_life(&folder, false, async |page| page.ask("c", "m1", "hello").await.unwrap());
    let conversation = one_life(&folder, false, async |page| page.finished("c", 1).await);
    assert!(conversation.turns[0].answer.contains("No model is configured"));
}

#[test]
fn a_message_of_an_earlier_life_is_known() {
    let folder = TempDir::new().unwrap();
    one_life(&folder, false, async |page| page.ask("c", "m1", "hello").await.unwrap());
    let answer = one_life(&folder, false, async |page| page.ask("c", "m1", "hello").await.unwrap());
    assert!(matches!(answer, Answer::AlreadyAccepted(_)), "{answer:?}");
}

#[test]
fn a_drain_finishes_what_is_under_way() {
    let folder = TempDir::new().unwrap();
    one_life(&folder, true, async |page| page.ask("c", "m1", "hello").await.unwrap());
    let conversation = one_life(&folder, false, async |page| page.conversation("c").await);
    assert_eq!(conversation.turns.len(), 1, "not finished by the drain");
}
