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
    has_late_hellos: false,
    keeps_late: false,
    without: None,
    driver_without: None,
    outbox_without: None,
    gateway_without: None,
};

// === every rule is kept ===

#[test]
fn zero() {
    assert_sound(Joint::new(Scope { faults: 0, ..ALL_RULES }));
}

#[test]
fn one() {
    assert_sound(Joint::new(Scope { faults: 1, ..ALL_RULES }));
}

#[test]
fn two() {
    assert_sound(Joint::new(Scope { faults: 2, ..ALL_RULES }));
}

#[test]
fn zero_late() {
    assert_sound(Joint::new(Scope { faults: 0, has_late_hellos: true, ..ALL_RULES }));
}

#[test]
fn zero_keeps() {
    assert_sound(Joint::new(Scope { faults: 0, keeps_late: true, ..ALL_RULES }));
}
