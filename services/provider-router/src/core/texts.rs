//! What senders are told by the router itself, in one place and safe to show.
//!
//! Commands are named by their word alone: how they are written is each channel's own, and its help says it.

use super::input::FailureClass;

pub(super) const TOO_OLD: &str = "This message is too old to tell whether it was answered already. Please send it again.";
pub(super) const TOO_LARGE: &str = "This message is too long. Please send a shorter one.";
pub(super) const FLOOD: &str = "You are writing faster than I may answer. Please wait a moment.";
pub(super) const QUEUE_FULL: &str = "Too many messages are waiting in this conversation. Please wait for the answers.";
pub(super) const STOPPED: &str = "Stopped.";
pub(super) const NOTHING_RUNS: &str = "Nothing is running.";
pub(super) const CLEARED: &str = "This is a new conversation.";
pub(super) const QUARANTINED: &str = "I could not answer this message: every attempt broke off. The operator has been told.";

pub(super) const NOT_NOTED: &str = "I could not note this: my memory cannot be reached. Please send it again later.";
pub(super) const NOT_FORGOTTEN: &str = "I could not forget this: my memory cannot be reached. Please send it again later.";
pub(super) const NOT_TO_NOTE: &str = "I could not note this: my memory does not take it as it is.";
pub(super) const NOT_TO_FORGET: &str =
    "Send the command `forget` with words that stand in what I should forget, or with the id that I told you.";
pub(super) const NOTHING_FORGOTTEN: &str = "I remember nothing that says this, of what you said or were answered.";
const TOO_LONG_TOGETHER: &str =
    "I could not answer: the conversation is too long for the model. Please begin a new one; on a channel the command `new` does it.";
/// Characters of a fact that are said again when it is noted.
const NOTED_CHARS_MAX: usize = 500;

/// What was noted, and how it is taken back.
pub(super) fn noted(text: &str, record_id: &str) -> String {
    let mut begin: String = text.chars().take(NOTED_CHARS_MAX).collect();
    if begin.len() < text.len() {
        begin.push('…');
    }
    format!("Noted: {begin}\nSend the command `forget` with {record_id} to take it back.")
}

/// How much was forgotten, and what not.
pub(super) fn forgotten(records_count: u64) -> String {
    let records = match records_count {
        0 => return NOTHING_FORGOTTEN.to_owned(),
        1 => "1 record".to_owned(),
        count => format!("{count} records"),
    };
    format!("Forgotten: {records}. The latest messages of this conversation stay before me until the command `new`.")
}

/// Why a turn failed.
pub(super) fn failed(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Unreachable => "I could not answer: the model cannot be reached. Please try again later.",
        FailureClass::RateLimited => "I could not answer: the model takes no more questions at the moment. Please try again later.",
        FailureClass::Overloaded => "I could not answer: the model has trouble at the moment. Please try again later.",
        FailureClass::Interrupted => "I could not answer: the connection to the model broke off. Please try again.",
        FailureClass::Unauthenticated => "I could not answer: the model does not accept the key. The operator has been told.",
        FailureClass::QuotaExhausted => "I could not answer: the account at the model is used up. The operator has been told.",
        FailureClass::PromptTooLong => TOO_LONG_TOGETHER,
        FailureClass::Declined => "The model declined to answer this.",
        FailureClass::InvalidRequest => "I could not answer: the model did not accept the request. The operator has been told.",
        FailureClass::NoAnswer => "The model gave no answer. Please try again.",
        FailureClass::Deadline => "I could not answer in time. Please try again.",
        FailureClass::UnknownModel => "I could not answer: the chosen model is not configured any more. Please choose another.",
    }
}

/// What a conversation is busy with.
#[derive(Clone, Copy)]
pub(super) enum Working {
    Answering { ms: u64 },
    Sending,
}

/// What a conversation does, for `/status`.
pub(super) fn status(working: Option<Working>, queued: usize) -> String {
    let running = match working {
        None => NOTHING_RUNS.to_owned(),
        Some(Working::Answering { ms }) => format!("Working for {} s.", ms / 1_000),
        Some(Working::Sending) => "The answer is on its way.".to_owned(),
    };
    match queued {
        0 => running,
        1 => format!("{running} 1 message is waiting."),
        _ => format!("{running} {queued} messages are waiting."),
    }
}
