//! `/v1`: the API that any client of OpenAI's chat completions talks to.
//!
//! A key lets in, nothing else: no session, no cookie, so a page of somebody else's has nothing to ride on, and none may read what is
//! answered (no CORS). `question` reads what is asked, `answer` has the shapes of what is answered, `error` those of faults.

mod answer;
mod body;
mod chat;
mod error;
mod keys;
mod models;
mod question;

use axum::{
    Router,
    extract::{Request, State},
    http::HeaderMap,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use super::{Shared, guard};
use error::ApiFault;

/// Everything below `/v1`.
pub(super) fn routes(shared: &Shared) -> Router<Shared> {
    Router::new()
        .route("/chat/completions", post(chat::complete))
        .route("/models", get(models::list))
        // A model's name has a slash, which some clients escape and some do not.
        .route("/models/{*name}", get(models::get))
        .fallback(async || ApiFault::no_path())
        .method_not_allowed_fallback(async || ApiFault::no_method())
        .layer(from_fn_with_state(shared.clone(), keys::bearer))
        .layer(from_fn_with_state(shared.clone(), host))
}

/// Whether a request shows a key that works.
pub(super) fn is_admitted(shared: &Shared, headers: &HeaderMap) -> bool {
    keys::token(headers).is_some_and(|shown| shared.key_ring.admits(shown))
}

/// Refuses what was not meant for this server.
async fn host(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    match guard::foreign_host(request.headers(), &shared) {
        Some(text) => ApiFault::misdirected(text).into_response(),
        None => next.run(request).await,
    }
}
