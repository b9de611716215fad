//! What an operator may do, and nobody else.

use argentum_bus::ErrorCode;
use argentum_proto::memory::v1::{
    EraseRecordsRequest, ErasedConversation, ErasedSender, SearchRecordsRequest, erase_records_request::Target,
};
use argentum_testkit::run;

use crate::household::{ANN, ANN_IN_GROUP, BOB, Household};

#[test]
fn without_the_operators_right_nothing_is_done() {
    run(async {
        let household = Household::new().await;
        // A right for another verb is none for this one.
        let search = SearchRecordsRequest { right: household.right("memory-erase"), ..SearchRecordsRequest::default() };
        let erase = EraseRecordsRequest { right: household.right("memory-search"), target: Some(Target::BeforeMs(u64::MAX)) };
        household.tell(1, ANN, "kettle").await;
        let codes = [household.order(&search).await.unwrap_err().code, household.order(&erase).await.unwrap_err().code];
        assert_eq!(codes, [ErrorCode::Forbidden; 2]);
        assert_eq!(household.recall(ANN, "kettle").await, ["ann: kettle"]);
    });
}

#[test]
fn an_operator_finds_and_erases_everything() {
    run(async {
        let household = Household::new().await;
        for (number, voice) in [(1, ANN), (2, ANN_IN_GROUP), (3, BOB), (4, BOB)] {
            household.tell(number, voice, "kettle").await;
        }
        let search = async || {
            let request = SearchRecordsRequest { right: household.right("memory-search"), query: "kettle".to_owned(), records_max: 0 };
            household.order(&request).await.unwrap().records
        };
        let erase = async |target| {
            let request = EraseRecordsRequest { right: household.right("memory-erase"), target: Some(target) };
            household.order(&request).await.unwrap().records_count
        };
        let found = search().await;
        assert_eq!(found.len(), 4);
        assert_eq!(erase(Target::RecordId(found[0].record_id.clone())).await, 1);
        let (gateway, platform_conversation_id) = ("chat".to_owned(), "hall".to_owned());
        assert_eq!(erase(Target::Conversation(ErasedConversation { gateway: gateway.clone(), platform_conversation_id })).await, 1);
        assert_eq!(erase(Target::Sender(ErasedSender { gateway, platform_id: "ann".to_owned() })).await, 1);
        assert_eq!(erase(Target::BeforeMs(u64::MAX)).await, 1);
        assert_eq!(search().await, []);
    });
}
