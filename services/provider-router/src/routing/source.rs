//! One provider of models: where it is, how it is asked, what it offers.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use argentum_bus::{ErrorCode, Fault};
use argentum_service::{leases::Leases, outgoing::OutgoingError, sealing::SecretBytes};

use futures::StreamExt;

use crate::{
    config::{Kind, Provider},
    core::FailureClass,
    vendors::{CallFailure, ChatRequest, ChatStream, Endpoint},
};

/// How long a list of models is believed.
const LIST_LIFE: Duration = Duration::from_secs(60);
/// How long a failure to list is remembered: a server that was just started is offered soon.
const FAILURE_LIFE: Duration = Duration::from_secs(5);
/// How long a list is waited for where somebody wants to choose.
const LIST_PATIENCE: Duration = Duration::from_secs(3);

/// A provider.
pub(super) struct Source {
    name: String,
    endpoint: Endpoint,
    /// Name of its key in the vault.
    key: Option<String>,
    /// Models that the operator named; empty = the provider is asked.
    named: Vec<String>,
    leases: Leases,
    /// Whether the vault gave no key when it was last asked, and may give one later.
    lacks_key: AtomicBool,
    listed: Mutex<Option<Listed>>,
    /// One asks; the others wait for what it learns.
    listing: tokio::sync::Mutex<()>,
}

/// What it offered, and until when that is believed.
struct Listed {
    models: Vec<String>,
    until: Instant,
}

/// The name under which a model server of this machine is offered: `ollama` on Ollama's port, else host and port.
pub(super) fn local_name(base_url: &str) -> String {
    let authority = base_url.split("://").nth(1).unwrap_or(base_url).split('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((_, "11434")) => "ollama".to_owned(),
        _ => authority.chars().map(|sign| if sign.is_ascii_alphanumeric() { sign.to_ascii_lowercase() } else { '-' }).collect(),
    }
}

// === impl Source ===

impl Source {
    pub(super) fn new(name: &str, provider: &Provider, leases: Leases) -> Result<Self, OutgoingError> {
        Ok(Self {
            name: name.to_owned(),
            endpoint: Endpoint::new(provider)?,
            key: provider.secret().map(str::to_owned),
            named: provider.models.clone(),
            leases,
            lacks_key: AtomicBool::new(false),
            listed: Mutex::default(),
            listing: tokio::sync::Mutex::default(),
        })
    }

    /// How a model server of this machine would be configured.
    pub(super) fn local_provider(base_url: &str) -> Provider {
        Provider { kind: Kind::OpenAi, base_url: Some(base_url.to_owned()), ..Provider::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn named(&self) -> &[String] {
        &self.named
    }

    /// Asks; the stream ends with a finish or a failure.
    pub(super) async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, CallFailure> {
        let key = self.key().await?;
        let events = self.endpoint.stream(key.as_deref().map(SecretBytes::expose), request).await;
        let events = events.inspect_err(|failure| self.note_refused(key.as_ref(), failure))?;
        // A vendor may repeat the key in what it complains of, also in the middle of an answer.
        let clean = move |failure: CallFailure| failure.without(key.as_deref().map(SecretBytes::expose));
        Ok(events.map(move |event| event.map_err(&clean)).boxed())
    }

    /// What it offers, as far as it is known or can be learned soon; nothing where it does not tell.
    pub(super) async fn models(&self) -> Vec<String> {
        if !self.named.is_empty() {
            return self.named.clone();
        }
        if let Some(models) = self.known() {
            return models;
        }
        let _one = self.listing.lock().await;
        if let Some(models) = self.known() {
            return models;
        }
        let asked = tokio::time::timeout(LIST_PATIENCE, self.ask_models()).await;
        let (models, life) = match asked {
            Ok(Ok(models)) => (models, LIST_LIFE),
            _ => (Vec::new(), FAILURE_LIFE),
        };
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Listed { models: models.clone(), until: Instant::now() + life });
        models
    }

    /// What it offers, asked now.
    pub(super) async fn ask_models(&self) -> Result<Vec<String>, CallFailure> {
        let key = self.key().await?;
        let models = self.endpoint.models(key.as_deref().map(SecretBytes::expose)).await;
        models.inspect_err(|failure| self.note_refused(key.as_ref(), failure))
    }

    /// A key that the vendor refused is asked for anew, so that one that was put right is used.
    fn note_refused(&self, key: Option<&Arc<SecretBytes>>, failure: &CallFailure) {
        if let (Some(name), Some(key), FailureClass::Unauthenticated) = (&self.key, key, failure.class()) {
            self.leases.refused(name, key);
        }
    }

    fn known(&self) -> Option<Vec<String>> {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        listed.as_ref().filter(|listed| Instant::now() < listed.until).map(|listed| listed.models.clone())
    }

    /// Whether it cannot be asked as long as the vault lends no key.
    pub(super) fn lacks_key(&self) -> bool {
        self.lacks_key.load(Ordering::Relaxed)
    }

    /// Asks the vault again.
    pub(super) async fn look_for_key(&self) {
        // What comes of it is noted.
        let _ = self.key().await;
    }

    /// Its key, leased from the vault.
    async fn key(&self) -> Result<Option<Arc<SecretBytes>>, CallFailure> {
        let Some(name) = &self.key else { return Ok(None) };
        let leased = self.leases.secret(name).await;
        // What the vault does not have or give will not be there in a moment either; else the vault is down.
        let is_final = |fault: &Fault| matches!(fault.code, ErrorCode::NotFound | ErrorCode::Forbidden);
        self.lacks_key.store(leased.as_ref().is_err_and(|fault| !is_final(fault)), Ordering::Relaxed);
        leased.map(Some).map_err(|fault| {
            let is_final = is_final(&fault);
            let class = if is_final { FailureClass::Unauthenticated } else { FailureClass::Unreachable };
            CallFailure::new(class, !is_final, format!("no key `{name}` from the vault: {fault}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_server_is_offered_by_name() {
        assert_eq!(local_name("http://127.0.0.1:11434/v1"), "ollama");
        assert_eq!(local_name("http://localhost:8000/v1"), "localhost-8000");
    }
}
