//! The provider-router's part of `argentum.toml`.

mod providers;

use std::{collections::BTreeMap, time::Duration};

use argentum_service::config::Section;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use providers::Kind;
pub use providers::Provider;

/// Turns and the models that answer them.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What every model is told before anything else. Default: a short request to be helpful, concise and honest. A change holds from
    /// the next turn on.
    pub system_prompt: String,
    /// Messages that one sender may write at once; further ones are rejected as flood. Default: 20.
    pub flood_burst: u32,
    /// How long a sender who wrote that many waits for one more. Default: 2s. Shorter lets a runaway client spend more.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub flood_refill: Duration,
    /// The model that answers where nobody chose, as `<provider>/<model>`; `argentum model use` sets it. Default: the first that a
    /// provider's `models` names, else the first of a model server of this machine, else the built-in `offline` provider.
    pub default_model: String,
    /// Models to ask, in this order, when the chosen one fails before its first word in a way in which another may not: unreachable,
    /// busy, out of quota. Each is asked once. Default: none.
    pub fallbacks: Vec<String>,
    /// Addresses of model servers that speak OpenAI's protocol and are offered by name while they answer. Default: Ollama's usual
    /// port, `["http://127.0.0.1:11434/v1"]`.
    pub local_servers: Vec<String>,
    /// Providers of models, by name.
    pub providers: BTreeMap<String, Provider>,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            system_prompt: "You are a helpful assistant. Be concise and honest.".to_owned(),
            flood_burst: 20,
            flood_refill: Duration::from_secs(2),
            default_model: String::new(),
            fallbacks: Vec::new(),
            local_servers: vec!["http://127.0.0.1:11434/v1".to_owned()],
            providers: BTreeMap::new(),
        }
    }
}

impl Section for Config {
    fn rules(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        if self.flood_burst == 0 {
            faults.push(("flood_burst".to_owned(), "must not be 0: nobody could write anything".to_owned()));
        }
        if self.flood_refill < Duration::from_millis(1) {
            faults.push(("flood_refill".to_owned(), "must be at least 1ms".to_owned()));
        }
        faults.extend(providers::model_rules(&self.default_model, &self.fallbacks, &self.providers));
        faults.extend(providers::server_rules(&self.local_servers));
        faults.extend(providers::rules(&self.providers));
        faults
    }
}
