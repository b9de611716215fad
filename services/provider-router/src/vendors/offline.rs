//! The built-in provider: it says honestly that it is not a model.

use std::time::Duration;

use argentum_proto::provider::v1::Settlement;

use super::EventSink;
use crate::core::{Prompt, VendorEvent};

/// Pause between words: slow enough to be read along and to be stopped.
const PAUSE: Duration = Duration::from_millis(15);

pub(super) async fn complete(prompt: &Prompt, sink: EventSink) {
    for (number, piece) in answer(prompt).split_inclusive(' ').enumerate() {
        if number > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        sink.tell(VendorEvent::Delta(piece.to_owned())).await;
    }
    let settlement = Settlement { provider: "offline".to_owned(), model: "offline".to_owned(), ..Settlement::default() };
    sink.tell(VendorEvent::Completed(settlement)).await;
}

fn answer(prompt: &Prompt) -> String {
    let earlier = prompt.messages.len().saturating_sub(1) / 2;
    let known = match earlier {
        0 => "This is the first message of this conversation that I know.".to_owned(),
        1 => "I know one earlier turn of this conversation.".to_owned(),
        turns => format!("I know {turns} earlier turns of this conversation."),
    };
    format!(
        "No model is configured, so nobody can answer this: I am the built-in `offline` provider, not an AI. Your message was received, \
         written to disk and answered on the same way that a model's answer will take. {known} This version cannot be connected to a \
         model yet, and it has no memory beyond this conversation."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{PromptMessage, Role};

    #[test]
    fn the_answer_tells_how_much_of_the_conversation_is_known() {
        let message = |role| PromptMessage { role, text: String::new() };
        let prompt = Prompt { system: String::new(), messages: vec![message(Role::User), message(Role::Assistant), message(Role::User)] };
        assert!(answer(&prompt).contains("one earlier turn"));
    }
}
