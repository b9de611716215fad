//! Those who wait for an answer of the core.

use std::collections::HashMap;

use actix::ResponseFuture;
use argentum_bus::Fault;
use tokio::sync::oneshot;

use crate::core::RequestId;

/// The waiting askers of one kind of request.
#[derive(Debug)]
pub(super) struct Replies<R>(HashMap<RequestId, oneshot::Sender<Result<R, Fault>>>);

/// A handler's future, as actix wants it.
pub(super) type Reply<R> = ResponseFuture<Result<R, Fault>>;

// === impl Replies ===

impl<R: 'static> Replies<R> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    /// A place for the answer to `request`.
    pub(super) fn wait(&mut self, request: RequestId) -> Reply<R> {
        let (sender, reply) = oneshot::channel();
        self.0.insert(request, sender);
        Box::pin(async move { reply.await.unwrap_or_else(|_| Err(Fault::unavailable("the turns actor has just failed; ask again"))) })
    }

    /// Hands the answer over. The asker may have given up.
    pub(super) fn answer(&mut self, request: RequestId, result: Result<R, Fault>) {
        if let Some(sender) = self.0.remove(&request) {
            let _ = sender.send(result);
        }
    }
}

/// A fault that needs no waiting.
pub(super) fn refuse<R: 'static>(fault: Fault) -> Reply<R> {
    Box::pin(async move { Err(fault) })
}
