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
    has_two: false,
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
    assert_sound(Joint::new(Scope { faults: 3, ..ALL_RULES }));
}

#[test]
fn every_delivery_by_two_gateways_is_safe_and_can_finish() {
    assert_sound(Joint::new(Scope { has_two: true, faults: 1, ..ALL_RULES }));
}

#[test]
fn every_delivery_with_late_answers_is_safe_and_can_finish() {
    assert_sound(Joint::new(Scope { has_two: true, faults: 0, keeps_late: true, ..ALL_RULES }));
}

#[test]
fn every_delivery_whose_label_needs_room_is_safe_and_can_finish() {
    assert_sound(Joint::new(Scope { has_two: true, faults: 1, split: split_narrowly, ..ALL_RULES }));
}

// === the router without a rule ===

#[test]
fn it_is_found_that_nobody_is_asked_who_lives() {
    assert_stuck(Joint::new(Scope { faults: 1, without: Some(Rule::HelloIsAsked), ..ALL_RULES }));
}

#[test]
fn it_is_found_that_taken_is_granted_to_one_who_is_not_known_to_live() {
    assert_found(Joint::new(Scope { without: Some(Rule::TakenByTheLiving), ..ALL_RULES }));
}

#[test]
fn it_is_found_that_a_lost_holder_leaves_no_unknown_part() {
    assert_found(Joint::new(Scope { without: Some(Rule::HolderGoneIsUnknown), ..ALL_RULES }));
}

#[test]
fn it_is_found_that_a_receipt_is_noted_for_another_than_the_holder() {
    assert_found(Joint::new(Scope { has_two: true, without: Some(Rule::ReceiptOfTheHolder), ..ALL_RULES }));
}

#[test]
fn it_is_found_that_a_receipt_of_an_earlier_hold_is_noted() {
    assert_found(Joint::new(Scope { has_two: true, without: Some(Rule::ReceiptOfThisHold), ..ALL_RULES }));
}

#[test]
fn it_is_found_that_a_holder_takes_again_without_a_label_what_it_sent_a_part_of() {
    assert_found(Joint::new(Scope { has_two: true, split: split_narrowly, without: Some(Rule::TakenAgainIsUnknown), ..ALL_RULES }));
}

// === the driver without a rule ===

#[test]
fn it_is_found_that_grants_leave_before_the_sync() {
    assert_found(Joint::new(Scope { driver_without: Some(DriverRule::EffectsWaitForSync), ..ALL_RULES }));
}

#[test]
fn it_is_found_that_receipts_are_noted_before_the_sync() {
    assert_found(Joint::new(Scope { driver_without: Some(DriverRule::ReceiptsWaitForSync), ..ALL_RULES }));
}

#[test]
fn it_is_found_that_opening_the_journal_does_not_sync() {
    assert_found(Joint::new(Scope { faults: 2, driver_without: Some(DriverRule::OpeningSyncs), ..ALL_RULES }));
}

// === the gateway without a rule ===

#[test]
fn it_is_found_that_a_gateway_sends_before_its_taken_is_granted() {
    assert_found(Joint::new(Scope { outbox_without: Some(outbox::Rule::NothingBeforeTaken), ..ALL_RULES }));
}

#[test]
fn it_is_found_that_a_gateway_sends_before_the_last_receipt_is_noted() {
    assert_found(Joint::new(Scope { outbox_without: Some(outbox::Rule::NoPartBeforeReceipt), ..ALL_RULES }));
}

#[test]
fn it_is_found_that_a_send_without_an_answer_is_taken_for_never_left() {
    assert_found(Joint::new(Scope { outbox_without: Some(outbox::Rule::NoAnswerIsUnknown), ..ALL_RULES }));
}

#[test]
fn it_is_found_that_an_answer_to_an_earlier_try_is_heard() {
    assert_found(Joint::new(Scope {
        has_two: true,
        faults: 0,
        keeps_late: true,
        outbox_without: Some(outbox::Rule::EarlierAnswersAreVoid),
        ..ALL_RULES
    }));
}

#[test]
fn it_is_found_that_a_gateway_keeps_its_incarnation_without_its_memory() {
    assert_found(Joint::new(Scope { gateway_without: Some(NewMemoryNewIncarnation), ..ALL_RULES }));
}
