//! A model's answer on its way into a turn.

use std::sync::Arc;

use argentum_proto::provider::v1::Settlement;
use futures::StreamExt;

use super::{CallFailure, ChatEvent, ChatRequest, EventSink};
use crate::{
    core::{FailureClass, Prompt, VendorEvent},
    routing::{Opened, Routing},
};

/// Asks for an answer to `prompt` and tells `sink` what comes, ending with a final event. Dropping it closes the vendor's connection.
pub(crate) async fn answer(routing: Arc<Routing>, prompt: Prompt, sink: EventSink) {
    let request = ChatRequest::from(&prompt);
    let told = match routing.open(&prompt.model, &request).await {
        Ok(opened) => relay(opened, &sink).await,
        Err(failure) => Err(failure),
    };
    sink.tell(told.map_or_else(|failure| VendorEvent::Failed(*failure.failure), VendorEvent::Completed)).await;
}

async fn relay(mut opened: Opened, sink: &EventSink) -> Result<Settlement, CallFailure> {
    let mut settlement = Settlement { provider: opened.provider, model: opened.model, ..Settlement::default() };
    sink.tell(VendorEvent::Begun { provider: settlement.provider.clone(), model: settlement.model.clone() }).await;
    let (mut is_said, mut is_declined) = (false, false);
    while let Some(event) = opened.events.next().await {
        match event? {
            ChatEvent::Text(text) if !text.is_empty() => {
                is_said = true;
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
