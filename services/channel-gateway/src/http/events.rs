//! The page's one WebSocket: the state of the bundle, as it changes.

use argentum_bus::Caller;
use argentum_proto::provider::v1::ListModelsRequest;
use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    response::Response,
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    Shared,
    view::{Event, ModelName},
};

pub(crate) async fn connect(State((shared, quiescing)): State<(Shared, CancellationToken)>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |socket| {
        if let Some(Err(error)) = quiescing.run_until_cancelled(tell(socket, shared)).await {
            debug!(%error, "page gone");
        }
    })
}

/// Tells a page what it shows until it goes.
async fn tell(mut socket: WebSocket, shared: Shared) -> Result<(), axum::Error> {
    let Shared { bus, mut state } = shared;
    state.mark_changed();
    let mut models_told_by = None;
    loop {
        tokio::select! {
            message = socket.recv() => if message.transpose()?.is_none() { return Ok(()) },
            changed = state.changed() => {
                if changed.is_err() { return Ok(()) }
                let Some(status) = state.borrow_and_update().clone() else { continue };
                send(&mut socket, &Event::from(&status)).await?;
                // Another router may have other models.
                let router = status.services.iter().find(|service| service.name == "provider-router").map(|service| (service.pid, service.state));
                if models_told_by != router {
                    models_told_by = router;
                    let answer = bus.request(&Caller(bus.credential()), &ListModelsRequest {}).await;
                    let models = answer.ok().map(|answer| answer.models.into_iter().map(ModelName::from).collect());
                    send(&mut socket, &Event::Models { models }).await?;
                }
            }
        }
    }
}

async fn send(socket: &mut WebSocket, event: &Event) -> Result<(), axum::Error> {
    let text = serde_json::to_string(event).map_err(axum::Error::new)?;
    socket.send(Message::Text(text.into())).await
}
