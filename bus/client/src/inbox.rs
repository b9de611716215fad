//! Replies on their way to the requests that wait for them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_nats::Message;
use data_encoding::BASE64URL_NOPAD;
use tokio::sync::oneshot;

use crate::fault::{ErrorCode, Fault};

/// Bytes of randomness in a reply token: 22 characters, which nobody guesses.
const TOKEN_BYTES: usize = 16;

/// The requests of one credential that wait for an answer.
#[derive(Debug)]
pub(crate) struct Inbox {
    prefix: String,
    waiting: Mutex<HashMap<String, Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    /// The request's own subject, to recognise a denial of the server.
    subject: String,
    reply: oneshot::Sender<Result<Message, Fault>>,
}

/// One place in the inbox. Dropping it gives the place up, also when the asker is cancelled.
#[derive(Debug)]
pub(crate) struct Place {
    inbox: Arc<Inbox>,
    token: String,
    pub(crate) reply: oneshot::Receiver<Result<Message, Fault>>,
}

// === impl Inbox ===

impl Inbox {
    pub(crate) fn new(prefix: String) -> Arc<Self> {
        Arc::new(Self { prefix, waiting: Mutex::default() })
    }

    /// The subject under which all replies arrive.
    pub(crate) fn pattern(&self) -> String {
        format!("{}.*", self.prefix)
    }

    /// Takes a place for a request on `subject`.
    pub(crate) fn place(self: &Arc<Self>, subject: &str) -> Result<Place, Fault> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| Fault::internal(format!("the system gives no randomness: {error}")))?;
        let token = BASE64URL_NOPAD.encode(&bytes);
        let (sender, receiver) = oneshot::channel();
        self.lock().insert(token.clone(), Waiting { subject: subject.to_owned(), reply: sender });
        Ok(Place { inbox: Arc::clone(self), token, reply: receiver })
    }

    /// Hands a reply to whoever waits for it. One that nobody waits for any more is dropped: it is late or repeated.
    pub(crate) fn deliver(&self, message: Message) {
        let token = message.subject.rsplit('.').next().unwrap_or_default();
        let waiting = self.lock().remove(token);
        if let Some(waiting) = waiting {
            // The asker may have given up in this very moment.
            let _ = waiting.reply.send(Ok(message));
        }
    }

    /// Fails every request on `subject`: the server has just refused one, and it does not say which.
    pub(crate) fn deny(&self, subject: &str) {
        let denied: Vec<Waiting> = self.lock().extract_if(|_, waiting| waiting.subject == subject).map(|(_, waiting)| waiting).collect();
        for waiting in denied {
            let _ = waiting.reply.send(Err(Fault::new(ErrorCode::Forbidden, format!("the bus does not let us publish to `{subject}`"))));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        // No code that panics runs under this lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Place ===

impl Place {
    /// The subject that the answer is to be sent to.
    pub(crate) fn subject(&self) -> String {
        format!("{}.{}", self.inbox.prefix, self.token)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inbox.lock().remove(&self.token);
    }
}
