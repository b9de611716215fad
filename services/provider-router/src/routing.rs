//! Who answers for a model: configured providers, model servers of this machine, and whom to ask when one fails.
//!
//! A model is named `<provider>/<model>` everywhere. An empty name means the default one; where there is none, the built-in
//! `offline` provider answers.

mod opening;
mod source;

use std::{collections::BTreeMap, sync::Arc};

use argentum_proto::provider::v1::Model;
use argentum_service::{leases::Leases, outgoing::OutgoingError};
use futures::future::join_all;

use crate::{config::Config, vendors::CallFailure};

pub(crate) use opening::Opened;
use source::{Source, local_name};

/// The provider that is always there and says honestly that no other is.
pub(crate) const OFFLINE: &str = "offline";

/// Everything that can answer.
pub(crate) struct Routing {
    /// Configured, by name.
    providers: BTreeMap<String, Arc<Source>>,
    /// Model servers that answer or not, by the name under which they are offered.
    local: BTreeMap<String, Arc<Source>>,
    default_model: String,
    /// Models to ask, in order, when one fails in a way in which another may not.
    fallbacks: Vec<String>,
}

/// Whom to ask.
#[derive(Clone)]
enum Route {
    Offline,
    Vendor { source: Arc<Source>, model: String },
}

/// A configured provider cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("provider `{name}`")]
pub(crate) struct RoutingError {
    name: String,
    #[source]
    source: OutgoingError,
}

// === impl Routing ===

impl Routing {
    pub(crate) fn new(config: &Config, leases: &Leases) -> Result<Self, RoutingError> {
        let make = |name: &str, provider: &crate::config::Provider| {
            let made = Source::new(name, provider, leases.clone()).map(|source| (name.to_owned(), Arc::new(source)));
            made.map_err(|source| RoutingError { name: name.to_owned(), source })
        };
        let providers = config.providers.iter().map(|(name, provider)| make(name, provider)).collect::<Result<BTreeMap<_, _>, _>>()?;
        let servers = config.local_servers.iter().map(|base_url| make(&local_name(base_url), &Source::local_provider(base_url)));
        let mut local = servers.collect::<Result<BTreeMap<_, _>, _>>()?;
        local.retain(|name, _| !providers.contains_key(name));
        Ok(Self { providers, local, default_model: config.default_model.clone(), fallbacks: config.fallbacks.clone() })
    }

    /// All models that can answer now, by provider.
    pub(crate) async fn models(&self) -> Vec<Model> {
        let sources: Vec<&Arc<Source>> = self.sources().collect();
        let lists = join_all(sources.iter().map(|source| source.models())).await;
        let default = self.default_name().await;
        let model = |provider: &str, name: String| Model { is_default: name == default, provider: provider.to_owned(), name };
        let mut models: Vec<Model> = sources
            .iter()
            .zip(lists)
            .flat_map(|(source, list)| {
                list.into_iter().map(|name| model(source.name(), format!("{}/{name}", source.name()))).collect::<Vec<_>>()
            })
            .collect();
        // What was chosen as default is there, also while its provider does not tell.
        if !models.iter().any(|known| known.is_default) {
            let provider = default.split('/').next().unwrap_or_default().to_owned();
            models.insert(0, model(&provider, default.clone()));
        }
        models
    }

    /// What the provider `name` offers, asked now.
    pub(crate) async fn test(&self, name: &str) -> Option<Result<Vec<String>, CallFailure>> {
        let source = self.providers.get(name).or_else(|| self.local.get(name))?;
        Some(source.ask_models().await)
    }

    /// Whether nobody who is asked by default can be, because the vault lends no key now.
    pub(crate) fn lacks_keys(&self) -> bool {
        let usual = self.usual();
        !usual.is_empty() && usual.iter().all(|source| source.lacks_key())
    }

    /// Asks the vault again for the keys that it did not lend.
    pub(crate) async fn look_for_keys(&self) {
        join_all(self.usual().iter().filter(|source| source.lacks_key()).map(|source| source.look_for_key())).await;
    }

    /// The configured providers that are asked where nobody chose, in order; none where a server of this machine or nobody answers.
    fn usual(&self) -> Vec<&Arc<Source>> {
        let first = match self.default_model.split_once('/') {
            Some((provider, _)) => self.providers.get(provider),
            None => self.first_named().map(|(source, _)| source),
        };
        let Some(first) = first else { return Vec::new() };
        let fallbacks = self.fallbacks.iter().filter_map(|model| self.providers.get(model.split('/').next()?));
        std::iter::once(first).chain(fallbacks).collect()
    }

    /// The first model that an operator named, and whose it is.
    fn first_named(&self) -> Option<(&Arc<Source>, &String)> {
        self.providers.values().find_map(|source| Some((source, source.named().first()?)))
    }

    fn sources(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.providers.values().chain(self.local.values())
    }

    /// The model that answers where nobody chose: the configured one, else the first that an operator named or this machine serves.
    async fn default_name(&self) -> String {
        if !self.default_model.is_empty() {
            return self.default_model.clone();
        }
        if let Some((source, model)) = self.first_named() {
            return format!("{}/{model}", source.name());
        }
        for source in self.local.values() {
            if let Some(model) = source.models().await.first() {
                return format!("{}/{model}", source.name());
            }
        }
        format!("{OFFLINE}/{OFFLINE}")
    }

    /// Whom `model` names; `None` where it is not configured.
    async fn route(&self, model: &str) -> Option<Route> {
        let (provider, name) = model.split_once('/')?;
        if provider == OFFLINE {
            return (name == OFFLINE).then_some(Route::Offline);
        }
        let source = self.providers.get(provider).or_else(|| self.local.get(provider))?;
        let is_known = source.named().is_empty() || source.named().iter().any(|known| known == name);
        is_known.then(|| Route::Vendor { source: Arc::clone(source), model: name.to_owned() })
    }

    /// Whom to ask for `model`, in order, each once. `None` where it is not configured.
    async fn chain(&self, model: &str) -> Option<Vec<Route>> {
        let first = if model.is_empty() { self.default_name().await } else { model.to_owned() };
        let mut routes = vec![self.route(&first).await?];
        if matches!(routes[0], Route::Offline) {
            return Some(routes);
        }
        for fallback in self.fallbacks.iter().filter(|fallback| **fallback != first) {
            routes.extend(self.route(fallback).await);
        }
        Some(routes)
    }
}
