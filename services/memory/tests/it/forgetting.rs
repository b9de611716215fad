//! What is forgotten, by whom, and that it stays so.

use argentum_bus::ErrorCode;
use argentum_proto::memory::v1::{ForgetConversation, ForgetEverything, ForgetRequest, ListFactsRequest, forget_request::Target};
use argentum_testkit::run;

use crate::household::{ANN, ANN_IN_GROUP, BOB, Household, Voice, turn};

async fn forget(household: &Household, voice: Voice, target: Target) -> u64 {
    let request = ForgetRequest { conversation: voice.conversation(), sender: voice.sender(), target: Some(target) };
    household.ask(&request).await.unwrap().records_count
}

async fn facts(household: &Household, voice: Voice) -> Vec<String> {
    let request = ListFactsRequest { conversation: voice.conversation(), sender: voice.sender(), facts_max: 0 };
    household.ask(&request).await.unwrap().facts.into_iter().map(|fact| fact.record_id).collect()
}

#[test]
fn what_is_forgotten_is_not_recalled_also_after_a_restart() {
    run(async {
        let mut household = Household::new().await;
        household.tell(1, ANN, "The kettle is green").await;
        household.tell(2, ANN, "The teapot is blue").await;
        assert_eq!(forget(&household, ANN, Target::ThisConversation(ForgetConversation {})).await, 2);
        assert_eq!(household.recall(ANN, "kettle teapot").await, [""; 0]);
        household.restart().await;
        assert_eq!(household.recall(ANN, "kettle teapot").await, [""; 0]);
        household.tell(1, ANN, "The kettle is green").await;
        assert_eq!(household.recall(ANN, "kettle").await, [""; 0], "told again, it stays forgotten");
    });
}

#[test]
fn nobody_forgets_what_others_said() {
    run(async {
        let household = Household::new().await;
        household.tell(1, ANN_IN_GROUP, "The kettle is green").await;
        let bob_in_group = Voice { person: "bob", ..ANN_IN_GROUP };
        household.tell(2, bob_in_group, "The kettle is blue").await;
        assert_eq!(forget(&household, bob_in_group, Target::ThisConversation(ForgetConversation {})).await, 1);
        assert_eq!(household.recall(ANN_IN_GROUP, "kettle").await, ["ann: The kettle is green"]);
        assert_eq!(forget(&household, BOB, Target::Everything(ForgetEverything {})).await, 0);
        assert_eq!(forget(&household, ANN, Target::BeforeMs(1_000_000_000_000)).await, 0, "said at that very moment");
        assert_eq!(forget(&household, ANN, Target::BeforeMs(1_000_000_000_001)).await, 1);
    });
}

#[test]
fn facts_are_listed_newest_first_until_they_are_forgotten() {
    run(async {
        let household = Household::new().await;
        household.tell(1, ANN, "not a fact").await;
        let first = household.tell_fact("1", ANN, "I like tea").await;
        let second = household.tell_fact("2", ANN, "I like green").await;
        household.tell_fact("1", ANN, "I like tea").await;
        household.tell_fact("3", BOB, "I like coffee").await;
        assert_eq!(facts(&household, ANN).await, [second.clone(), first.clone()]);
        assert_eq!(forget(&household, BOB, Target::RecordId(first.clone())).await, 0, "it is not his");
        assert_eq!(forget(&household, ANN, Target::RecordId(first)).await, 1);
        assert_eq!(facts(&household, ANN).await, [second]);
        household.tell_fact("1", ANN, "I like tea").await;
        assert_eq!(household.recall(ANN, "tea").await, [""; 0], "told again, it stays forgotten");
    });
}

#[test]
fn what_says_these_words_is_forgotten_of_what_its_asker_said_or_was_answered() {
    run(async {
        let household = Household::new().await;
        household.ask(&turn(1, ANN, "Where is the Green Kettle?", "The green kettle stands in the hall.")).await.unwrap();
        household.tell(2, ANN, "The kettle is green").await;
        household.tell_fact("1", ANN_IN_GROUP, "A GREEN KÉTTLE is enough").await;
        household.tell(3, BOB, "The green kettle is mine").await;
        assert_eq!(forget(&household, ANN, Target::Words("green, kettle".to_owned())).await, 3);
        assert_eq!(household.recall(ANN, "kettle").await, ["ann: The kettle is green"]);
        assert_eq!(household.recall(BOB, "kettle").await, ["bob: The green kettle is mine"]);
        assert_eq!(forget(&household, ANN, Target::Words("green kettle".to_owned())).await, 0);
    });
}

#[test]
fn what_is_no_word_forgets_nothing() {
    run(async {
        let household = Household::new().await;
        household.tell(1, ANN, "?! The kettle").await;
        let (conversation, sender) = (ANN.conversation(), ANN.sender());
        let refused = household.ask(&ForgetRequest { conversation, sender, target: Some(Target::Words("?!".to_owned())) }).await;
        assert_eq!(refused.unwrap_err().code, ErrorCode::InvalidArgument);
        assert_eq!(household.recall(ANN, "kettle").await, ["ann: ?! The kettle"]);
    });
}
