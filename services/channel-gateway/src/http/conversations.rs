//! What the page shows and does: conversations and messages.

use argentum_bus::{Account, AccountConversation};
use argentum_proto::{
    channel::v1::{
        AcceptMessageRequest, GetConversationRequest, ListConversationsRequest, NewCommand, Question, Sender, StopTurnRequest,
        accept_message_request::Content, accept_message_response::Answer,
    },
    ids::ConversationId,
    memory::v1::Audience,
};
use argentum_service::unix_ms;
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::Instrument;
use ulid::Ulid;

use super::{Shared, error::ApiError, view};
use crate::{spans, web};

/// Who writes on the page: there is one operator.
const SENDER: &str = "operator";
/// Conversations in the page's list.
const LISTED_MAX: u32 = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    text: String,
    /// Who is to answer this and what follows; absent = as before.
    #[serde(default)]
    model: String,
}

pub(crate) async fn list(State(shared): State<Shared>) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "conversations": listed(&shared).await? })))
}

/// The page's conversations, the one that changed last first.
pub(crate) async fn listed(shared: &Shared) -> Result<Vec<view::Summary>, ApiError> {
    let request = ListConversationsRequest { count_max: LISTED_MAX, changed_before_ms: 0 };
    let answer = shared.bus.request(&Account(web()), &request).await?;
    Ok(answer.conversations.into_iter().map(view::Summary::from).collect())
}

pub(crate) async fn get(State(shared): State<Shared>, Path(id): Path<String>) -> Result<Json<view::Conversation>, ApiError> {
    Ok(Json(got(&shared, &checked(&id)?).await?))
}

/// A conversation as it stands now: its turns, the running one with its text so far, the waiting ones.
pub(crate) async fn got(shared: &Shared, id: &ConversationId) -> Result<view::Conversation, ApiError> {
    let request = GetConversationRequest { platform_conversation_id: id.to_string() };
    let answer = shared.bus.request(&Account(web()), &request).await?;
    Ok(view::Conversation::new(id.to_string(), answer))
}

/// Takes a message: 202 only once it is on disk. The page keeps it until then, and sends it again with the same key.
pub(crate) async fn send(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(Message { text, model }): Json<Message>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    accept(&shared, &checked(&id)?, key(&headers)?, Content::Question(Question { text, model })).await
}

/// Begins anew: what was said before is no longer part of what a model is told.
pub(crate) async fn begin_anew(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    accept(&shared, &checked(&id)?, key(&headers)?, Content::New(NewCommand {})).await
}

/// Stops the running turn: the text so far is its answer.
pub(crate) async fn stop(State(shared): State<Shared>, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    let request = StopTurnRequest { platform_conversation_id: checked(&id)?.to_string(), turn_id: String::new() };
    let stopped = shared.bus.request(&Account(web()), &request).await?.stopped_turn_id;
    Ok(Json(json!({ "stopped": if stopped.is_empty() { None } else { Some(stopped) } })))
}

async fn accept(shared: &Shared, id: &ConversationId, key: Ulid, content: Content) -> Result<(StatusCode, Json<Value>), ApiError> {
    let request = AcceptMessageRequest {
        platform_conversation_id: id.to_string(),
        platform_message_id: key.to_string(),
        sender: Some(Sender { platform_id: SENDER.to_owned(), display_name: String::new() }),
        // The key tells when the message was written; a page whose clock is ahead gains nothing by it.
        platform_time_ms: key.timestamp_ms().clamp(1, unix_ms().max(1)),
        content: Some(content),
        // The page is its operator's alone.
        audience: Audience::Direct.into(),
        ..AcceptMessageRequest::default()
    };
    let address = AccountConversation { gateway: web(), conversation: id.token() };
    let asked = shared.bus.request(&address, &request).instrument(spans::receive(&web(), &request)).await;
    let (turn, already) = match asked?.answer {
        Some(Answer::Accepted(accepted)) => (accepted.turn_id, false),
        Some(Answer::AlreadyAccepted(accepted)) => (accepted.turn_id, true),
        Some(Answer::Rejected(rejected)) => return Err(rejected.into()),
        Some(Answer::RetryAfter(retry)) => return Err(ApiError::retry("nothing is taken right now; try again", retry.retry_after_ms)),
        None => return Err(ApiError::retry("the answer was not understood; try again", 1_000)),
    };
    Ok((StatusCode::ACCEPTED, Json(json!({ "turn": turn, "already": already }))))
}

/// The page names its conversations with ULIDs.
pub(crate) fn checked(id: &str) -> Result<ConversationId, ApiError> {
    let invalid = || ApiError::invalid("a conversation is named by a ULID of 26 characters");
    let ulid = Ulid::from_string(id).map_err(|_| invalid())?;
    // One conversation has one name: ULIDs are written in capitals.
    if ulid.to_string() == id { id.parse().map_err(|_| invalid()) } else { Err(invalid()) }
}

fn key(headers: &HeaderMap) -> Result<Ulid, ApiError> {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).and_then(|key| Ulid::from_string(key).ok());
    key.ok_or_else(|| ApiError::invalid("the header `Idempotency-Key` must hold a ULID of 26 characters, the same at every try"))
}
