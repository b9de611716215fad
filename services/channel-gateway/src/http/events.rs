//! The page's one WebSocket: the state of the bundle, the list of conversations, and the watched conversation as it grows.
//!
//! A page that reads slowly holds up nobody: it falls behind, gets a snapshot instead of what it missed, and is cut when it reads
//! nothing at all. A page that goes away stops no turn.

use std::{sync::Arc, time::Duration};

use argentum_proto::{
    channel::v1::{TurnProgressed, turn_progressed::Change},
    control::v1::GetStatusResponse,
    ids::ConversationId,
};
use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::HeaderMap,
    response::Response,
};
use serde::Deserialize;
use tokio::{
    sync::{broadcast, watch},
    time::{Instant, sleep_until, timeout},
};
use tracing::debug;

use super::{
    Shared, conversations,
    guard::cookie,
    models,
    view::{self, Event},
};
use crate::watching::{Verdict, Watching};

/// A page that takes nothing for so long is cut.
const SEND_DEADLINE: Duration = Duration::from_secs(10);
/// Largest message of a page.
const MESSAGE_BYTES_MAX: usize = 4 * 1024;
/// How long changes of the list are gathered.
const LIST_PAUSE: Duration = Duration::from_millis(100);
/// Wait before something is asked again that was not answered.
const AGAIN: Duration = Duration::from_millis(500);
/// How often a page is looked after: is it still logged in, is it still there, has its turn gone silent.
const CARE: Duration = Duration::from_secs(5);
/// A page that answers no ping for so many rounds of care is gone.
const SILENT_ROUNDS_MAX: u32 = 4;

/// What a page says.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Said {
    /// From now on tell of this conversation.
    Watch { conversation: String },
}

/// The page is gone, or may not go on.
struct Gone(String);

/// An open page.
struct Page {
    socket: WebSocket,
    shared: Shared,
    state: watch::Receiver<Option<GetStatusResponse>>,
    progress: broadcast::Receiver<Arc<TurnProgressed>>,
    watched: Option<ConversationId>,
    watching: Watching,
    /// When to ask for the watched conversation, and for the list.
    snapshot_due: Option<Instant>,
    list_due: Option<Instant>,
    /// The router that told the models: another may have other ones.
    models_told_by: Option<(u32, i32)>,
    /// The session that opened the page.
    session: String,
    care_due: Instant,
    /// Rounds of care since the page said anything.
    silent_rounds: u32,
}

pub(crate) async fn connect(State(shared): State<Shared>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    let session = cookie(&headers).unwrap_or_default().to_owned();
    upgrade.max_message_size(MESSAGE_BYTES_MAX).on_upgrade(async move |socket| {
        let quiescing = shared.quiescing.clone();
        if let Some(Err(Gone(reason))) = quiescing.run_until_cancelled(Page::new(socket, shared, session).run()).await {
            debug!(reason, "page gone");
        }
    })
}

// === impl Page ===

impl Page {
    fn new(socket: WebSocket, shared: Shared, session: String) -> Self {
        let mut state = shared.state.clone();
        state.mark_changed();
        Self {
            socket,
            state,
            progress: shared.progress.subscribe(),
            shared,
            watched: None,
            watching: Watching::default(),
            snapshot_due: None,
            list_due: Some(Instant::now()),
            models_told_by: None,
            session,
            care_due: Instant::now() + CARE,
            silent_rounds: 0,
        }
    }

    async fn run(mut self) -> Result<(), Gone> {
        loop {
            let due = self.snapshot_due.into_iter().chain(self.list_due).min();
            tokio::select! {
                message = self.socket.recv() => self.hear(message).await?,
                changed = self.state.changed() => {
                    changed.map_err(|_| Gone("the gateway ends".to_owned()))?;
                    self.tell_state().await?;
                }
                progress = self.progress.recv() => self.follow(progress).await?,
                () = sleep_until(self.care_due) => self.care().await?,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.ask().await?,
            }
        }
    }

    async fn hear(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), Gone> {
        let message = message.ok_or_else(|| Gone("closed".to_owned()))?.map_err(|error| Gone(error.to_string()))?;
        self.silent_rounds = 0;
        let Message::Text(text) = message else { return Ok(()) };
        let Said::Watch { conversation } = serde_json::from_str(&text).map_err(|error| Gone(format!("not understood: {error}")))?;
        let id = conversations::checked(&conversation).map_err(|_| Gone("watches no conversation".to_owned()))?;
        // Subscribed before the snapshot is taken, so that nothing falls between the two.
        self.progress = self.shared.progress.subscribe();
        self.watched = Some(id);
        self.snapshot_due = Some(Instant::now());
        Ok(())
    }

    /// Ends a page whose session has ended or that is not there any more, and asks for a turn that has gone silent: its end may be lost.
    async fn care(&mut self) -> Result<(), Gone> {
        self.care_due = Instant::now() + CARE;
        if !self.shared.door.admits(&self.session) {
            return Err(Gone("logged out".to_owned()));
        }
        self.silent_rounds += 1;
        if self.silent_rounds > SILENT_ROUNDS_MAX {
            return Err(Gone("answers no ping".to_owned()));
        }
        if self.watching.is_silent_again() {
            self.snapshot_due = self.watched.as_ref().map(|_| Instant::now());
        }
        self.send(Message::Ping(Vec::new().into())).await
    }

    async fn follow(&mut self, progress: Result<Arc<TurnProgressed>, broadcast::error::RecvError>) -> Result<(), Gone> {
        let progress = match progress {
            Ok(progress) => progress,
            Err(broadcast::error::RecvError::Lagged(_)) => {
                self.snapshot_due = self.watched.as_ref().map(|_| Instant::now());
                self.list_due = Some(Instant::now());
                return Ok(());
            }
            Err(broadcast::error::RecvError::Closed) => return Err(Gone("the gateway ends".to_owned())),
        };
        if !matches!(progress.change, Some(Change::Appended(_))) {
            self.list_due = self.list_due.or(Some(Instant::now() + LIST_PAUSE));
        }
        let is_watched = self.watched.as_ref().is_some_and(|watched| watched.as_str() == progress.platform_conversation_id);
        if !is_watched || self.snapshot_due.is_some() {
            return Ok(()); // A snapshot that is due will hold it.
        }
        match self.watching.judge(&progress) {
            Verdict::Drop => Ok(()),
            Verdict::Tell => self.tell_progress(&progress).await,
            Verdict::Snapshot => {
                self.snapshot_due = Some(Instant::now());
                self.tell_progress(&progress).await
            }
        }
    }

    /// Tells a piece of progress. The end of a turn is told at once, whatever its snapshot will add; text that does not fit is not.
    async fn tell_progress(&mut self, progress: &TurnProgressed) -> Result<(), Gone> {
        let (conversation, turn, attempt) = (progress.platform_conversation_id.clone(), progress.turn_id.clone(), progress.attempt);
        let event = match &progress.change {
            Some(Change::Started(_)) => Event::Started { conversation, turn, attempt },
            Some(Change::Appended(appended)) if self.snapshot_due.is_none() => {
                Event::Delta { conversation, turn, attempt, sequence: progress.sequence, text: appended.text.clone() }
            }
            Some(Change::Ended(ended)) => Event::Ended { conversation, turn, outcome: view::outcome(ended.outcome()) },
            _ => return Ok(()),
        };
        self.tell(&event).await
    }

    /// Asks for what is due. What is not answered is asked again.
    async fn ask(&mut self) -> Result<(), Gone> {
        let now = Instant::now();
        if self.list_due.is_some_and(|due| due <= now) {
            self.list_due = None;
            match conversations::listed(&self.shared).await {
                Ok(conversations) => self.tell(&Event::Conversations { conversations }).await?,
                Err(_) => self.list_due = Some(Instant::now() + AGAIN),
            }
        }
        let Some(watched) = self.watched.clone().filter(|_| self.snapshot_due.is_some_and(|due| due <= now)) else { return Ok(()) };
        self.snapshot_due = None;
        match conversations::got(&self.shared, &watched).await {
            Ok(conversation) => {
                self.watching = conversation
                    .running()
                    .map_or_else(Watching::default, |running| Watching::at(&running.turn, running.attempt, running.sequence));
                self.tell(&Event::Conversation(conversation)).await
            }
            Err(_) => {
                self.snapshot_due = Some(Instant::now() + AGAIN);
                Ok(())
            }
        }
    }

    async fn tell_state(&mut self) -> Result<(), Gone> {
        let Some(status) = self.state.borrow_and_update().clone() else { return Ok(()) };
        self.tell(&Event::from(&status)).await?;
        let router = status.services.iter().find(|service| service.name == "provider-router").map(|service| (service.pid, service.state));
        if self.models_told_by != router {
            self.models_told_by = router;
            // A router that has just come back knows what a page may have missed.
            self.snapshot_due = self.watched.as_ref().map(|_| Instant::now());
            self.list_due = Some(Instant::now());
            let models = models::listed(&self.shared).await.ok();
            self.tell(&Event::Models { models }).await?;
        }
        Ok(())
    }

    async fn tell(&mut self, event: &Event) -> Result<(), Gone> {
        let text = serde_json::to_string(event).map_err(|error| Gone(error.to_string()))?;
        self.send(Message::Text(text.into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        match timeout(SEND_DEADLINE, self.socket.send(message)).await {
            Ok(sent) => sent.map_err(|error| Gone(error.to_string())),
            Err(_) => Err(Gone("reads nothing".to_owned())),
        }
    }
}
