//! The way in of every channel: who wrote is checked, the router is asked until its answer is final, and its notice is told.

use std::{pin::Pin, sync::Arc, time::Duration};

use argentum_bus::{AccountBus, AccountConversation};
use argentum_proto::{
    channel::v1::{AcceptMessageRequest, Accepted, Rejected, accept_message_request::Content, accept_message_response::Answer},
    ids::{ConversationId, Gateway, InvalidId, MessageKey},
};
use argentum_store::StoreError;
use tokio::sync::Semaphore;
use tracing::{Instrument, debug, info, warn};

use super::{
    admission::Admission,
    backoff::Backoff,
    commands::Commands,
    notices::{Notice, NoticeName, Notices},
    pairing::{Author, Place, Verdict},
};
use crate::spans;

/// Requests of one account that wait for an answer at the same time.
const ASKING_MAX: usize = 32;
/// Wait before the router is asked again; doubles.
const AGAIN_MIN: Duration = Duration::from_millis(200);
const AGAIN_MAX: Duration = Duration::from_secs(10);
/// Longest wait that the router may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

const GROUP_PAIRED: &str = "Everybody in this group may write to me now. Mention me, or reply to what I wrote.";

/// A message as a channel understood it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Received {
    pub(crate) author: Author,
    /// Its key and what is asked of the router; without content where `intent` needs no router.
    pub(crate) request: AcceptMessageRequest,
    pub(crate) intent: Intent,
}

/// What a message wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// The router.
    Ask,
    /// Only this text, of the gateway itself.
    Tell(String),
    /// To let its group in.
    Pair,
}

/// Told of every question that became a turn.
pub(crate) type OnAccepted = Box<dyn Fn(&AcceptMessageRequest) + Send + Sync>;

/// The way in of one account.
pub(crate) struct WayIn {
    bus: AccountBus,
    admission: Arc<Admission>,
    notices: Arc<Notices>,
    commands: Commands,
    on_accepted: OnAccepted,
    asking: Semaphore,
}

// === impl WayIn ===

impl WayIn {
    pub(crate) fn new(
        bus: AccountBus,
        admission: Arc<Admission>,
        notices: Arc<Notices>,
        commands: Commands,
        on_accepted: OnAccepted,
    ) -> Self {
        Self { bus, admission, notices, commands, on_accepted, asking: Semaphore::new(ASKING_MAX) }
    }

    /// Goes the whole way; when this returns, the message may be acknowledged.
    pub(crate) async fn take(&self, received: Received) -> Result<(), StoreError> {
        if self.admits(&received).await? { self.accept(&received.request).await } else { Ok(()) }
    }

    /// Whether the message goes on to the router. Where not, its sender was told what there is to tell.
    pub(crate) async fn admits(&self, received: &Received) -> Result<bool, StoreError> {
        let text = match (self.admission.judge(&received.author, received.intent == Intent::Pair).await?, &received.intent) {
            (Verdict::Admitted, Intent::Ask) => return Ok(true),
            (Verdict::Admitted, Intent::Tell(text)) => text.clone(),
            (Verdict::Admitted | Verdict::Ignored | Verdict::Crowded, _) => return Ok(false),
            (Verdict::Invited { code }, _) => {
                info!(gateway = %self.bus.gateway(), sender = %received.author.id, "a stranger was told a code");
                invitation(&code)
            }
            (Verdict::GroupUnknown, _) => group_unknown(&self.commands.in_group("pair")),
            (Verdict::GroupUnvouched, _) => group_unvouched(self.bus.gateway(), &received.author.place),
            (Verdict::GroupPaired, _) => GROUP_PAIRED.to_owned(),
        };
        self.tell(&received.request, text).await?;
        Ok(false)
    }

    /// Asks the router until its answer is final, and tells its notice.
    pub(crate) async fn accept(&self, request: &AcceptMessageRequest) -> Result<(), StoreError> {
        let answer = self.final_answer(request).instrument(spans::receive(self.bus.gateway(), request)).await;
        let notice = match answer {
            Some(Answer::Accepted(Accepted { notice, .. })) => {
                if matches!(request.content, Some(Content::Question(_))) {
                    (self.on_accepted)(request);
                }
                notice
            }
            Some(Answer::Rejected(Rejected { text, .. })) => text,
            _ => String::new(),
        };
        if notice.is_empty() { Ok(()) } else { self.tell(request, notice).await }
    }

    /// `None` where no answer can ever be had.
    async fn final_answer(&self, request: &AcceptMessageRequest) -> Option<Answer> {
        let conversation = request.platform_conversation_id.parse::<ConversationId>().ok()?;
        let address = AccountConversation { gateway: self.bus.gateway().clone(), conversation: conversation.token() };
        let mut backoff = Backoff::new(AGAIN_MIN, AGAIN_MAX);
        loop {
            let asked = {
                let _one = self.asking.acquire().await;
                self.bus.request(&address, request).await
            };
            let wait = match asked.map(|response| response.answer) {
                Ok(Some(Answer::RetryAfter(retry))) => backoff.next().max(Duration::from_millis(retry.retry_after_ms).min(RETRY_AFTER_MAX)),
                Ok(Some(answer)) => return Some(answer),
                Ok(None) => {
                    warn!(gateway = %self.bus.gateway(), "the router's answer is not understood");
                    backoff.next()
                }
                Err(fault) => {
                    debug!(gateway = %self.bus.gateway(), %fault, "a message is not accepted yet");
                    backoff.next()
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn tell(&self, request: &AcceptMessageRequest, text: String) -> Result<(), StoreError> {
        let Ok(name) = self.name(request) else { return Ok(()) };
        let notice = Notice {
            platform_conversation_id: request.platform_conversation_id.clone(),
            reply_to: request.platform_message_id.clone(),
            text,
        };
        self.notices.once(name, notice).await
    }

    /// A message is told one thing, however often it comes.
    fn name(&self, request: &AcceptMessageRequest) -> Result<NoticeName, InvalidId> {
        Ok(MessageKey::of(self.bus.gateway(), request)?.digest().into())
    }
}

/// A message on its way in.
pub(crate) type Taking = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

fn invitation(code: &str) -> String {
    format!(
        "I do not know you yet. Your pairing code is {code}. It is good for an hour: the operator approves it with `argentum pair approve {code}`."
    )
}

fn group_unknown(pair: &str) -> String {
    format!("I do not know this group yet. To let everybody in it write to me, send here: {pair}")
}

fn group_unvouched(account: &Gateway, place: &Place) -> String {
    let (Place::Group { id, .. } | Place::Private(id)) = place;
    format!(
        "I do not know this group yet, and cannot let it in on your word: your name may be somebody else's tomorrow. The operator lets it \
         in with `argentum pair approve --group --account {account} {}`.",
        quoted(id.as_str())
    )
}

/// As one word of a shell, whatever signs it has.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_named_as_one_word_of_a_shell() {
        let text = |id: &str| group_unvouched(&"irc".parse().unwrap(), &Place::Group { id: id.parse().unwrap(), title: String::new() });
        assert!(text("#tea").contains("`argentum pair approve --group --account irc '#tea'`"), "{}", text("#tea"));
        assert!(text("#t';reboot").contains(r"irc '#t'\'';reboot'`"), "{}", text("#t';reboot"));
    }
}
