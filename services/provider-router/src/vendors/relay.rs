//! A model's answer on its way into a turn.

use std::sync::Arc;

use argentum_proto::provider::v1::Settlement;
use futures::StreamExt;
use tracing::Span;

use super::{CallFailure, ChatEvent, ChatRequest, EventSink};
use crate::{
    core::{FailureClass, Prompt, VendorEvent},
    metrics::Operation,
    routing::{Opened, Routing},
};

/// Asks for an answer to `prompt` and tells `sink` what comes, ending with a final event. Dropping it closes the vendor's connection.
pub(crate) async fn answer(routing: Arc<Routing>, prompt: Prompt, sink: EventSink) {
    let request = ChatRequest::from(&prompt);
    let mut operation = Operation::begin();
    let told = match routing.open(&prompt.model, &request).await {
        Ok(opened) => relay(opened, &sink, &mut operation).await,
        Err(failure) => Err(failure),
    };
    record(&told);
    operation.ended(told.as_ref().map(Some).map_err(|failure| failure.class().code()));
    sink.tell(told.map_or_else(|failure| VendorEvent::Failed(*failure.failure), VendorEvent::Completed)).await;
}

async fn relay(mut opened: Opened, sink: &EventSink, operation: &mut Operation) -> Result<Settlement, CallFailure> {
    let mut settlement = Settlement { provider: opened.provider, model: opened.model, ..Settlement::default() };
    operation.taken(&settlement.provider, &settlement.model);
    sink.tell(VendorEvent::Begun { provider: settlement.provider.clone(), model: settlement.model.clone() }).await;
    let (mut is_said, mut is_declined) = (false, false);
    while let Some(event) = opened.events.next().await {
        match event? {
            ChatEvent::Text(text) if !text.is_empty() => {
                is_said = true;
                operation.said();
                sink.tell(VendorEvent::Delta(text)).await;
            }
            ChatEvent::Refusal(_) => is_declined = true,
            ChatEvent::Finished { reason } => is_declined |= reason == "content_filter",
            ChatEvent::Usage { input_tokens, output_tokens } => {
                (settlement.input_tokens, settlement.output_tokens) = (input_tokens, output_tokens);
            }
            _ => {}
        }
    }
    match (is_said, is_declined) {
        (false, true) => Err(CallFailure::new(FailureClass::Declined, false, "the model declined")),
        _ => Ok(settlement),
    }
}

/// Tells the current span how it ended.
fn record(told: &Result<Settlement, CallFailure>) {
    let span = Span::current();
    match told {
        Ok(settlement) => {
            span.record("gen_ai.provider.name", &settlement.provider);
            span.record("gen_ai.response.model", &settlement.model);
            span.record("gen_ai.usage.input_tokens", settlement.input_tokens);
            span.record("gen_ai.usage.output_tokens", settlement.output_tokens);
        }
        Err(failure) => {
            span.record("otel.status_code", "ERROR");
            span.record("error.type", failure.class().code());
        }
    }
}
