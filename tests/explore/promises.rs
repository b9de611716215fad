//! What the exploration promises: everything reachable is safe and live, and every rule of both cores is needed.

use argentum_channel_gateway::outbox;
use argentum_provider_router::core::{
    Rule,
    explore::{DriverRule, assert_found, assert_sound, assert_stuck},
};

use crate::{
    platform::{split, split_narrowly},
    world::{Joint, NewMemoryNewIncarnation, Scope},
};

const ALL_RULES: Scope = Scope {
    faults: 1,
    split,
    keeps_late: false,
    without: None,
    driver_without: None,
    outbox_without: None,
    gateway_without: None,
};

// === every rule is kept ===

#[test]
fn every_delivery_is_safe_and_can_finish() {
    assert_sound(Joint::new(ALL_RULES));
}
