//! What is recalled, where, and for how long.

use argentum_bus::ErrorCode;
use argentum_proto::{
    ids::TurnId,
    memory::v1::{RecallRequest, RecordKind, RememberTurnRequest},
};
use argentum_testkit::run;
use ulid::Ulid;

use crate::household::{ANN, ANN_IN_GROUP, BOB, Household, turn};

#[test]
fn what_is_remembered_is_recalled_at_once_and_after_a_restart() {
    run(async {
        let mut household = Household::new().await;
        household.ask(&turn(1, ANN, "Where is the kettle?", "In the cellar.")).await.unwrap();
        let expected = ["ann: Where is the kettle?", "assistant: In the cellar."];
        assert_eq!(household.recall(ANN, "the kettle").await, expected);
        household.restart().await;
        assert_eq!(household.recall(ANN, "the kettle").await, expected);
    });
}

#[test]
fn a_turn_that_is_told_twice_is_remembered_once() {
    run(async {
        let household = Household::new().await;
        let told = turn(1, ANN, "The kettle is green", "");
        let (first, second) = tokio::join!(household.ask(&told), household.ask(&told));
        first.unwrap();
        second.unwrap();
        assert_eq!(household.recall(ANN, "kettle").await, ["ann: The kettle is green"]);
    });
}

#[test]
fn a_record_says_where_it_comes_from() {
    run(async {
        let household = Household::new().await;
        household.tell(1, ANN_IN_GROUP, "The kettle is green").await;
        let (conversation, sender) = (ANN.conversation(), ANN.sender());
        let request = RecallRequest { conversation, sender, query: "kettle".to_owned(), ..RecallRequest::default() };
        let record = household.ask(&request).await.unwrap().records.remove(0);
        assert_eq!((record.kind(), record.author.as_str(), record.said_at_ms), (RecordKind::Question, "ann", 1_000_000_000_000));
        assert_eq!((record.gateway.as_str(), record.platform_conversation_id.as_str()), ("chat", "hall"));
        assert_eq!(record.text, "2001-09-09 ann: The kettle is green");
    });
}

#[test]
fn a_group_does_not_hear_what_was_said_alone() {
    run(async {
        let household = Household::new().await;
        household.tell(1, ANN, "kettle alone").await;
        household.tell(2, ANN_IN_GROUP, "kettle in the hall").await;
        household.tell(3, BOB, "kettle of bob").await;
        assert_eq!(household.recall(ANN_IN_GROUP, "kettle").await, ["ann: kettle in the hall"]);
        let mut alone = household.recall(ANN, "kettle").await;
        alone.sort();
        assert_eq!(alone, ["ann: kettle alone", "ann: kettle in the hall"]);
        assert_eq!(household.recall(BOB, "kettle").await, ["bob: kettle of bob"]);
    });
}

#[test]
fn turns_that_the_asker_has_anyway_are_left_out() {
    run(async {
        let household = Household::new().await;
        household.tell(1, ANN, "first kettle").await;
        household.tell(2, ANN, "second kettle").await;
        let request = RecallRequest {
            conversation: ANN.conversation(),
            sender: ANN.sender(),
            query: "kettle".to_owned(),
            exclude_turn_ids: vec![TurnId::new(Ulid(2)).to_string()],
            ..RecallRequest::default()
        };
        let records = household.ask(&request).await.unwrap().records;
        assert_eq!(records.iter().map(|record| record.text.as_str()).collect::<Vec<_>>(), ["2001-09-09 ann: first kettle"]);
    });
}

#[test]
fn a_question_is_never_read_as_a_query_language() {
    run(async {
        let household = Household::new().await;
        household.tell(1, ANN, "The kettle is green").await;
        for query in ["kettle AND", "-kettle", "\"kettle", "text:kettle^9 (", "kettle*", "[kettle TO"] {
            assert_eq!(household.recall(ANN, query).await.len(), 1, "{query}");
        }
    });
}

#[test]
fn as_many_as_asked_for_are_recalled() {
    run(async {
        let household = Household::new().await;
        for number in 1..=20 {
            household.tell(number, ANN, &format!("kettle {number}")).await;
        }
        let counts = async |records_max, bytes_max| {
            let (conversation, sender) = (ANN.conversation(), ANN.sender());
            let query = "kettle".to_owned();
            let request = RecallRequest { conversation, sender, query, records_max, bytes_max, ..RecallRequest::default() };
            household.ask(&request).await.unwrap().records.len()
        };
        assert_eq!([counts(0, 0).await, counts(3, 0).await, counts(1_000, 0).await, counts(0, 60).await], [12, 3, 12, 2]);
    });
}

#[test]
fn what_names_nobody_is_invalid() {
    run(async {
        let household = Household::new().await;
        let nobody = household.ask(&RecallRequest::default()).await.unwrap_err();
        let no_turn = household.ask(&RememberTurnRequest::default()).await.unwrap_err();
        assert_eq!([nobody.code, no_turn.code], [ErrorCode::InvalidArgument; 2]);
    });
}
