//! Records: what was said, as plain values, made from what the bus brings.

use std::time::{Duration, UNIX_EPOCH};

use argentum_proto::{
    channel::v1::{Outcome, Sender},
    ids::{ConversationId, Gateway, InvalidId, SenderId, TurnId},
    memory::v1::{Conversation, Record as WireRecord, RecordKind, RememberFactRequest, RememberTurnRequest, StoredRecord},
};

use crate::scope::{self, ScopeKey, Speaker};

/// Longest display name or title, in characters; what is longer is cut.
const LABEL_CHARS_MAX: usize = 256;
const FACT_ID_BYTES_MAX: usize = 128;
const FACT_BYTES_MAX: usize = 64 * 1024;
/// How an answer's author is called.
const ASSISTANT: &str = "assistant";

/// Why a request cannot be carried out, ever. Safe to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Invalid {
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error(transparent)]
    Id(#[from] InvalidId),
    #[error("a fact id has 1 to 128 letters, digits, `-`, `_`, `.`")]
    FactId,
    #[error("a fact has 1 to 65,536 bytes")]
    FactText,
    #[error("`words` holds no word")]
    Words,
    #[error("more than {0} turns are to be left out")]
    Excluded(usize),
}

/// One saying. Its fields are checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record(StoredRecord);

/// Records that are remembered together, once: told again, they change nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Telling {
    /// What makes it the same telling.
    pub(crate) id: String,
    /// In the order in which they were said.
    pub(crate) records: Vec<Record>,
}

// === impl Telling ===

impl Telling {
    pub(crate) fn of_turn(request: RememberTurnRequest) -> Result<Self, Invalid> {
        let turn: TurnId = request.turn_id.parse()?;
        let (conversation, sender) = (checked(request.conversation)?, request.sender.ok_or(Invalid::Missing("sender"))?);
        let sender_id = SenderId::parse(sender.platform_id)?.to_string();
        let outcome = Outcome::try_from(request.outcome).unwrap_or(Outcome::Unspecified);
        let record = |kind: RecordKind, author: String, said_at_ms: u64, text: String| {
            let suffix = if kind == RecordKind::Question { "question" } else { "answer" };
            Record(StoredRecord {
                record_id: format!("{turn}.{suffix}"),
                kind: kind.into(),
                conversation: Some(conversation.clone()),
                sender_id: sender_id.clone(),
                author,
                said_at_ms,
                text,
                turn_id: turn.to_string(),
                outcome: outcome.into(),
                ..StoredRecord::default()
            })
        };
        let mut records = Vec::new();
        let is_saying = outcome != Outcome::Cleared && !request.question.trim().is_empty();
        if is_saying {
            records.push(record(RecordKind::Question, label(&sender.display_name), request.asked_at_ms, request.question));
        }
        // A report of a failure is nothing that somebody said.
        let is_answer = matches!(outcome, Outcome::Answered | Outcome::Stopped) && !request.answer.trim().is_empty();
        if is_answer {
            let mut answer = record(RecordKind::Answer, ASSISTANT.to_owned(), request.answered_at_ms, request.answer);
            answer.0.model = request.model;
            records.push(answer);
        }
        Ok(Self { id: format!("turn.{turn}"), records })
    }

    pub(crate) fn of_fact(request: RememberFactRequest) -> Result<Self, Invalid> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let id = request.fact_id;
        if !(1..=FACT_ID_BYTES_MAX).contains(&id.len()) || !id.bytes().all(is_plain) {
            return Err(Invalid::FactId);
        }
        if FACT_BYTES_MAX < request.text.len() || request.text.trim().is_empty() {
            return Err(Invalid::FactText);
        }
        let sender = request.sender.ok_or(Invalid::Missing("sender"))?;
        let id = format!("fact.{id}");
        let record = Record(StoredRecord {
            record_id: id.clone(),
            kind: RecordKind::Fact.into(),
            conversation: Some(checked(request.conversation)?),
            sender_id: SenderId::parse(sender.platform_id)?.to_string(),
            author: label(&sender.display_name),
            said_at_ms: request.said_at_ms,
            text: request.text,
            ..StoredRecord::default()
        });
        Ok(Self { id, records: vec![record] })
    }
}

// === impl Record ===

impl Record {
    /// As it was kept.
    pub(crate) fn from_stored(stored: StoredRecord) -> Self {
        Self(stored)
    }

    pub(crate) fn stored(&self) -> &StoredRecord {
        &self.0
    }

    /// Says which record of its conversation came before.
    pub(crate) fn follows(&mut self, sequence: u64) {
        self.0.after_sequence = sequence;
    }

    pub(crate) fn id(&self) -> &str {
        &self.0.record_id
    }

    pub(crate) fn is_fact(&self) -> bool {
        self.0.kind() == RecordKind::Fact
    }

    pub(crate) fn said_at_ms(&self) -> u64 {
        self.0.said_at_ms
    }

    /// What was said, without who and when.
    pub(crate) fn text(&self) -> &str {
        &self.0.text
    }

    /// Of a question or an answer; empty for a fact.
    pub(crate) fn turn(&self) -> &str {
        &self.0.turn_id
    }

    /// The keys by which it is shared.
    pub(crate) fn keys(&self) -> Vec<ScopeKey> {
        let (gateway, conversation) = self.place();
        scope::borne(gateway, conversation, &self.0.sender_id)
    }

    /// The key of its conversation.
    pub(crate) fn here(&self) -> ScopeKey {
        let (gateway, conversation) = self.place();
        ScopeKey::conversation(gateway, conversation)
    }

    /// What precedes the text: author and date can be asked for like any other word.
    pub(crate) fn heading(&self) -> String {
        format!("{} {}: ", date(self.0.said_at_ms), self.0.author)
    }

    /// Who, when and what: what is found, and what is recalled.
    pub(crate) fn whole(&self) -> String {
        self.heading() + &self.0.text
    }

    /// As it is shown, with `text`.
    pub(crate) fn shown(self, text: String) -> WireRecord {
        let StoredRecord { record_id, kind, conversation, author, said_at_ms, turn_id, .. } = self.0;
        let conversation = conversation.unwrap_or_default();
        WireRecord {
            record_id,
            kind,
            author,
            said_at_ms,
            gateway: conversation.gateway,
            platform_conversation_id: conversation.platform_conversation_id,
            conversation_title: conversation.title,
            text,
            turn_id,
        }
    }

    fn place(&self) -> (&str, &str) {
        self.0.conversation.as_ref().map_or(("", ""), |place| (&place.gateway, &place.platform_conversation_id))
    }
}

// === impl Speaker ===

impl Speaker {
    pub(crate) fn from_wire(conversation: Option<Conversation>, sender: Option<Sender>) -> Result<Self, Invalid> {
        let conversation = conversation.ok_or(Invalid::Missing("conversation"))?;
        let sender = sender.ok_or(Invalid::Missing("sender"))?;
        Ok(Self {
            audience: conversation.audience(),
            gateway: Gateway::parse(conversation.gateway)?,
            conversation: ConversationId::parse(conversation.platform_conversation_id)?,
            sender: SenderId::parse(sender.platform_id)?,
        })
    }
}

fn checked(conversation: Option<Conversation>) -> Result<Conversation, Invalid> {
    let conversation = conversation.ok_or(Invalid::Missing("conversation"))?;
    Ok(Conversation {
        audience: conversation.audience().into(),
        gateway: Gateway::parse(conversation.gateway)?.to_string(),
        platform_conversation_id: ConversationId::parse(conversation.platform_conversation_id)?.to_string(),
        title: label(&conversation.title),
    })
}

fn label(text: &str) -> String {
    text.chars().take(LABEL_CHARS_MAX).collect()
}

/// The day in UTC, as ISO 8601 writes it.
fn date(unix_ms: u64) -> String {
    // The calendar of the formatter ends with the year 9999.
    let seconds = (unix_ms / 1_000).min(253_402_300_799);
    let mut date = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
    date.truncate(10);
    date
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A turn on 9 September 2001 in `room` of `chat`.
    pub(crate) fn turn(number: u128, question: &str, answer: &str) -> RememberTurnRequest {
        RememberTurnRequest {
            turn_id: TurnId::new(ulid::Ulid(number)).to_string(),
            conversation: Some(Conversation { gateway: "chat".into(), platform_conversation_id: "room".into(), ..Conversation::default() }),
            sender: Some(Sender { platform_id: "ann".into(), display_name: "Ann".into() }),
            question: question.into(),
            answer: answer.into(),
            outcome: Outcome::Answered.into(),
            asked_at_ms: 1_000_000_000_000,
            answered_at_ms: 1_000_000_001_000,
            ..RememberTurnRequest::default()
        }
    }

    fn wholes(request: RememberTurnRequest) -> Vec<String> {
        Telling::of_turn(request).unwrap().records.iter().map(Record::whole).collect()
    }

    #[test]
    fn a_turn_is_a_question_and_an_answer_with_author_and_date() {
        assert_eq!(wholes(turn(1, "Tea?", "Yes.")), ["2001-09-09 Ann: Tea?", "2001-09-09 assistant: Yes."]);
    }

    #[test]
    fn a_report_of_a_failure_is_not_remembered_as_an_answer() {
        let failed = RememberTurnRequest { outcome: Outcome::Failed.into(), ..turn(1, "Tea?", "The model did not answer.") };
        assert_eq!(wholes(failed), ["2001-09-09 Ann: Tea?"]);
    }

    #[test]
    fn beginning_anew_says_nothing() {
        assert_eq!(wholes(RememberTurnRequest { outcome: Outcome::Cleared.into(), ..turn(1, "/new", "") }), [""; 0]);
    }

    #[test]
    fn a_fact_is_named_by_its_teller() {
        let fact = |id: &str, text: &str| {
            let RememberTurnRequest { conversation, sender, .. } = turn(1, "", "");
            Telling::of_fact(RememberFactRequest { fact_id: id.into(), conversation, sender, text: text.into(), said_at_ms: 0 })
        };
        assert_eq!(fact("a-1", "I like tea.").unwrap().records[0].id(), "fact.a-1");
        assert!(matches!(fact("a 1", "I like tea."), Err(Invalid::FactId)));
        assert!(matches!(fact(&"a".repeat(129), "I like tea."), Err(Invalid::FactId)));
        assert!(matches!(fact("a", " "), Err(Invalid::FactText)));
    }

    #[test]
    fn what_names_nobody_is_refused() {
        assert!(matches!(Telling::of_turn(RememberTurnRequest { sender: None, ..turn(1, "", "") }), Err(Invalid::Missing("sender"))));
        assert!(matches!(Telling::of_turn(RememberTurnRequest { turn_id: "x".into(), ..turn(1, "", "") }), Err(Invalid::Id(_))));
    }

    #[test]
    fn any_time_has_a_date() {
        assert_eq!([date(0), date(u64::MAX)], ["1970-01-01", "9999-12-31"]);
    }
}
