//! Carries out what has passed the gate.

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use argentum_bus::{Account, AccountTurn, Caller, ErrorCode, Fault, trace};
use argentum_proto::{
    channel::v1::{AskHelloRequest, OutboundReady, PastTurn, TurnProgressed},
    ids::{Gateway, TurnId},
    memory::v1::RecallRequest,
};
use tracing::{Instrument, Span, debug, field::Empty, info_span, warn};

use super::{Turns, memory};
use crate::{
    core::{Effect, Input, Notification, Speaker},
    metrics,
};

impl Turns {
    /// Does what has passed the gate, unless it is no longer wanted: while it waited, its turn may have been stopped.
    pub(super) fn release(&mut self, effect: Effect, context: &mut Context<Self>) {
        if !self.books.core.is_wanted(&effect) {
            return;
        }
        match effect {
            Effect::Answer { request, response } => {
                metrics::message_answered(&response);
                self.waiting.accept.answer(request, Ok(response));
            }
            Effect::AnswerStop { request, response } => self.waiting.stop.answer(request, Ok(response)),
            Effect::AnswerSnapshot { request, response } => self.waiting.snapshot.answer(request, Ok(response)),
            Effect::AnswerConversations { request, response } => self.waiting.conversations.answer(request, Ok(response)),
            Effect::AnswerConversation { request, response } => self.waiting.conversation.answer(request, Ok(response)),
            Effect::Recall { turn, speaker, query, told } => self.recall(turn, memory::recall(speaker, query, told), context),
            Effect::Remember { speaker, turn } => self.remember(speaker, *turn, context),
            Effect::Note { turn, speaker, text, said_at_ms } => self.note(turn, memory::note(turn, speaker, text, said_at_ms), context),
            Effect::Forget { turn, speaker, what } => self.forget(turn, memory::forget(speaker, what), context),
            Effect::CallVendor { turn, attempt, prompt } => {
                let span = self.span_of(turn, chat_span(turn, attempt, &prompt.model));
                self.calls.start(turn, attempt, prompt, span);
            }
            Effect::CancelVendor { turn, .. } => self.calls.cancel(turn),
            Effect::Progress { gateway, progress } => self.publish(gateway, &progress),
            Effect::Notify(notification) => tell_operator(&notification),
            Effect::PublishOutbound { gateway, outbound } => self.publish_outbound(gateway, outbound, context),
            Effect::AskHello { gateway } => self.ask_hello(gateway, context),
            Effect::AnswerCompletion { completion, is_held } => {
                if let Some(waiting) = self.waiting.completions.remove(&completion) {
                    // A completion that has given up is settled all the same.
                    let _ = waiting.send(is_held);
                }
            }
            Effect::AnswerDelivery { request, response } => {
                let invalid = || Fault::new(ErrorCode::InvalidArgument, "the report does not fit the outbound");
                self.waiting.delivery.answer(request, response.ok_or_else(invalid));
            }
        }
    }

    /// `span` as a part of a turn's trace.
    pub(super) fn span_of(&self, turn: TurnId, span: Span) -> Span {
        trace::beneath(span, self.books.core.traceparent(turn).unwrap_or_default())
    }

    /// Offers an answer to its account. It may be lost: until it is taken it is offered again.
    fn publish_outbound(&self, gateway: Gateway, outbound: OutboundReady, context: &mut Context<Self>) {
        let bus = self.bus.clone();
        let published = async move {
            if let Err(fault) = bus.publish(&Account(gateway), &outbound).await {
                warn!(%fault, "outbound not published");
            }
        };
        context.spawn(published.into_actor(self));
    }

    /// Asks an account which life of its memory is the current one. No answer changes nothing: it is asked again.
    fn ask_hello(&self, gateway: Gateway, context: &mut Context<Self>) {
        let bus = self.bus.clone();
        let asked = async move { (bus.request(&Account(gateway.clone()), &AskHelloRequest {}).await, gateway) };
        context.spawn(asked.into_actor(self).map(|(answer, gateway), turns, context| {
            if let Some(incarnation) = answer.ok().and_then(|answer| answer.incarnation.parse().ok()) {
                turns.handle_input(Input::HelloAnswered { gateway, incarnation }, context);
            }
        }));
    }

    /// Asks memory. What does not come in time is done without.
    fn recall(&self, turn: TurnId, request: RecallRequest, context: &mut Context<Self>) {
        let bus = self.bus.clone();
        let span = self.span_of(turn, info_span!("recall", otel.kind = "client"));
        let asked = async move { bus.request(&Caller(bus.credential()), &request).await }.instrument(span);
        context.spawn(asked.into_actor(self).map(move |answer, turns, context| {
            let input = match answer {
                Ok(answer) => Input::Recalled { turn, records: answer.records.into_iter().map(memory::recalled).collect() },
                Err(fault) => {
                    debug!(%fault, "nothing recalled");
                    Input::RecallFailed { turn }
                }
            };
            turns.handle_input(input, context);
        }));
    }

    /// Tells memory of a turn. It is told again until memory has it; nothing waits for that.
    fn remember(&self, speaker: Speaker, past: PastTurn, context: &mut Context<Self>) {
        let Ok(turn) = past.turn_id.parse::<TurnId>() else { return };
        let (bus, request) = (self.bus.clone(), memory::remember(speaker, past));
        let span = self.span_of(turn, info_span!("remember", otel.kind = "client"));
        let told = async move { bus.request(&Caller(bus.credential()), &request).await }.instrument(span);
        context.spawn(told.into_actor(self).map(move |answer, turns, context| {
            let input = match answer {
                Ok(_) => Input::Remembered { turn },
                // It will never be taken as it is: kept in the conversation's tail, and told no more.
                Err(Fault { code: ErrorCode::InvalidArgument, text }) => {
                    warn!(%turn, text, "memory does not take a turn");
                    Input::Remembered { turn }
                }
                Err(fault) => {
                    debug!(%fault, "not remembered yet");
                    Input::RememberFailed { turn }
                }
            };
            turns.handle_input(input, context);
        }));
    }

    /// Tells whoever watches. Lossy: a page that misses something asks for a snapshot.
    fn publish(&self, gateway: Gateway, progress: &TurnProgressed) {
        let Ok(turn) = progress.turn_id.parse() else { return };
        if let Err(Fault { code, text }) = self.bus.try_publish(&AccountTurn { gateway, turn }, progress) {
            match code {
                ErrorCode::RateLimited => debug!(text, "progress dropped"),
                _ => warn!(%code, text, "progress dropped"),
            }
        }
    }
}

/// One attempt of a turn at a model (OpenTelemetry semantic conventions of generative AI). Holds no text of the conversation.
fn chat_span(turn: TurnId, attempt: u32, model: &str) -> Span {
    info_span!(
        "chat",
        otel.name = format!("chat {model}").trim_end(),
        otel.kind = "client",
        otel.status_code = Empty,
        gen_ai.operation.name = "chat",
        gen_ai.request.model = model,
        gen_ai.provider.name = Empty,
        gen_ai.response.model = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        error.r#type = Empty,
        argentum.turn.id = %turn,
        argentum.attempt = attempt,
    )
}

fn tell_operator(notification: &Notification) {
    match notification {
        Notification::DeadLetterKept { turn, reason } => warn!(%turn, reason, "a message could not be converted; its bytes are kept"),
        Notification::TurnFailed { turn, failure } => warn!(%turn, failure, "a turn failed; its sender is told"),
        Notification::TurnQuarantined { turn } => warn!(%turn, "a turn was started too often without an outcome; it is quarantined"),
        Notification::DeliveryRefused { turn, code, text } => warn!(%turn, code, text, "the platform refused an answer"),
        Notification::DeliveryExpired { turn } => warn!(%turn, "an answer could not be delivered in time"),
    }
}
