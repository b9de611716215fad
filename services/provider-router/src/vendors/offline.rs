//! The built-in provider: it says honestly that it is not a model, and how to add one.

use std::time::Duration;

use futures::{StreamExt, stream};

use super::{ChatEvent, ChatRequest, ChatRole, ChatStream};

/// Pause between words: slow enough to be read along and to be stopped.
const PAUSE: Duration = Duration::from_millis(15);
/// Recalled records that are told, and how much of each.
const QUOTED_MAX: usize = 3;
const QUOTED_CHARS_MAX: usize = 120;

/// Answers `request`, word by word.
pub(crate) fn stream(request: &ChatRequest) -> ChatStream {
    let answer = answer(request);
    let pieces: Vec<String> = answer.split_inclusive(' ').map(str::to_owned).collect();
    let words = stream::iter(pieces.into_iter().enumerate()).then(async |(number, piece)| {
        if number > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(ChatEvent::Text(piece))
    });
    words.chain(stream::iter([Ok(ChatEvent::Finished { reason: "stop".to_owned() })])).boxed()
}

fn answer(request: &ChatRequest) -> String {
    let earlier = request.messages.iter().filter(|message| message.role == ChatRole::Assistant).count();
    let known = match earlier {
        0 => "This is the first message of this conversation that I know.".to_owned(),
        1 => "I know one earlier turn of this conversation.".to_owned(),
        turns => format!("I know {turns} earlier turns of this conversation."),
    };
    let recalled = match request.recalled.len() {
        0 => "Memory recalls nothing about it from earlier conversations.".to_owned(),
        1 => format!("Memory recalls one record about it: {}", quoted(&request.recalled)),
        count => format!("Memory recalls {count} records about it, such as {}", quoted(&request.recalled)),
    };
    format!(
        "No model is configured, so nobody can answer this: I am the built-in `offline` provider, not an AI. Your message was received, \
         written to disk and answered on the same way that a model's answer takes. {known} {recalled} To add a model, run `argentum provider add \
         openai` or `argentum provider add anthropic` on the server (any other server that speaks one of their protocols takes \
         `--base-url`), then `argentum model use` with a name that `argentum model list` tells. A model server on Ollama's usual port \
         is found by itself."
    )
}

/// The beginnings of the first few.
fn quoted(recalled: &[String]) -> String {
    let begin = |text: &String| {
        let mut begin: String = text.chars().take(QUOTED_CHARS_MAX).collect();
        if begin.len() < text.len() {
            begin.push('…');
        }
        format!("“{}”", begin.replace('\n', " "))
    };
    recalled.iter().take(QUOTED_MAX).map(begin).collect::<Vec<_>>().join("; ") + "."
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Prompt, PromptMessage, Role};

    #[test]
    fn the_answer_tells_how_much_of_the_conversation_is_known() {
        let message = |role| PromptMessage { role, text: String::new() };
        let messages = vec![message(Role::User), message(Role::Assistant), message(Role::User)];
        let prompt = Prompt { messages, ..Prompt::default() };
        assert!(answer(&ChatRequest::from(&prompt)).contains("one earlier turn"));
    }

    #[test]
    fn the_answer_tells_what_memory_recalls() {
        let prompt = Prompt { recalled: vec!["2026-11-26 Ada: tea is at four".to_owned()], ..Prompt::default() };
        assert!(answer(&ChatRequest::from(&prompt)).contains("one record about it: “2026-11-26 Ada: tea is at four”."));
    }
}
