//! Asking, until somebody begins to answer.

use std::time::Duration;

use futures::{StreamExt, stream};
use tracing::warn;

use super::{OFFLINE, Route, Routing};
use crate::{
    core::FailureClass,
    vendors::{CallFailure, ChatEvent, ChatRequest, ChatStream, offline},
};

/// An answer that has begun.
pub(crate) struct Opened {
    /// Who answers.
    pub(crate) provider: String,
    /// Its own name for the model.
    pub(crate) model: String,
    /// From the first visible event on, all of it.
    pub(crate) events: ChatStream,
}

// === impl Routing ===

impl Routing {
    /// Asks `model`, and where it fails in a way in which another may not, the fall-backs, each once. Until something of an answer is
    /// there, a failure hurts nobody; from then on it is the caller's.
    pub(crate) async fn open(&self, model: &str, request: &ChatRequest) -> Result<Opened, CallFailure> {
        let unknown = || CallFailure::new(FailureClass::UnknownModel, false, format!("model `{model}` is not configured"));
        let mut failures = Vec::new();
        for route in self.chain(model).await.ok_or_else(unknown)? {
            match route.open(request.clone()).await {
                Ok(opened) => return Ok(opened),
                Err(failure) => {
                    warn!(provider = route.provider(), model = route.model(), class = ?failure.class(), detail = failure.detail, "no answer");
                    let may_another = may_another_answer(failure.class());
                    failures.push(failure);
                    if !may_another {
                        break;
                    }
                }
            }
        }
        Err(worth_most(failures))
    }
}

/// Of several failures the one that says most about whether, and when, it is worth asking again.
fn worth_most(failures: Vec<CallFailure>) -> CallFailure {
    let rank = |failure: &CallFailure| (!failure.is_retryable(), failure.retry_after().unwrap_or(Duration::ZERO));
    failures.into_iter().min_by_key(rank).expect("a chain has at least one member")
}

/// Whether another vendor may answer what this one did not.
fn may_another_answer(class: FailureClass) -> bool {
    match class {
        FailureClass::Unreachable
        | FailureClass::RateLimited
        | FailureClass::Overloaded
        | FailureClass::Interrupted
        | FailureClass::Unauthenticated
        | FailureClass::QuotaExhausted
        | FailureClass::PromptTooLong
        | FailureClass::NoAnswer
        | FailureClass::UnknownModel => true,
        FailureClass::Declined | FailureClass::InvalidRequest | FailureClass::Deadline => false,
    }
}

// === impl Route ===

impl Route {
    fn provider(&self) -> &str {
        match self {
            Route::Offline => OFFLINE,
            Route::Vendor { source, .. } => source.name(),
        }
    }

    fn model(&self) -> &str {
        match self {
            Route::Offline => OFFLINE,
            Route::Vendor { model, .. } => model,
        }
    }

    /// Asks, and waits for the first visible event.
    async fn open(&self, mut request: ChatRequest) -> Result<Opened, CallFailure> {
        let mut events = match self {
            Route::Offline => offline::stream(&request),
            Route::Vendor { source, model } => {
                request.model.clone_from(model);
                source.stream(&request).await?
            }
        };
        let mut before = Vec::new();
        while let Some(event) = events.next().await {
            let event = event?;
            let is_visible = is_visible(&event);
            before.push(Ok(event));
            if is_visible {
                break;
            }
        }
        let (provider, model) = (self.provider().to_owned(), self.model().to_owned());
        let events = stream::iter(before).chain(events.inspect({
            let (provider, model) = (provider.clone(), model.clone());
            move |event| {
                if let Err(failure) = event {
                    warn!(provider, model, class = ?failure.class(), detail = failure.detail, "an answer broke off");
                }
            }
        }));
        Ok(Opened { provider, model, events: events.boxed() })
    }
}

/// Whether somebody who waits for an answer has something now.
fn is_visible(event: &ChatEvent) -> bool {
    match event {
        ChatEvent::Text(text) | ChatEvent::Refusal(text) => !text.is_empty(),
        ChatEvent::ToolCall { .. } | ChatEvent::Finished { .. } => true,
        _ => false,
    }
}
