//! Logging in and out, and who else is logged in. Being logged in is asked by `GET`, which the guard answers with 401 where it is not so.

use std::sync::Arc;

use argentum_bus::Fault;
use argentum_service::PublicUrl;
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Shared,
    error::ApiError,
    guard::{COOKIE, cookie},
};
use crate::sessions::IDLE_MS;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogIn {
    token: String,
}

/// Swaps the secret of a login link for a cookie.
pub(crate) async fn log_in(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Json(LogIn { token }): Json<LogIn>,
) -> Result<Response, ApiError> {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default().to_owned();
    let door = Arc::clone(&shared.door);
    let session = blocking(move || door.log_in(&token, &agent)).await?;
    let Some(session) = session else {
        let text = "this link has been used or has expired; `argentum login` prints a new one";
        return Err(ApiError::new(StatusCode::UNAUTHORIZED, "unauthenticated", text));
    };
    let cookie = set_cookie(&shared, &session, IDLE_MS / 1000);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

pub(crate) async fn log_out(State(shared): State<Shared>, headers: HeaderMap) -> Result<Response, ApiError> {
    let session = cookie(&headers).unwrap_or_default().to_owned();
    let cookie = set_cookie(&shared, "", 0);
    blocking(move || shared.door.log_out(&session)).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// The header's value. Where the page is reached over TLS, the cookie never travels without it.
fn set_cookie(shared: &Shared, session: &str, age_s_max: u64) -> String {
    let secure = if shared.public_url.as_ref().is_some_and(PublicUrl::is_https) { "; Secure" } else { "" };
    format!("{COOKIE}={session}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age_s_max}{secure}")
}

pub(crate) async fn is_logged_in() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Everybody who is logged in.
pub(crate) async fn list(State(shared): State<Shared>, headers: HeaderMap) -> Json<Value> {
    Json(json!({ "sessions": shared.door.list(cookie(&headers).unwrap_or_default()) }))
}

/// Ends somebody's session, also the own one.
pub(crate) async fn revoke(State(shared): State<Shared>, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    if blocking(move || shared.door.revoke(&id)).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::new(StatusCode::NOT_FOUND, "not-found", "this session has ended already"))
    }
}

/// Runs what waits for the disk beside the threads that copy bytes.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Fault::internal(error.to_string()))?
}
