//! However the bytes of an answer are cut into pieces, it is the same answer.

use bytes::Bytes;
use futures::stream;
use proptest::prelude::*;

use super::*;
use crate::vendors::{anthropic, openai, reading::events};

const OPENAI: &str = ": wait\r\n\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\r\n\r\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Grüß 👋 \"}}]}\n\n: keep-alive\n\n\
    data: {\"choices\":\ndata: [{\"index\":0,\"delta\":{\"content\":\"日本\"}}]}\n\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"now\",\"arguments\":\"{}\"}}]}}]}\r\r\
    data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n\
    data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";

const ANTHROPIC: &str = "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3}}}\r\n\r\n\
    event: ping\ndata: {\"type\": \"ping\"}\n\n: keep-alive\n\n\
    event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\ndata: \"delta\":{\"type\":\"text_delta\",\"text\":\"Grüß 👋 \"}}\n\n\
    data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"now\",\"input\":{}}}\r\r\
    data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"日\\\":1}\"}}\n\n\
    event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":2}}\n\n\
    event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// What is told of these pieces, and the class of the failure that ends it.
fn told(kind: Kind, pieces: Vec<Bytes>) -> (Vec<ChatEvent>, Option<FailureClass>) {
    let bytes = stream::iter(pieces.into_iter().map(Ok));
    let mut stream = match kind {
        Kind::OpenAi => events(bytes, openai::Reader::default()),
        Kind::Anthropic => events(bytes, anthropic::Reader::default()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut told = Vec::new();
        while let Some(event) = stream.next().await {
            match event {
                Ok(event) => told.push(event),
                Err(failure) => return (told, Some(failure.class())),
            }
        }
        (told, None)
    })
}

/// `bytes` cut at these places, which may fall on each other.
fn cut(bytes: &[u8], places: &[prop::sample::Index]) -> Vec<Bytes> {
    let mut places: Vec<usize> = places.iter().map(|place| place.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
    places.sort_unstable();
    places.windows(2).map(|pair| Bytes::copy_from_slice(&bytes[pair[0]..pair[1]])).collect()
}

fn transcript(kind: Kind) -> &'static [u8] {
    match kind {
        Kind::OpenAi => OPENAI.as_bytes(),
        Kind::Anthropic => ANTHROPIC.as_bytes(),
    }
}

#[test]
fn the_transcripts_are_whole_answers() {
    for kind in KINDS {
        let (events, failure) = told(kind, vec![Bytes::from_static(transcript(kind))]);
        let finished = ChatEvent::Finished { reason: "tool_calls".to_owned() };
        assert_eq!((events.contains(&finished), failure), (true, None), "{kind} {events:?}");
        assert!(events.contains(&ChatEvent::Text("Grüß 👋 ".to_owned())), "{kind} {events:?}");
    }
}

#[test]
fn single_bytes_are_the_same_answer() {
    for kind in KINDS {
        let bytes = transcript(kind).iter().map(|byte| Bytes::copy_from_slice(&[*byte])).collect();
        assert_eq!(told(kind, bytes), told(kind, vec![Bytes::from_static(transcript(kind))]), "{kind}");
    }
}

proptest! {
    #[test]
    fn any_pieces_are_the_same_answer(places in prop::collection::vec(any::<prop::sample::Index>(), 0..40)) {
        for kind in KINDS {
            let whole = told(kind, vec![Bytes::from_static(transcript(kind))]);
            prop_assert_eq!(told(kind, cut(transcript(kind), &places)), whole);
        }
    }

    #[test]
    fn an_answer_that_is_cut_short_is_whole_once_it_was_finished_and_not_before(length in any::<prop::sample::Index>()) {
        for kind in KINDS {
            let bytes = transcript(kind);
            let (events, failure) = told(kind, vec![Bytes::from_static(&bytes[..length.index(bytes.len())])]);
            let is_finished = events.iter().any(|event| matches!(event, ChatEvent::Finished { .. }));
            prop_assert_eq!(failure, (!is_finished).then_some(FailureClass::Interrupted));
        }
    }

    #[test]
    fn any_bytes_are_an_answer_or_a_failure(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for kind in KINDS {
            let (events, failure) = told(kind, vec![Bytes::from(bytes.clone())]);
            let is_finished = events.iter().any(|event| matches!(event, ChatEvent::Finished { .. }));
            prop_assert_eq!(is_finished, failure.is_none());
        }
    }
}

#[test]
fn an_answer_in_one_piece_with_many_events_is_not_too_large() {
    let pieces: Vec<String> =
        (0..40_000).map(|_| "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n".to_owned()).collect();
    let bytes = pieces.concat() + "data: [DONE]\n\n";
    // Much more than one event may be, but in pieces as a socket gives them.
    let pieces = bytes.as_bytes().chunks(16 * 1024).map(Bytes::copy_from_slice).collect();
    let (events, failure) = told(Kind::OpenAi, pieces);
    assert_eq!((events.len(), failure), (40_001, None));
}
