//! Telegram on this machine: the Bot API over real HTTP, as strict as the real one, with people who write and a script of mishaps.

mod chats;
mod http;
mod methods;

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

pub use chats::Posted;
use chats::State;
use methods::Reply;

/// The bot's own id.
pub const BOT_ID: i64 = 7;
/// The bot's name, without `@`.
pub const BOT_NAME: &str = "argentum_bot";
/// The one token that is known.
pub const TOKEN: &str = "7:TEST-token_of_the_bot";

/// Stands for half of a surrogate pair until it is sent; nobody writes it.
const HALF: char = '\u{f8ff}';

/// How a `sendMessage` is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It stands, and the answer is lost.
    LoseAnswer,
    /// It is lost with its answer.
    LoseMessage,
    /// 429: to come again after so many seconds.
    Limit(u64),
    /// This status, with an error in the body.
    Status(u16),
}

/// A Telegram with one bot. It ends with the value.
pub struct FakeTelegram {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// A person with a private chat of the same id.
pub struct User<'a> {
    telegram: &'a FakeTelegram,
    id: i64,
    name: &'a str,
}

pub(crate) struct Shared {
    state: Mutex<State>,
    /// Something changed that a poll may wait for.
    changed: Condvar,
    is_over: AtomicBool,
}

// === impl FakeTelegram ===

impl FakeTelegram {
    /// Starts one on a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), is_over: AtomicBool::new(false) });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if serving.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&serving);
                // Who hangs up in the middle has his reasons.
                thread::spawn(move || serve(&shared, &stream).unwrap_or_default());
            }
        });
        Self { address, shared }
    }

    /// What a channel's `api_url` is set to.
    pub fn api_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A person.
    pub fn user<'a>(&'a self, id: i64, name: &'a str) -> User<'a> {
        User { telegram: self, id, name }
    }

    /// Takes the next `sendMessage`s so; those that follow are fine.
    pub fn script(&self, mishaps: impl IntoIterator<Item = Mishap>) {
        self.shared.lock().script.extend(mishaps);
    }

    /// From now on polls that would confirm something break off before they do, or no longer.
    pub fn lose_confirmations(&self, does_lose: bool) {
        self.shared.lock().loses_confirmations = does_lose;
    }

    /// What the bot said in a chat, oldest first.
    pub fn posted(&self, chat: i64) -> Vec<Posted> {
        self.shared.lock().posted(chat)
    }

    /// How often it was shown that the bot is typing.
    pub fn typing(&self, chat: i64) -> usize {
        self.shared.lock().actions.iter().filter(|shown| **shown == chat).count()
    }

    /// Updates that the bot has not confirmed.
    pub fn unconfirmed(&self) -> usize {
        self.shared.lock().updates.len()
    }

    /// How often a method was called with the right token.
    pub fn asked(&self, method: &str) -> usize {
        self.shared.lock().asked.get(method).copied().unwrap_or_default()
    }

    /// Polls that another one ended.
    pub fn conflicts(&self) -> usize {
        self.shared.lock().conflicts
    }

    /// Polls that wait right now for something to happen.
    pub fn waiting_polls(&self) -> usize {
        self.shared.lock().waiting_polls
    }

    /// Another program polls with the same token, once and without waiting.
    pub fn poll_elsewhere(&self) {
        self.shared.lock().generation += 1;
        self.shared.changed.notify_all();
    }

    /// A webhook takes the messages; empty = none does.
    pub fn set_webhook(&self, url: &str) {
        url.clone_into(&mut self.shared.lock().webhook);
        self.shared.changed.notify_all();
    }
}

impl Drop for FakeTelegram {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.shared.changed.notify_all();
        // Wakes the thread that accepts, so that the port is free again.
        let _ = TcpStream::connect(self.address);
    }
}

// === impl User ===

impl User<'_> {
    /// Writes in a chat: the private one where it is the person's own id, else a group. Returns the message's id.
    pub fn say(&self, chat: i64, text: &str) -> i64 {
        self.write(chat, text, None)
    }

    /// Writes what no writer of JSON makes: half of a surrogate pair, which ends a text as `\ud800`. Returns the message's id.
    pub fn say_half(&self, chat: i64, text: &str) -> i64 {
        self.write(chat, &format!("{text}{HALF}"), None)
    }

    /// Writes in a topic of a chat; topics are conversations of their own.
    pub fn say_in_topic(&self, chat: i64, topic: i64, text: &str) -> i64 {
        let message = self.telegram.shared.lock().say_in_topic(self.id, self.name, (chat, topic), text);
        self.telegram.shared.changed.notify_all();
        message
    }

    /// Replies to a message of the bot.
    pub fn reply(&self, chat: i64, original: i64, text: &str) -> i64 {
        self.write(chat, text, Some(original))
    }

    /// Sends a picture without a word.
    pub fn show(&self, chat: i64) -> i64 {
        let message = self.telegram.shared.lock().show(self.id, self.name, chat);
        self.telegram.shared.changed.notify_all();
        message
    }

    /// Blocks the bot, or no longer.
    pub fn block(&self, does_block: bool) {
        let mut state = self.telegram.shared.lock();
        if does_block {
            state.blocked.insert(self.id);
        } else {
            state.blocked.remove(&self.id);
        }
    }

    fn write(&self, chat: i64, text: &str, original: Option<i64>) -> i64 {
        let message = self.telegram.shared.lock().say(self.id, self.name, chat, text, original);
        self.telegram.shared.changed.notify_all();
        message
    }
}

// === impl Shared ===

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request per connection.
fn serve(shared: &Shared, stream: &TcpStream) -> io::Result<()> {
    let request = http::read(stream)?;
    match methods::answer(shared, &request.path, &request.body) {
        Reply::Answer { status, body } => http::write(stream, status, &body.to_string().replace(HALF, "\\ud800")),
        Reply::Nothing => Ok(()),
    }
}
