//! What the vendors cost, by day and model.

use std::collections::BTreeMap;

use argentum_proto::provider::v1::Settlement;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// Days that are kept.
const DAYS_MAX: u64 = 400;

/// Totals by day (since 1970-01-01, UTC), provider and model.
#[derive(Clone, Debug, Default, Hash)]
pub(in crate::core) struct Spend {
    totals: BTreeMap<SpendKey, SpendTotal>,
}

/// What a total is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpendKey {
    /// Days since 1970-01-01, UTC, of the wall clock when it was settled.
    pub day: u64,
    /// Vendor, as configured.
    pub provider: String,
    /// Model, as the vendor calls it.
    pub model: String,
}

/// What was spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SpendTotal {
    /// Tokens that were sent.
    pub input_tokens: u64,
    /// Tokens that came.
    pub output_tokens: u64,
    /// Millionths of the currency.
    pub cost_micros: u64,
    /// The share of it that was estimated.
    pub estimated_cost_micros: u64,
}

// === impl Spend ===

impl Spend {
    pub(in crate::core) fn totals(&self) -> impl Iterator<Item = (&SpendKey, &SpendTotal)> {
        self.totals.iter()
    }

    pub(super) fn settle(&mut self, settlement: &Settlement, wall_ms: u64) {
        let day = wall_ms / DAY_MS;
        let key = SpendKey { day, provider: settlement.provider.clone(), model: settlement.model.clone() };
        let is_new = !self.totals.contains_key(&key);
        self.totals.entry(key).or_default().add(settlement);
        if is_new {
            self.forget_old_days();
        }
    }

    pub(super) fn restore(&mut self, key: SpendKey, total: SpendTotal) {
        self.totals.insert(key, total);
    }

    /// Counted from the newest day that is told, not from today: a clock that jumps ahead once must not empty the table, so it
    /// counts days that are there.
    fn forget_old_days(&mut self) {
        let mut days: Vec<u64> = self.totals.keys().map(|key| key.day).collect();
        days.dedup();
        let surplus = (days.len() as u64).saturating_sub(DAYS_MAX);
        let first_kept = usize::try_from(surplus).ok().and_then(|surplus| days.get(surplus).copied()).unwrap_or(0);
        self.totals.retain(|key, _| first_kept <= key.day);
    }
}

// === impl SpendTotal ===

impl SpendTotal {
    fn add(&mut self, settlement: &Settlement) {
        self.input_tokens = self.input_tokens.saturating_add(settlement.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(settlement.output_tokens);
        self.cost_micros = self.cost_micros.saturating_add(settlement.cost_micros);
        if settlement.is_estimated {
            self.estimated_cost_micros = self.estimated_cost_micros.saturating_add(settlement.cost_micros);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settlement(cost_micros: u64, is_estimated: bool) -> Settlement {
        Settlement { cost_micros, is_estimated, ..Settlement::default() }
    }

    #[test]
    fn estimated_cost_is_told_apart() {
        let mut spend = Spend::default();
        spend.settle(&settlement(5, false), 0);
        spend.settle(&settlement(3, true), 0);
        let costs: Vec<_> = spend.totals().map(|(_, total)| (total.cost_micros, total.estimated_cost_micros)).collect();
        assert_eq!(costs, [(8, 3)]);
    }

    #[test]
    fn the_oldest_days_are_forgotten() {
        let mut spend = Spend::default();
        for day in 0..=DAYS_MAX {
            spend.settle(&settlement(1, false), day * DAY_MS);
        }
        assert_eq!(spend.totals().next().map(|(key, _)| key.day), Some(1));
    }
}
