//! What memory is asked to do for a sender. Its answer means that it is on its disk.

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use argentum_bus::{Caller, ErrorCode, Rpc};
use argentum_proto::{
    ids::TurnId,
    memory::v1::{ForgetRequest, RememberFactRequest},
};
use tracing::{Instrument, debug, info_span};

use super::Turns;
use crate::core::{ErrandDone, Input};

impl Turns {
    pub(super) fn note(&self, turn: TurnId, request: RememberFactRequest, context: &mut Context<Self>) {
        self.ask_memory(turn, request, |answer| ErrandDone::Noted { record_id: answer.record_id }, context);
    }

    pub(super) fn forget(&self, turn: TurnId, request: ForgetRequest, context: &mut Context<Self>) {
        self.ask_memory(turn, request, |answer| ErrandDone::Forgotten { records_count: answer.records_count }, context);
    }

    fn ask_memory<Q>(&self, turn: TurnId, request: Q, done: impl Fn(Q::Reply) -> ErrandDone + 'static, context: &mut Context<Self>)
    where
        Q: Rpc<Address = Caller>,
    {
        let bus = self.bus.clone();
        let span = self.span_of(turn, info_span!("errand", otel.kind = "client"));
        let asked = async move { bus.request(&Caller(bus.credential()), &request).await }.instrument(span);
        context.spawn(asked.into_actor(self).map(move |answer, turns, context| {
            let input = match answer {
                Ok(answer) => Input::ErrandDone { turn, done: done(answer) },
                Err(fault) => {
                    debug!(%turn, %fault, "memory did not do it");
                    Input::ErrandFailed { turn, is_final: fault.code == ErrorCode::InvalidArgument }
                }
            };
            turns.handle_input(input, context);
        }));
    }
}
