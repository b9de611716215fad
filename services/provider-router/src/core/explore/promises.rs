//! What explorations promise: everything reachable is safe and live, and every rule of the contract is needed.

use super::{
    accepting::{self, CursorIsContiguous, KEYS, QUEUE, TURN},
    assert_found, assert_sound, assert_stuck, delivering,
    gateway::GatewayRule,
    router::DriverRule,
};
use crate::core::Rule;

// === accepting and running ===

#[test]
fn every_acceptance_is_safe_and_can_finish() {
    assert_sound(accepting::world(KEYS, (None, None), None));
}

#[test]
fn every_run_of_a_turn_is_safe_and_can_finish() {
    assert_sound(accepting::world(TURN, (None, None), None));
}

#[test]
fn every_run_of_two_turns_of_a_conversation_is_safe_and_can_finish() {
    assert_sound(accepting::world(QUEUE, (None, None), None));
}

#[test]
fn it_is_found_that_a_key_is_not_known_at_once() {
    assert_found(accepting::world(KEYS, (Some(Rule::KeyIsKnown), None), None));
}

#[test]
fn it_is_found_that_what_was_purged_is_taken_again() {
    assert_found(accepting::world(KEYS, (Some(Rule::PurgedIsTooOld), None), None));
}

#[test]
fn it_is_found_that_a_turn_with_an_outcome_is_run_again() {
    assert_found(accepting::world(TURN, (Some(Rule::CompletedIsFinal), None), None));
}

#[test]
fn it_is_found_that_a_late_piece_of_a_failed_attempt_is_heard() {
    assert_found(accepting::world(TURN, (Some(Rule::AttemptIsCurrent), None), None));
}

#[test]
fn it_is_found_that_two_turns_of_a_conversation_run_at_a_time() {
    assert_found(accepting::world(QUEUE, (Some(Rule::OneTurnAtATime), None), None));
}

#[test]
fn it_is_found_that_answers_leave_before_the_sync() {
    assert_found(accepting::world(KEYS, (None, Some(DriverRule::EffectsWaitForSync)), None));
}

#[test]
fn it_is_found_that_a_stop_is_answered_before_the_sync() {
    assert_found(accepting::world(TURN, (None, Some(DriverRule::StopsWaitForSync)), None));
}

#[test]
fn it_is_found_that_a_call_is_made_whose_turn_ended_while_it_waited() {
    assert_found(accepting::world(TURN, (None, Some(DriverRule::UnwantedCallsAreDropped)), None));
}

#[test]
fn it_is_found_that_opening_the_journal_does_not_sync() {
    assert_found(accepting::world(KEYS, (None, Some(DriverRule::OpeningSyncs)), None));
}

#[test]
fn it_is_found_that_a_checkpoint_holds_what_is_not_synced() {
    assert_found(accepting::world(KEYS, (None, Some(DriverRule::CheckpointOfWhatIsSynced)), None));
}

#[test]
fn it_is_found_that_the_journal_is_freed_before_its_checkpoint_is_synced() {
    assert_found(accepting::world(KEYS, (None, Some(DriverRule::FreedOnceCheckpointIsSynced)), None));
}

#[test]
fn it_is_found_that_opening_a_checkpoint_does_not_sync() {
    assert_found(accepting::world(KEYS, (None, Some(DriverRule::OpeningSyncsCheckpoint)), None));
}

#[test]
fn it_is_found_that_the_cursor_jumps_over_an_open_message() {
    assert_found(accepting::world(KEYS, (None, None), Some(CursorIsContiguous)));
}

// === delivering ===

#[test]
fn every_delivery_is_safe_and_can_finish() {
    assert_sound(delivering::world(3, (None, None, None)));
}

#[test]
fn it_is_found_that_nobody_is_asked_who_lives() {
    assert_stuck(delivering::world(1, (Some(Rule::HelloIsAsked), None, None)));
}

#[test]
fn it_is_found_that_taken_is_granted_to_one_who_is_not_known_to_live() {
    assert_found(delivering::world(3, (Some(Rule::TakenByTheLiving), None, None)));
}

#[test]
fn it_is_found_that_a_lost_holder_leaves_no_unknown_part() {
    assert_found(delivering::world(3, (Some(Rule::HolderGoneIsUnknown), None, None)));
}

#[test]
fn it_is_found_that_a_receipt_is_noted_for_another_than_the_holder() {
    assert_found(delivering::world(3, (Some(Rule::ReceiptOfTheHolder), None, None)));
}

#[test]
fn it_is_found_that_grants_leave_before_the_sync() {
    assert_found(delivering::world(3, (None, Some(DriverRule::EffectsWaitForSync), None)));
}

#[test]
fn it_is_found_that_receipts_are_noted_before_the_sync() {
    assert_found(delivering::world(3, (None, Some(DriverRule::ReceiptsWaitForSync), None)));
}

#[test]
fn it_is_found_that_opening_the_journal_does_not_sync_in_delivery() {
    assert_found(delivering::world(3, (None, Some(DriverRule::OpeningSyncs), None)));
}

#[test]
fn it_is_found_that_a_gateway_sends_before_its_taken_is_granted() {
    assert_found(delivering::world(3, (None, None, Some(GatewayRule::NothingBeforeTaken))));
}

#[test]
fn it_is_found_that_a_gateway_sends_before_the_last_receipt_is_noted() {
    assert_found(delivering::world(3, (None, None, Some(GatewayRule::NoPartBeforeReceipt))));
}

#[test]
fn it_is_found_that_a_gateway_keeps_its_incarnation_without_its_memory() {
    assert_found(delivering::world(3, (None, None, Some(GatewayRule::NewMemoryNewIncarnation))));
}

#[test]
fn it_is_found_that_a_send_without_an_answer_is_taken_for_never_left() {
    assert_found(delivering::world(3, (None, None, Some(GatewayRule::NoAnswerIsUnknown))));
}
