//! Shows in a chat that an answer is being written. It may be lost, and nothing waits for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use argentum_proto::channel::v1::{TurnProgressed, turn_progressed::Change};
use serde_json::Value;
use tokio::sync::{Notify, broadcast};
use tracing::debug;

use super::{api::Api, sender::Target};

/// Telegram shows it for five seconds or less (<https://core.telegram.org/bots/api#sendchataction>).
const AGAIN: Duration = Duration::from_millis(4_500);
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);
/// How long a turn of which nothing more is heard counts as one that is being written.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// Chats in which it is shown.
const CHATS_MAX: usize = 100;

/// The conversations in which an answer is being written, and until when without news.
#[derive(Default)]
pub(super) struct Typing {
    until: Mutex<HashMap<String, Instant>>,
    changed: Notify,
}

// === impl Typing ===

impl Typing {
    /// An answer in `conversation` is being written, or will be.
    pub(super) fn begin(&self, conversation: &str) {
        let mut until = self.lock();
        if until.contains_key(conversation) || until.len() < CHATS_MAX {
            let is_new = until.insert(conversation.to_owned(), Instant::now() + SILENCE_MAX).is_none();
            if is_new {
                self.changed.notify_one();
            }
        }
    }

    fn hear(&self, progress: &TurnProgressed) {
        match progress.change {
            Some(Change::Started(_) | Change::Appended(_)) => self.begin(&progress.platform_conversation_id),
            Some(Change::Ended(_)) => drop(self.lock().remove(&progress.platform_conversation_id)),
            None => {}
        }
    }

    fn shown(&self, now: Instant) -> Vec<String> {
        let mut until = self.lock();
        until.retain(|_, until| now < *until);
        until.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows it for as long as this future lives.
pub(super) async fn run(typing: Arc<Typing>, api: Arc<Api>, mut progress: broadcast::Receiver<Arc<TurnProgressed>>) {
    let mut again = tokio::time::interval(AGAIN);
    again.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            heard = progress.recv() => match heard {
                Ok(progress) => {
                    typing.hear(&progress);
                    continue;
                }
                Err(broadcast::error::RecvError::Lagged(_)) => continue,
                Err(broadcast::error::RecvError::Closed) => return,
            },
            _ = again.tick() => {}
            () = typing.changed.notified() => {}
        }
        for conversation in typing.shown(Instant::now()) {
            show(&api, &conversation).await;
        }
    }
}

async fn show(api: &Api, conversation: &str) {
    let Some(target) = Target::parse(conversation) else { return };
    let mut parameters = target.parameters();
    parameters["action"] = "typing".into();
    if let Err(error) = api.call::<Value>("sendChatAction", &parameters, ANSWER_DEADLINE).await {
        debug!(%error, "not shown that an answer is being written");
    }
}

#[cfg(test)]
mod tests {
    use argentum_proto::channel::v1::{TurnEnded, TurnStarted};

    use super::*;

    fn progress(change: Change) -> TurnProgressed {
        TurnProgressed { platform_conversation_id: "1".to_owned(), change: Some(change), ..TurnProgressed::default() }
    }

    #[test]
    fn it_is_shown_until_the_turn_ends_or_nothing_more_is_heard() {
        let (typing, now) = (Typing::default(), Instant::now());
        typing.hear(&progress(Change::Started(TurnStarted {})));
        assert_eq!(typing.shown(now), ["1"]);
        typing.hear(&progress(Change::Ended(TurnEnded::default())));
        assert!(typing.shown(now).is_empty());
        typing.begin("1");
        assert!(typing.shown(now + SILENCE_MAX + Duration::from_secs(1)).is_empty());
    }
}
