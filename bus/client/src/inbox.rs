//! Replies on their way to the requests that wait for them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_nats::Message;
use data_encoding::BASE64URL_NOPAD;
use tokio::sync::{mpsc, oneshot};

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
    replies: Replies,
}

/// What came back.
type Reply = Result<Message, Fault>;

/// Who waits: for one reply, or for a stream of them.
#[derive(Debug)]
enum Replies {
    One(oneshot::Sender<Reply>),
    Many(mpsc::Sender<Reply>),
}

/// One place in the inbox. Dropping it gives the place up, also when the asker is cancelled.
#[derive(Debug)]
pub(crate) struct Place<R = oneshot::Receiver<Reply>> {
    inbox: Arc<Inbox>,
    token: String,
    pub(crate) reply: R,
}

/// A place for a stream of replies. It ends early where they come faster than the asker has promised to take them.
pub(crate) type StreamPlace = Place<mpsc::Receiver<Reply>>;

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
        let (sender, receiver) = oneshot::channel();
        self.wait(subject, Replies::One(sender), receiver)
    }

    /// Takes a place for a request on `subject` that is answered by many; so many of them may wait to be taken.
    pub(crate) fn stream_place(self: &Arc<Self>, subject: &str, capacity: usize) -> Result<StreamPlace, Fault> {
        let (sender, receiver) = mpsc::channel(capacity);
        self.wait(subject, Replies::Many(sender), receiver)
    }

    fn wait<R>(self: &Arc<Self>, subject: &str, replies: Replies, reply: R) -> Result<Place<R>, Fault> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| Fault::internal(format!("the system gives no randomness: {error}")))?;
        let token = BASE64URL_NOPAD.encode(&bytes);
        self.lock().insert(token.clone(), Waiting { subject: subject.to_owned(), replies });
        Ok(Place { inbox: Arc::clone(self), token, reply })
    }

    /// Hands a reply to whoever waits for it. One that nobody waits for any more is dropped: it is late or repeated.
    pub(crate) fn deliver(&self, message: Message) {
        let token = message.subject.rsplit('.').next().unwrap_or_default().to_owned();
        let mut waiting = self.lock();
        if let Some(Waiting { replies: Replies::Many(sender), .. }) = waiting.get(&token) {
            // Nobody waits here. Full means that more came than was granted: then the stream ends, which its reader sees.
            let has_room = sender.try_send(Ok(message)).is_ok();
            if !has_room {
                waiting.remove(&token);
            }
        } else if let Some(Waiting { replies: Replies::One(sender), .. }) = waiting.remove(&token) {
            // The asker may have given up in this very moment.
            let _ = sender.send(Ok(message));
        }
    }

    /// Fails every request on `subject`: the server has just refused one, and it does not say which.
    pub(crate) fn deny(&self, subject: &str) {
        let denied: Vec<Waiting> = self.lock().extract_if(|_, waiting| waiting.subject == subject).map(|(_, waiting)| waiting).collect();
        for Waiting { replies, .. } in denied {
            let fault = Fault::new(ErrorCode::Forbidden, format!("the bus does not let us publish to `{subject}`"));
            // The asker may have given up in this very moment.
            match replies {
                Replies::One(sender) => _ = sender.send(Err(fault)),
                Replies::Many(sender) => _ = sender.try_send(Err(fault)),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        // No code that panics runs under this lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Place ===

impl<R> Place<R> {
    /// The subject that the answer is to be sent to.
    pub(crate) fn subject(&self) -> String {
        format!("{}.{}", self.inbox.prefix, self.token)
    }

    /// The last token of that subject.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }
}

impl<R> Drop for Place<R> {
    fn drop(&mut self) {
        self.inbox.lock().remove(&self.token);
    }
}
