//! Drives a backlog: messages go their way, conversations beside each other, those of one after each other.

use std::{collections::HashMap, hash::Hash};

use argentum_proto::ids::ConversationToken;
use argentum_store::StoreError;
use tokio::task::{JoinError, JoinSet};

use super::{
    accepting::Taking,
    backlog::{Backlog, Verdict},
};

/// Messages of one account on their way in. Dropped with it, they stop; the platform still has them.
pub(crate) struct Intake<P> {
    backlog: Backlog<P>,
    waiting: HashMap<P, Taking>,
    under_way: JoinSet<(P, Result<(), StoreError>)>,
}

/// Why the intake cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IntakeError {
    #[error("the gateway's store failed")]
    Store(#[from] StoreError),
    #[error("a message's way in broke")]
    Broken(#[from] JoinError),
}

// === impl Intake ===

impl<P: Clone + Eq + Hash + Send + 'static> Intake<P> {
    /// At most `count_max` messages are without a final answer or an acknowledgement.
    pub(crate) fn new(count_max: usize) -> Self {
        Self { backlog: Backlog::new(count_max), waiting: HashMap::new(), under_way: JoinSet::new() }
    }

    /// Whether all that was received is acknowledged.
    pub(crate) fn is_empty(&self) -> bool {
        self.backlog.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.backlog.is_full()
    }

    /// Takes a message in; `taking` is polled only when its turn has come, and never where the message is known.
    pub(crate) fn receive(&mut self, place: P, conversation: ConversationToken, taking: Taking) -> Verdict {
        let verdict = self.backlog.receive(place.clone(), conversation);
        match verdict {
            Verdict::Start => self.start(place, taking),
            Verdict::Wait => drop(self.waiting.insert(place, taking)),
            Verdict::Known | Verdict::Full => {}
        }
        verdict
    }

    /// Waits for the next final answer and returns whose it was; for ever where nothing is under way. May be cancelled at any time.
    pub(crate) async fn settled(&mut self) -> Result<P, IntakeError> {
        let Some(ended) = self.under_way.join_next().await else { return std::future::pending().await };
        let (place, outcome) = ended?;
        outcome?;
        if let Some(next) = self.backlog.settle(&place)
            && let Some(taking) = self.waiting.remove(&next)
        {
            self.start(next, taking);
        }
        Ok(place)
    }

    /// The last of those that may be acknowledged now, all before it included.
    pub(crate) fn take_acknowledged(&mut self) -> Option<P> {
        self.backlog.take_acknowledged()
    }

    fn start(&mut self, place: P, taking: Taking) {
        self.under_way.spawn(async move { (place, taking.await) });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use argentum_proto::ids::ConversationId;

    use super::*;

    fn token(name: &str) -> ConversationToken {
        ConversationId::parse(name).unwrap().token()
    }

    #[tokio::test]
    async fn a_conversation_keeps_its_order_and_another_overtakes_it() {
        let (log, mut intake) = (Arc::new(Mutex::new(Vec::new())), Intake::new(10));
        let (release, held) = tokio::sync::oneshot::channel::<()>();
        let noting = |place: u32, log: &Arc<Mutex<Vec<u32>>>| -> Taking {
            let log = Arc::clone(log);
            Box::pin(async move {
                log.lock().unwrap().push(place);
                Ok(())
            })
        };
        let holding = Box::pin(async move {
            let _ = held.await;
            Ok(())
        });
        intake.receive(1, token("a"), holding);
        intake.receive(2, token("a"), noting(2, &log));
        intake.receive(3, token("b"), noting(3, &log));
        assert_eq!(intake.settled().await.unwrap(), 3);
        assert_eq!((intake.take_acknowledged(), log.lock().unwrap().clone()), (None, vec![3]));
        release.send(()).unwrap();
        assert_eq!([intake.settled().await.unwrap(), intake.settled().await.unwrap()], [1, 2]);
        assert_eq!(intake.take_acknowledged(), Some(3));
    }
}
