//! Answers in the words of the wire.

use argentum_proto::{
    channel::v1::{
        AcceptMessageResponse, Accepted, AlreadyAccepted, Granted, NotYours, Noted, Rejected, RejectionReason, ReportDeliveryResponse,
        RetryAfter, accept_message_response::Answer, report_delivery_response,
    },
    ids::TurnId,
};

pub(super) fn accepted(turn: TurnId, notice: impl Into<String>) -> AcceptMessageResponse {
    wrap(Answer::Accepted(Accepted { turn_id: turn.to_string(), notice: notice.into() }))
}

pub(super) fn already_accepted(turn: TurnId) -> AcceptMessageResponse {
    wrap(Answer::AlreadyAccepted(AlreadyAccepted { turn_id: turn.to_string() }))
}

pub(super) fn rejected(reason: RejectionReason, text: &str) -> AcceptMessageResponse {
    wrap(Answer::Rejected(Rejected { reason: reason.into(), text: text.into() }))
}

pub(super) fn retry_after(retry_after_ms: u64) -> AcceptMessageResponse {
    wrap(Answer::RetryAfter(RetryAfter { retry_after_ms }))
}

pub(super) fn granted(from_byte: u64, maybe_sent: bool) -> ReportDeliveryResponse {
    ReportDeliveryResponse { answer: Some(report_delivery_response::Answer::Granted(Granted { from_byte, maybe_sent })) }
}

pub(super) fn noted() -> ReportDeliveryResponse {
    ReportDeliveryResponse { answer: Some(report_delivery_response::Answer::Noted(Noted {})) }
}

pub(super) fn not_yours() -> ReportDeliveryResponse {
    ReportDeliveryResponse { answer: Some(report_delivery_response::Answer::NotYours(NotYours {})) }
}

fn wrap(answer: Answer) -> AcceptMessageResponse {
    AcceptMessageResponse { answer: Some(answer) }
}
