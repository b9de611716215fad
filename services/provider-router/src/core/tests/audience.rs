//! Who hears what is said: carried from the message to memory, through the journal and the checkpoint.

use argentum_proto::{
    memory::v1::Audience,
    provider::v1::{Checkpoint, MessageAccepted, record::Event},
};
use prost::Message;

use super::*;

/// Message `id` of a conversation that this audience hears.
fn said_before(id: &str, audience: Audience) -> AcceptMessageRequest {
    AcceptMessageRequest { audience: audience.into(), ..message(id, question("why?")) }
}

/// The audiences that memory is told or asked with.
fn audiences(effects: &[Effect]) -> Vec<Audience> {
    let audience = |effect: &Effect| match effect {
        Effect::Recall { speaker, .. } | Effect::Remember { speaker, .. } => Some(speaker.audience),
        _ => None,
    };
    effects.iter().filter_map(audience).collect()
}

#[test]
fn memory_is_asked_and_told_for_the_audience_of_the_message() {
    for audience in [Audience::Direct, Audience::Group, Audience::Unspecified] {
        let mut router = Router::new();
        let asked = router.ask(&web(), said_before("1", audience));
        let turn = begun(&asked)[0];
        router.handle(Input::RecallFailed { turn });
        assert_eq!((audiences(&asked), audiences(&router.complete(turn, "yes"))), (vec![audience], vec![audience]));
    }
}

#[test]
fn the_audience_survives_a_crash_and_a_checkpoint() {
    let mut router = Router::new();
    router.ask(&web(), said_before("1", Audience::Direct));
    for record in &mut router.records {
        *record = Record::decode(record.encode_to_vec().as_slice()).unwrap();
    }
    assert_eq!(audiences(&router.restart()), [Audience::Direct]);
    let checkpoint = Checkpoint::decode(router.core.checkpoint(1).encode_to_vec().as_slice()).unwrap();
    let mut restored = Core::recover(config(), Some(checkpoint), []).unwrap();
    assert_eq!(audiences(&restored.started(START).effects), [Audience::Direct]);
}

#[test]
fn a_record_of_an_earlier_version_says_nothing_of_the_audience() {
    let mut router = Router::new();
    router.ask(&web(), said_before("1", Audience::Direct));
    for record in &mut router.records {
        if let Some(Event::MessageAccepted(accepted)) = &mut record.event {
            *accepted = MessageAccepted { audience: 0, ..accepted.clone() };
        }
    }
    assert_eq!(audiences(&router.restart()), [Audience::Unspecified]);
}

#[test]
fn what_came_before_a_new_conversation_may_be_recalled_and_what_is_told_anyway_may_not() {
    let mut router = Router::new();
    let told = |effects: &[Effect]| {
        effects.iter().find_map(|effect| if let Effect::Recall { told, .. } = effect { Some(told.clone()) } else { None })
    };
    let before = router.answer(&web(), "1", "yes");
    let effects = router.ask(&web(), message("2", question("and?")));
    assert_eq!(told(&effects), Some(vec![before.to_string()]));
    let turn = begun(&effects)[0];
    router.handle(Input::RecallFailed { turn });
    router.complete(turn, "no");
    router.ask(&web(), message("3", new()));
    assert_eq!(told(&router.ask(&web(), message("4", question("why?")))), Some(vec![]));
}
