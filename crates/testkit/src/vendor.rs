//! A model vendor on this machine: real HTTP, scripted answers, and a memory of what it was asked.

mod answer;
mod http;
mod protocol;

use std::{
    collections::VecDeque,
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

pub use answer::Answer;
pub use http::Request;
use protocol::Protocol;

/// The models that it offers.
const MODELS: [&str; 2] = ["small", "large"];

/// How an echo begins.
const ECHO: &str = "You wrote: ";

/// A vendor that speaks OpenAI's chat completions and Anthropic's messages. It ends with the value.
pub struct FakeVendor {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    script: Mutex<VecDeque<Answer>>,
    /// Pause before each piece of an echo, if questions are echoed.
    echo: Mutex<Option<Duration>>,
    requests: Mutex<Vec<Request>>,
    asked: AtomicU64,
    open: AtomicUsize,
    is_over: AtomicBool,
}

// === impl FakeVendor ===

impl FakeVendor {
    /// Starts one on a free port.
    pub fn start() -> Self {
        Self::start_on("127.0.0.1:0".parse().unwrap())
    }

    /// Starts one where somebody expects it.
    pub fn start_on(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if serving.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&serving);
                thread::spawn(move || shared.serve(stream));
            }
        });
        Self { address, shared }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a provider's `base_url` is set to.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Answers the next questions so; those that follow get a plain answer.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        lock(&self.shared.script).extend(answers);
    }

    /// Answers what the script does not by [`echo_of`] the question, with a pause before each piece.
    pub fn echo(&self, pause: Duration) {
        *lock(&self.shared.echo) = Some(pause);
    }

    /// The questions that it was asked, oldest first; who only asked for the models is not among them.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.requests).clone()
    }

    /// Requests of any kind, also for the models.
    pub fn asked(&self) -> u64 {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Questions whose connection is open.
    pub fn open_connections(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }
}

impl Drop for FakeVendor {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts, so that the port is free again.
        let _ = TcpStream::connect(self.address);
    }
}

// === impl Shared ===

impl Shared {
    /// One request per connection. Who hangs up in the middle has his reasons.
    fn serve(&self, mut stream: TcpStream) {
        let _ = self.try_serve(&mut stream);
    }

    fn try_serve(&self, stream: &mut TcpStream) -> io::Result<()> {
        let request = http::read(stream)?;
        self.asked.fetch_add(1, Ordering::SeqCst);
        let path = request.path.split('?').next().unwrap_or_default();
        match (request.method.as_str(), path) {
            ("GET", "/v1/models") => http::write(stream, 200, "application/json", &[], &Protocol::of(&request).models(&MODELS, &request)),
            ("POST", "/v1/chat/completions") => self.answer(Protocol::OpenAi, request, stream),
            ("POST", "/v1/messages") => self.answer(Protocol::Anthropic, request, stream),
            _ => {
                let refusal = Protocol::of(&request).error("no such path", "invalid_request_error");
                http::write(stream, 404, "application/json", &[], &refusal)
            }
        }
    }

    fn answer(&self, protocol: Protocol, request: Request, stream: &mut TcpStream) -> io::Result<()> {
        self.open.fetch_add(1, Ordering::SeqCst);
        let outcome = match protocol.refusal(&request) {
            Some(refusal) => http::write(stream, 400, "application/json", &[], &refusal),
            None => {
                let question = request.question();
                lock(&self.requests).push(request);
                let answer = lock(&self.script).pop_front().unwrap_or_else(|| self.standard(&question));
                answer.give(protocol, stream, &self.is_over)
            }
        };
        self.open.fetch_sub(1, Ordering::SeqCst);
        outcome
    }

    /// What is answered where nothing is scripted.
    fn standard(&self, question: &str) -> Answer {
        match *lock(&self.echo) {
            Some(pause) => Answer::text([ECHO, question]).paced(pause),
            None => Answer::text(["Hello."]),
        }
    }
}

/// The answer to a question while questions are echoed.
pub fn echo_of(question: &str) -> String {
    format!("{ECHO}{question}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
