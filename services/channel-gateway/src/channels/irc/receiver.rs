//! Takes in what is heard: checked, spooled, handed over until the router's answer is final. States the gaps.

use std::{sync::Arc, time::Duration};

use argentum_proto::{
    channel::v1::AcceptMessageRequest,
    ids::{ConversationId, Gateway},
};
use argentum_service::unix_ms;
use argentum_store::StoreError;
use tokio::sync::{Mutex, mpsc};
use tracing::{info, warn};
use ulid::{Generator, Ulid};

use super::{
    config::Config,
    contacts::Contacts,
    convert::convert,
    link::News,
    presence::Presence,
    session::{Event, Heard},
    spool::{Kept, Spool, SpoolError},
};
use crate::channels::{
    accepting::{Received, Taking, WayIn},
    admission::Admission,
    backlog::Verdict,
    intake::{Intake, IntakeError},
    notices::{Notice, NoticeName, Notices},
};

/// Messages that may wait for the router.
pub(super) const SPOOL_MAX: usize = 1_000;
/// Messages whose sender is being checked.
const SCREENING_MAX: usize = 256;
/// How often it is noted that we are still there: a gap seems to begin so much earlier at most.
const BEAT: Duration = Duration::from_secs(20);
const FULL: &str = "Too many messages wait already; yours was not taken. Write it again later.";

/// The receiving half of an account.
pub(super) struct Receiver {
    pub(super) gateway: Gateway,
    pub(super) config: Config,
    pub(super) way: Arc<WayIn>,
    pub(super) notices: Arc<Notices>,
    pub(super) spool: Arc<Spool>,
    pub(super) presence: Arc<Presence>,
    pub(super) contacts: Arc<Contacts>,
    pub(super) admission: Arc<Admission>,
    /// Outlives the lives of the receiver.
    pub(super) shared: Mutex<Shared>,
}

/// What one life of the receiver leaves to the next.
pub(super) struct Shared {
    pub(super) news: mpsc::Receiver<News>,
    pub(super) ids: Generator,
}

/// Why a receiver cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReceiverError {
    #[error(transparent)]
    Intake(#[from] IntakeError),
    #[error("the gateway's store failed")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error("reading the spool broke")]
    Reading(#[from] tokio::task::JoinError),
    #[error("the link to the server is gone")]
    Link,
}

/// One life of the receiver.
struct Receiving<'a> {
    receiver: &'a Receiver,
    /// Checked and spooled, one after the other within a conversation.
    screening: Intake<Ulid>,
    spooled: mpsc::Sender<AcceptMessageRequest>,
    /// On its way to the router.
    passing: Intake<String>,
}

// === impl Receiver ===

impl Receiver {
    /// Receives until something fails.
    pub(super) async fn run(&self) -> ReceiverError {
        let mut shared = self.shared.lock().await;
        let (spooled, mut to_pass) = mpsc::channel(SCREENING_MAX);
        let passing = Intake::new(SPOOL_MAX + SCREENING_MAX);
        let mut receiving = Receiving { receiver: self, screening: Intake::new(SCREENING_MAX), spooled, passing };
        match receiving.run(&mut shared, &mut to_pass).await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }
}

// === impl Receiving ===

impl Receiving<'_> {
    async fn run(
        &mut self,
        shared: &mut Shared,
        to_pass: &mut mpsc::Receiver<AcceptMessageRequest>,
    ) -> Result<std::convert::Infallible, ReceiverError> {
        let spool = Arc::clone(&self.receiver.spool);
        let waiting = tokio::task::spawn_blocking(move || spool.waiting()).await??;
        if !waiting.is_empty() {
            info!(gateway = %self.receiver.gateway, count = waiting.len(), "handing over what was spooled");
        }
        // What another life had spooled goes first.
        waiting.into_iter().for_each(|request| self.pass(request));
        let mut beat = tokio::time::interval(BEAT);
        loop {
            tokio::select! {
                news = shared.news.recv() => match news {
                    Some(news) => self.take(news, &mut shared.ids).await?,
                    None => return Err(ReceiverError::Link),
                },
                request = to_pass.recv() => self.pass(request.expect("this life holds a sender")),
                settled = self.screening.settled() => {
                    settled?;
                    self.screening.take_acknowledged();
                }
                settled = self.passing.settled() => {
                    settled?;
                    self.passing.take_acknowledged();
                }
                _ = beat.tick() => self.receiver.presence.beat(unix_ms()).await?,
            }
        }
    }

    async fn take(&mut self, news: News, ids: &mut Generator) -> Result<(), ReceiverError> {
        match news {
            News::Event(Event::Heard(heard)) => self.hear(&heard, ids),
            News::Event(Event::Joined { channel }) => self.enter(channel),
            News::Event(Event::Outside { channel, .. }) => self.receiver.presence.leave(&channel, unix_ms()).await?,
            News::Away => self.receiver.presence.leave_all(unix_ms()).await?,
            News::Event(Event::Ready { .. } | Event::Trouble(_)) => {}
        }
        Ok(())
    }

    fn hear(&mut self, heard: &Heard, ids: &mut Generator) {
        // The ids of one millisecond are used up only after more messages than a connection can bring.
        let id = ids.generate().unwrap_or_else(|_| Ulid::new());
        let Some(received) = convert(heard, &self.receiver.config, id.to_string(), unix_ms()) else { return };
        let Ok(conversation) = received.request.platform_conversation_id.parse::<ConversationId>() else { return };
        self.receiver.contacts.hear(&received.request);
        let (way, spool) = (Arc::clone(&self.receiver.way), Arc::clone(&self.receiver.spool));
        let (notices, spooled) = (Arc::clone(&self.receiver.notices), self.spooled.clone());
        let screening: Taking = Box::pin(async move { screen(received, &way, &spool, &notices, &spooled).await });
        if self.screening.receive(id, conversation.token(), screening) == Verdict::Full {
            warn!(gateway = %self.receiver.gateway, nick = heard.nick, "a message is lost: too many come at the same time");
        }
    }

    /// States the gap before anything that is said in the channel now is answered.
    fn enter(&mut self, channel: String) {
        let Ok(conversation) = channel.parse::<ConversationId>() else { return };
        let gateway = self.receiver.gateway.clone();
        let (presence, notices) = (Arc::clone(&self.receiver.presence), Arc::clone(&self.receiver.notices));
        let admission = Arc::clone(&self.receiver.admission);
        let stating: Taking = Box::pin(async move {
            let now_ms = unix_ms();
            let gap = presence.gap(&channel).await?;
            presence.enter(&channel, gap, now_ms).await?;
            let Some(gap) = gap else { return Ok(()) };
            warn!(%gateway, channel, unreceived_gaps = gap.unreceived_gaps, away_ms = now_ms.saturating_sub(gap.since_ms), "a gap");
            // Where nobody may write to us, nobody misses anything.
            if !admission.pairing().await.admits(&channel, admission.allowed()) {
                return Ok(());
            }
            let name = NoticeName::of(&format!("irc gap/{gateway}/{channel}/{}", gap.unreceived_gaps));
            let notice = Notice { platform_conversation_id: channel, reply_to: String::new(), text: gap.text(now_ms) };
            notices.once(name, notice).await
        });
        if self.screening.receive(Ulid::new(), conversation.token(), stating) == Verdict::Full {
            warn!(gateway = %self.receiver.gateway, "a gap is not stated: too much comes at the same time");
        }
    }

    /// Hands a spooled message over until its answer is final, and forgets it then.
    fn pass(&mut self, request: AcceptMessageRequest) {
        let Ok(conversation) = request.platform_conversation_id.parse::<ConversationId>() else { return };
        let (way, spool) = (Arc::clone(&self.receiver.way), Arc::clone(&self.receiver.spool));
        let place = request.platform_message_id.clone();
        let passing: Taking = Box::pin(async move {
            way.accept(&request).await?;
            spool.forget(&request.platform_message_id).await
        });
        // There is a place for everything that the spool can hold.
        self.passing.receive(place, conversation.token(), passing);
    }
}

/// Lets a message through, or not; what is let through is on disk before it goes on.
async fn screen(
    received: Received,
    way: &WayIn,
    spool: &Spool,
    notices: &Notices,
    spooled: &mpsc::Sender<AcceptMessageRequest>,
) -> Result<(), StoreError> {
    if !way.admits(&received).await? {
        return Ok(());
    }
    let request = received.request;
    if spool.keep(&request).await? == Kept::Full {
        let name = NoticeName::of(&format!("irc full/{}", request.platform_message_id));
        let (platform_conversation_id, reply_to) = (request.platform_conversation_id, request.platform_message_id);
        return notices.once(name, Notice { platform_conversation_id, reply_to, text: FULL.to_owned() }).await;
    }
    // A life that ended left it in the spool.
    let _ = spooled.send(request).await;
    Ok(())
}
