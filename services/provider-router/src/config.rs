//! The provider-router's part of `argentum.toml`.

use std::time::Duration;

use argentum_service::config::Section;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            system_prompt: "You are a helpful assistant. Be concise and honest.".to_owned(),
            flood_burst: 20,
            flood_refill: Duration::from_secs(2),
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
        faults
    }
}
