//! What the bus asks of the turns actor. Every handler hands an input to the core and waits for its answer behind the gate.

use actix::{AsyncContext, Context, Handler};
use argentum_bus::{Account, Call, ErrorCode, Fault};
use argentum_proto::{
    channel::v1::{
        AcceptMessageRequest, GetConversationRequest, GetTurnSnapshotRequest, ListConversationsRequest, ReportDeliveryRequest,
        SayHelloRequest, SayHelloResponse, StopTurnRequest,
    },
    ids::{ConversationId, InvalidId, OutboundId, TurnId},
};
use tracing::info_span;

use super::{
    CONCURRENCY_MAX, Turns,
    replies::{Reply, refuse},
};
use crate::{
    core::{Input, Origin, Place},
    metrics,
};

impl Turns {
    /// Takes this actor's place on the bus.
    pub(super) fn subscribe(&self, context: &mut Context<Self>) {
        let (bus, actor) = (self.bus.clone(), context.address());
        self.alive.subscribe(context, async move {
            Ok(vec![
                bus.serve::<AcceptMessageRequest>(actor.clone().recipient(), CONCURRENCY_MAX).await?,
                bus.serve::<StopTurnRequest>(actor.clone().recipient(), CONCURRENCY_MAX).await?,
                bus.serve::<GetTurnSnapshotRequest>(actor.clone().recipient(), CONCURRENCY_MAX).await?,
                bus.serve::<ListConversationsRequest>(actor.clone().recipient(), CONCURRENCY_MAX).await?,
                bus.serve::<GetConversationRequest>(actor.clone().recipient(), CONCURRENCY_MAX).await?,
                bus.serve::<ReportDeliveryRequest>(actor.clone().recipient(), CONCURRENCY_MAX).await?,
                bus.serve::<SayHelloRequest>(actor.recipient(), CONCURRENCY_MAX).await?,
            ])
        });
    }
}

impl Handler<Call<AcceptMessageRequest>> for Turns {
    type Result = Reply<argentum_proto::channel::v1::AcceptMessageResponse>;

    fn handle(&mut self, Call { address, body, traceparent }: Call<AcceptMessageRequest>, context: &mut Context<Self>) -> Self::Result {
        // The server enforces the account, and this the conversation: else one could be asked under the token of another.
        let is_own_token = body.platform_conversation_id.parse::<ConversationId>().is_ok_and(|id| id.token() == address.conversation);
        if !is_own_token {
            return refuse(Fault::new(ErrorCode::InvalidArgument, "the subject names another conversation than the message"));
        }
        let request = self.request_id();
        let origin = Origin { request, gateway: address.gateway, turn: TurnId::new(ulid::Ulid::new()), traceparent };
        match Input::inbound(origin, body) {
            Ok(input) => {
                let reply = self.waiting.accept.wait(request);
                self.handle_input(input, context);
                reply
            }
            Err(answer) => Box::pin(async move { Ok(answer) }),
        }
    }
}

impl Handler<Call<StopTurnRequest>> for Turns {
    type Result = Reply<argentum_proto::channel::v1::StopTurnResponse>;

    fn handle(&mut self, Call { address, body, .. }: Call<StopTurnRequest>, context: &mut Context<Self>) -> Self::Result {
        let turn = if body.turn_id.is_empty() { Ok(None) } else { body.turn_id.parse().map(Some) };
        match (place(&address, &body.platform_conversation_id), turn) {
            (Ok(place), Ok(turn)) => {
                let request = self.request_id();
                let reply = self.waiting.stop.wait(request);
                self.handle_input(Input::StopAsked { request, place, turn }, context);
                reply
            }
            (Err(fault), _) | (_, Err(fault)) => refuse(invalid(&fault)),
        }
    }
}

impl Handler<Call<GetTurnSnapshotRequest>> for Turns {
    type Result = Reply<argentum_proto::channel::v1::GetTurnSnapshotResponse>;

    fn handle(&mut self, Call { address, body, .. }: Call<GetTurnSnapshotRequest>, context: &mut Context<Self>) -> Self::Result {
        match place(&address, &body.platform_conversation_id) {
            Ok(place) => {
                let request = self.request_id();
                let reply = self.waiting.snapshot.wait(request);
                self.handle_input(Input::SnapshotAsked { request, place }, context);
                reply
            }
            Err(fault) => refuse(invalid(&fault)),
        }
    }
}

impl Handler<Call<ListConversationsRequest>> for Turns {
    type Result = Reply<argentum_proto::channel::v1::ListConversationsResponse>;

    fn handle(&mut self, Call { address, body, .. }: Call<ListConversationsRequest>, context: &mut Context<Self>) -> Self::Result {
        let request = self.request_id();
        let reply = self.waiting.conversations.wait(request);
        let ListConversationsRequest { count_max, changed_before_ms } = body;
        self.handle_input(Input::ConversationsAsked { request, gateway: address.0, count_max, changed_before_ms }, context);
        reply
    }
}

impl Handler<Call<GetConversationRequest>> for Turns {
    type Result = Reply<argentum_proto::channel::v1::GetConversationResponse>;

    fn handle(&mut self, Call { address, body, .. }: Call<GetConversationRequest>, context: &mut Context<Self>) -> Self::Result {
        match place(&address, &body.platform_conversation_id) {
            Ok(place) => {
                let request = self.request_id();
                let reply = self.waiting.conversation.wait(request);
                self.handle_input(Input::ConversationAsked { request, place }, context);
                reply
            }
            Err(fault) => refuse(invalid(&fault)),
        }
    }
}

impl Handler<Call<ReportDeliveryRequest>> for Turns {
    type Result = Reply<argentum_proto::channel::v1::ReportDeliveryResponse>;

    fn handle(&mut self, Call { address, body, .. }: Call<ReportDeliveryRequest>, context: &mut Context<Self>) -> Self::Result {
        metrics::delivery_reported(body.report.as_ref());
        if let Ok(outbound) = body.outbound_id.parse::<OutboundId>() {
            // The way of a message ends with the last of these.
            drop(self.span_of(outbound.turn(), info_span!("receipt")).entered());
        }
        let request = self.request_id();
        match Input::delivery(request, address.0, body) {
            Ok(input) => {
                let reply = self.waiting.delivery.wait(request);
                self.handle_input(input, context);
                reply
            }
            Err(fault) => refuse(invalid(&fault)),
        }
    }
}

impl Handler<Call<SayHelloRequest>> for Turns {
    type Result = Result<SayHelloResponse, Fault>;

    fn handle(&mut self, Call { address, body, .. }: Call<SayHelloRequest>, context: &mut Context<Self>) -> Self::Result {
        let incarnation = body.incarnation.parse().map_err(|fault| invalid(&fault))?;
        self.handle_input(Input::Hello { gateway: address.0, incarnation }, context);
        Ok(SayHelloResponse {})
    }
}

fn place(address: &Account, conversation: &str) -> Result<Place, InvalidId> {
    Ok(Place { gateway: address.0.clone(), conversation: conversation.parse()? })
}

fn invalid(fault: &InvalidId) -> Fault {
    Fault::new(ErrorCode::InvalidArgument, fault.to_string())
}
