//! Receives by long polling. Telegram keeps an update for 24 hours, until a later poll names a higher number: a poll does so only once
//! every update before has its final answer.

use std::{sync::Arc, time::Duration};

use argentum_proto::ids::{ConversationId, Gateway};
use serde_json::{Value, json, value::RawValue};
use tracing::{debug, error, info, warn};

use super::{
    api::{Api, CallError},
    convert::{Converted, convert},
    types::{Me, UpdateId, WebhookInfo},
};
use crate::channels::{
    accepting::{Taking, WayIn},
    backoff::Backoff,
    intake::{Intake, IntakeError},
};

/// How long Telegram may hold a poll open.
const POLL_SECONDS: u64 = 50;
/// What a poll may take longer than it was allowed to.
const POLL_SLACK: Duration = Duration::from_secs(20);
const ANSWER_DEADLINE: Duration = Duration::from_secs(20);
/// Updates of one poll: Telegram's own limit.
const UPDATES_MAX: usize = 100;
/// How long final answers are waited for before Telegram is asked for what else there is.
const SETTLE_PAUSE: Duration = Duration::from_secs(1);
/// Wait after a poll that failed; doubles.
const AGAIN_MIN: Duration = Duration::from_millis(500);
const AGAIN_MAX: Duration = Duration::from_secs(30);
/// Wait after a poll that another poller ended, and with a token that is not known; doubles.
const FAULT_AGAIN_MIN: Duration = Duration::from_secs(5);
const FAULT_AGAIN_MAX: Duration = Duration::from_secs(120);

/// The receiving half of an account.
pub(super) struct Receiver {
    pub(super) gateway: Gateway,
    pub(super) api: Arc<Api>,
    pub(super) way: Arc<WayIn>,
}

/// Why a receiver cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReceiverError {
    #[error(transparent)]
    Intake(#[from] IntakeError),
    #[error("Telegram does not know the token any more: {0}")]
    Token(CallError),
}

/// One life of the receiver, as this bot.
struct Polling<'a> {
    receiver: &'a Receiver,
    me: Me,
    intake: Intake<i64>,
    /// All updates below may be forgotten, which Telegram was not told yet.
    confirmable: Option<i64>,
    /// After failures of the network, and after those that only an operator can end.
    backoff: Backoff,
    fault_backoff: Backoff,
    is_failing: bool,
}

// === impl Receiver ===

impl Receiver {
    /// Receives until it fails.
    pub(super) async fn run(self: Arc<Self>) -> ReceiverError {
        let me = self.me().await;
        info!(gateway = %self.gateway, bot = me.username, "receiving from Telegram");
        self.note_webhook().await;
        let polling = Polling {
            receiver: &self,
            me,
            intake: Intake::new(UPDATES_MAX),
            confirmable: None,
            backoff: Backoff::new(AGAIN_MIN, AGAIN_MAX),
            fault_backoff: Backoff::new(FAULT_AGAIN_MIN, FAULT_AGAIN_MAX),
            is_failing: false,
        };
        polling.run().await
    }

    /// Who we are; asked until it is known.
    async fn me(&self) -> Me {
        let (mut backoff, mut fault_backoff) = (Backoff::new(AGAIN_MIN, AGAIN_MAX), Backoff::new(FAULT_AGAIN_MIN, FAULT_AGAIN_MAX));
        loop {
            let wait = match self.api.call::<Me>("getMe", &json!({}), ANSWER_DEADLINE).await {
                Ok(me) => return me,
                Err(error) if error.is_token_fault() => {
                    error!(gateway = %self.gateway, %error, "Telegram does not know the token; put the one that @BotFather tells into the vault");
                    fault_backoff.next()
                }
                Err(error) => {
                    warn!(gateway = %self.gateway, %error, "Telegram does not tell who this bot is");
                    limited(&error).unwrap_or_else(|| backoff.next())
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn note_webhook(&self) {
        match self.api.call::<WebhookInfo>("getWebhookInfo", &json!({}), ANSWER_DEADLINE).await {
            Ok(info) if !info.url.is_empty() => {
                error!(gateway = %self.gateway, "a webhook of this bot takes its messages; whoever set it must call deleteWebhook");
            }
            Ok(_) => {}
            Err(error) => debug!(gateway = %self.gateway, %error, "it is not known whether a webhook is set"),
        }
    }
}

// === impl Polling ===

impl Polling<'_> {
    async fn run(mut self) -> ReceiverError {
        loop {
            if let Err(error) = self.step().await {
                return error;
            }
        }
    }

    /// Polls once, and takes in what came.
    async fn step(&mut self) -> Result<(), ReceiverError> {
        self.settle().await?;
        if self.intake.is_full() && self.confirmable.is_none() {
            return Ok(());
        }
        let timeout = if self.intake.is_empty() { POLL_SECONDS } else { 0 };
        let mut parameters = json!({ "timeout": timeout, "limit": UPDATES_MAX, "allowed_updates": ["message", "edited_message"] });
        if let Some(confirmable) = self.confirmable {
            parameters["offset"] = confirmable.into();
        }
        let deadline = Duration::from_secs(timeout) + POLL_SLACK;
        match self.receiver.api.call::<Vec<Box<RawValue>>>("getUpdates", &parameters, deadline).await {
            Ok(updates) => {
                self.recover();
                // It was told. Nothing older may come again, and the numbers may start anew after a week of silence.
                self.confirmable = None;
                updates.iter().for_each(|update| self.receive(update));
                Ok(())
            }
            Err(error) if error.is_token_fault() => Err(ReceiverError::Token(error)),
            Err(error) => {
                tokio::time::sleep(self.wait_after(&error)).await;
                Ok(())
            }
        }
    }

    /// Waits until all that came has its final answer, or for a moment; notes what may be confirmed.
    async fn settle(&mut self) -> Result<(), IntakeError> {
        let end = tokio::time::Instant::now() + SETTLE_PAUSE;
        while !self.intake.is_empty() {
            match tokio::time::timeout_at(end, self.intake.settled()).await {
                Ok(settled) => drop(settled?),
                Err(_) => break,
            }
            if let Some(last) = self.intake.take_acknowledged() {
                self.confirmable = Some(last + 1);
            }
        }
        Ok(())
    }

    fn receive(&mut self, update: &RawValue) {
        let (gateway, bytes) = (&self.receiver.gateway, update.get().len());
        // Its number is found even where the rest is no proper JSON, such as half of a surrogate pair in a text.
        let Ok(UpdateId { update_id }) = serde_json::from_str(update.get()) else {
            warn!(%gateway, "an update without a number");
            return;
        };
        let nothing = || async { Ok(()) };
        let converted = serde_json::from_str::<Value>(update.get()).map_or(Converted::Unreadable, |update| convert(&update, &self.me));
        let (conversation, taking): (String, Taking) = match converted {
            Converted::Received(received) => {
                let way = Arc::clone(&self.receiver.way);
                (received.request.platform_conversation_id.clone(), Box::pin(async move { way.take(*received).await }))
            }
            Converted::Nothing => (String::new(), Box::pin(nothing())),
            Converted::Unreadable => {
                error!(%gateway, update_id, bytes, "an update that is not understood is passed over");
                (String::new(), Box::pin(nothing()))
            }
        };
        // What concerns no conversation keeps its own order.
        let conversation = if conversation.is_empty() { "none".to_owned() } else { conversation };
        let conversation: ConversationId = conversation.parse().expect("a number is a conversation's id");
        self.intake.receive(update_id, conversation.token(), taking);
    }

    fn wait_after(&mut self, error: &CallError) -> Duration {
        if let Some(wait) = limited(error) {
            return wait;
        }
        let gateway = &self.receiver.gateway;
        if let CallError::Refused { code: 409, reason, .. } = error {
            error!(%gateway, reason, "another program receives the messages of this bot; end it, or remove its webhook with deleteWebhook");
            self.is_failing = true;
            return self.fault_backoff.next();
        }
        // An outage is told once.
        if !std::mem::replace(&mut self.is_failing, true) {
            warn!(%gateway, %error, "nothing is received from Telegram");
        }
        self.backoff.next()
    }

    fn recover(&mut self) {
        if std::mem::take(&mut self.is_failing) {
            info!(gateway = %self.receiver.gateway, "Telegram answers again");
        }
        self.backoff.reset();
        self.fault_backoff.reset();
    }
}

/// How long Telegram asks to wait.
fn limited(error: &CallError) -> Option<Duration> {
    match error {
        CallError::Refused { code: 429, retry_after, .. } => Some(retry_after.unwrap_or(AGAIN_MAX).max(AGAIN_MIN)),
        _ => None,
    }
}
