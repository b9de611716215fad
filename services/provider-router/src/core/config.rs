//! What the core is told once: texts, prices, limits.

use std::collections::BTreeSet;

use argentum_proto::{ids::Gateway, provider::v1::Settlement};

use super::rule::Rule;

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// What the core is told once.
#[derive(Clone, Debug)]
pub struct Config {
    /// What every prompt begins with.
    pub system_prompt: String,
    /// Whom a try is settled with when the vendor gave no count.
    pub price: Price,
    /// Accounts whose readers read the tail (class E): Completed is the delivery.
    pub delivered_by_tail: BTreeSet<Gateway>,
    /// Bounds; their defaults are the contract's.
    pub limits: Limits,
    /// A rule that is left out, to prove that an exploration would notice.
    #[cfg(any(test, feature = "explore"))]
    pub left_out: Option<Rule>,
}

/// What tokens of the chosen model cost.
#[derive(Clone, Debug, Default)]
pub struct Price {
    /// Vendor, as configured.
    pub provider: String,
    /// Model, as the vendor calls it.
    pub model: String,
    /// Millionths of the currency for a million input tokens.
    pub input_micros_per_million: u64,
    /// Millionths of the currency for a million output tokens.
    pub output_micros_per_million: u64,
    /// What an answer is taken for of which nothing is known.
    pub output_tokens_estimated: u64,
}

/// Every bound of the core. Times are milliseconds.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest question; longer ones are TooLarge.
    pub question_bytes_max: usize,
    /// Longest text for memory; longer ones are TooLarge.
    pub errand_bytes_max: usize,
    /// Longest answer; what follows is cut off and the vendor is told to stop.
    pub answer_bytes_max: usize,
    /// Messages that wait behind a running turn; further ones are QueueFull.
    pub queue_max: usize,
    /// Messages that a sender may write at once; further ones are Flood.
    pub flood_burst: u64,
    /// How often a sender gets one more.
    pub flood_refill_ms: u64,
    /// From Started to Completed in one life of the router.
    pub turn_deadline_ms: u64,
    /// From Completed to the last receipt, in counted uptime.
    pub delivery_deadline_ms: u64,
    /// Starts without an outcome; a turn found with as many is quarantined.
    pub starts_max: u32,
    /// Tries at the vendor in one life, unless the vendor cannot be reached at all: then the deadline decides.
    pub tries_max: u32,
    /// Wait before the second try; doubles.
    pub retry_min_ms: u64,
    /// Longest wait between tries that nobody asked for.
    pub retry_max_ms: u64,
    /// How long a turn waits for recalled records.
    pub recall_ms: u64,
    /// Wait for Taken before an outbound is published again; doubles.
    pub publish_min_ms: u64,
    /// Longest wait between publications.
    pub publish_max_ms: u64,
    /// Turns being remembered at one time.
    pub remembering_max: usize,
    /// How long a key is known at least, in counted uptime.
    pub keys_ms: u64,
    /// How often uptime is counted, keys are purged.
    pub housekeeping_ms: u64,
    /// What a gateway that comes while the intake is closed waits.
    pub intake_retry_ms: u64,
    /// Past turns that a conversation keeps for its readers.
    pub tail: TailLimits,
    /// Past turns that go into a prompt.
    pub prompt_tail: TailLimits,
    /// Recalled text in a prompt.
    pub recalled_bytes_max: usize,
}

/// How much of a conversation's past is used. The newest turn always is.
#[derive(Clone, Copy, Debug)]
pub struct TailLimits {
    /// Questions and answers together.
    pub bytes_max: usize,
    /// Turns.
    pub count_max: usize,
}

// === impl Config ===

impl Config {
    /// With the contract's limits.
    pub fn new(system_prompt: impl Into<String>, price: Price) -> Self {
        Self {
            system_prompt: system_prompt.into(),
            price,
            delivered_by_tail: BTreeSet::new(),
            limits: Limits::default(),
            #[cfg(any(test, feature = "explore"))]
            left_out: None,
        }
    }

    /// Whether a rule holds: always, outside explorations.
    #[cfg(any(test, feature = "explore"))]
    pub(super) fn keeps(&self, rule: Rule) -> bool {
        self.left_out != Some(rule)
    }

    /// Whether a rule holds: always.
    #[cfg(not(any(test, feature = "explore")))]
    #[expect(clippy::unused_self, reason = "explorations look at it")]
    pub(super) const fn keeps(&self, _: Rule) -> bool {
        true
    }
}

// === impl Price ===

impl Price {
    /// What a try is settled with that the vendor gave no count of. A token is taken for four bytes.
    pub(crate) fn estimate(&self, input_bytes: usize, output_tokens: u64) -> Settlement {
        Settlement { is_estimated: true, ..self.settle((input_bytes as u64).div_ceil(4), output_tokens) }
    }

    /// What a try costs that the vendor gave a count of.
    pub(crate) fn settle(&self, input_tokens: u64, output_tokens: u64) -> Settlement {
        let cost = u128::from(input_tokens) * u128::from(self.input_micros_per_million)
            + u128::from(output_tokens) * u128::from(self.output_micros_per_million);
        Settlement {
            provider: self.provider.clone(),
            model: self.model.clone(),
            input_tokens,
            output_tokens,
            cost_micros: u64::try_from(cost.div_ceil(1_000_000)).unwrap_or(u64::MAX),
            is_estimated: false,
        }
    }
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            question_bytes_max: 256 * 1024,
            errand_bytes_max: 64 * 1024,
            answer_bytes_max: 512 * 1024,
            queue_max: 64,
            flood_burst: 20,
            flood_refill_ms: 2 * SECOND_MS,
            turn_deadline_ms: 10 * MINUTE_MS,
            delivery_deadline_ms: DAY_MS,
            starts_max: 5,
            tries_max: 5,
            retry_min_ms: SECOND_MS,
            retry_max_ms: 30 * SECOND_MS,
            recall_ms: 500,
            publish_min_ms: 2 * SECOND_MS,
            publish_max_ms: 30 * SECOND_MS,
            remembering_max: 32,
            keys_ms: 30 * DAY_MS,
            housekeeping_ms: 10 * MINUTE_MS,
            intake_retry_ms: SECOND_MS,
            tail: TailLimits { bytes_max: 256 * 1024, count_max: 200 },
            prompt_tail: TailLimits { bytes_max: 48 * 1024, count_max: 32 },
            recalled_bytes_max: 32 * 1024,
        }
    }
}
