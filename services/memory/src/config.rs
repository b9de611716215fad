//! Memory's part of `argentum.toml`.

use std::time::Duration;

use argentum_service::config::Section;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest answer to a recall: far below what the bus carries.
const BYTES_MAX: u32 = 1 << 20;

/// What is remembered and recalled.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long new records may wait for the search index. They are recalled meanwhile, too; a longer wait costs memory, a shorter one
    /// more work on the disk. What is forgotten leaves the index after this time at the latest. Default: 2s.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub index_commit_interval: Duration,
    /// Records that are recalled for one question. Default: 12.
    pub recalled_records_max: u32,
    /// Bytes of all records that are recalled for one question. Default: 16384.
    pub recalled_bytes_max: u32,
    /// Bytes of one recalled record; a longer one is cut around what was asked for. Default: 2048.
    pub record_bytes_max: u32,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            index_commit_interval: Duration::from_secs(2),
            recalled_records_max: 12,
            recalled_bytes_max: 16 * 1024,
            record_bytes_max: 2 * 1024,
        }
    }
}

impl Section for Config {
    fn rules(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let mut rule = |is_broken: bool, key: &str, text: &str| {
            if is_broken {
                faults.push((key.to_owned(), text.to_owned()));
            }
        };
        let interval = self.index_commit_interval;
        let is_usual = (Duration::from_millis(10)..=Duration::from_secs(60)).contains(&interval);
        rule(!is_usual, "index_commit_interval", "must be from 10ms to 1m");
        rule(!(1..=500).contains(&self.recalled_records_max), "recalled_records_max", "must be from 1 to 500");
        rule(!(256..=BYTES_MAX).contains(&self.recalled_bytes_max), "recalled_bytes_max", "must be from 256 to 1048576");
        rule(self.record_bytes_max < 64, "record_bytes_max", "must be at least 64");
        rule(self.recalled_bytes_max < self.record_bytes_max, "record_bytes_max", "must not be above recalled_bytes_max");
        faults
    }
}

#[cfg(test)]
mod tests {
    use argentum_service::config::parse;

    use super::*;

    #[test]
    fn the_defaults_keep_the_rules() {
        assert_eq!(Config::default().rules(), []);
    }

    #[test]
    fn every_bound_is_held() {
        let text = "index_commit_interval = '1ms'\nrecalled_records_max = 0\nrecalled_bytes_max = 100\nrecord_bytes_max = 1000\n";
        let keys: Vec<String> = parse::<Config>(text).unwrap_err().into_iter().map(|fault| fault.key).collect();
        assert_eq!(keys, ["index_commit_interval", "recalled_records_max", "recalled_bytes_max", "record_bytes_max"]);
    }
}
