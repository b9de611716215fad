//! Keeps an account connected: carries lines between the server and the session, and connects anew with growing pauses.
//!
//! It goes on while the process drains, so that answers still go out; only what is heard then is left to the next process, as a gap.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use argentum_proto::ids::Gateway;
use argentum_service::sealing::SecretBytes;
use futures::StreamExt;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::{Mutex, mpsc, oneshot},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::{codec::FramedRead, sync::CancellationToken};
use tracing::{error, info, warn};

use super::{
    config::{Config, Sasl},
    endpoint::{ConnectError, Stream, connect},
    framing::Lines,
    session::{Closing, Event, Input, Login, Output, Say, Session, Settings},
};
use crate::{
    channels::{Secrets, backoff::Backoff, standing::Standing},
    config::secret_name,
    outbox::Outcome,
};

/// Pause before the server is tried again; doubles.
const PAUSE_MIN: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// The same where something has to be changed first: networks ban whoever keeps knocking.
const LASTING_PAUSE_MIN: Duration = Duration::from_secs(60);
const LASTING_PAUSE_MAX: Duration = Duration::from_secs(900);
/// Pauses begin anew after a connection that held so long.
const HELD: Duration = Duration::from_secs(60);
/// A line that cannot be written for so long means that the connection is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Lines to say that wait for the link.
const ORDERS_MAX: usize = 64;

/// What the receiver hears.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum News {
    Event(Event),
    /// The connection is gone.
    Away,
}

/// Says lines by the link. Cheap to clone.
#[derive(Clone)]
pub(super) struct Outlet(mpsc::Sender<Order>);

/// A line to say, and whom to tell how that ended.
pub(super) struct Order {
    target: String,
    text: String,
    is_notice: bool,
    answer: oneshot::Sender<Outcome>,
}

/// The link of one account.
pub(super) struct Link {
    pub(super) gateway: Gateway,
    pub(super) config: Config,
    pub(super) secrets: Arc<dyn Secrets>,
    pub(super) standing: Standing,
    pub(super) news: mpsc::Sender<News>,
    pub(super) quiescing: CancellationToken,
}

/// Why a connection ended, or was none.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("a secret cannot be had: {0}")]
    Secret(String),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Closed(#[from] Closing),
    #[error("the server closed the connection: {0}")]
    Server(String),
    #[error("the connection broke")]
    Broken,
    #[error("nobody is left to speak")]
    Over,
}

/// One connection.
struct Connection<'a> {
    link: &'a Link,
    session: Session,
    began: Instant,
    answers: HashMap<u64, oneshot::Sender<Outcome>>,
    tickets: u64,
    /// What the server said before it closed.
    trouble: Option<String>,
}

// === impl Outlet ===

impl Outlet {
    pub(super) fn new() -> (Self, mpsc::Receiver<Order>) {
        let (sender, receiver) = mpsc::channel(ORDERS_MAX);
        (Self(sender), receiver)
    }

    /// Says one line, and tells what became of it.
    pub(super) async fn say(&self, target: String, text: String, is_notice: bool) -> Outcome {
        let (answer, outcome) = oneshot::channel();
        if self.0.send(Order { target, text, is_notice, answer }).await.is_err() {
            return Outcome::NeverLeft { retry_after_ms: None };
        }
        // A link that broke with the line in its hands may have written it.
        outcome.await.unwrap_or(Outcome::Unknown)
    }
}

// === impl Ended ===

impl Ended {
    fn is_lasting(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_lasting(),
            Self::Closed(closing) => closing.is_lasting(),
            Self::Secret(_) | Self::Server(_) | Self::Broken | Self::Over => false,
        }
    }
}

// === impl Link ===

impl Link {
    /// Runs until nobody can say anything any more; built anew where it breaks.
    pub(super) async fn keep(self, orders: mpsc::Receiver<Order>) {
        let (link, orders) = (Arc::new(self), Arc::new(Mutex::new(orders)));
        let mut backoff = Backoff::new(PAUSE_MIN, PAUSE_MAX);
        loop {
            // In a set of its own: a panic ends only this life.
            let mut life = JoinSet::new();
            let (living, orders) = (Arc::clone(&link), Arc::clone(&orders));
            life.spawn(async move { living.run(&mut *orders.lock().await).await });
            let Some(Err(panic)) = life.join_next().await else { return };
            error!(gateway = %link.gateway, error = %panic, "the link broke; building it anew");
            link.tell(News::Away).await;
            sleep(backoff.next()).await;
        }
    }

    async fn run(&self, orders: &mut mpsc::Receiver<Order>) {
        let mut brief = Backoff::new(PAUSE_MIN, PAUSE_MAX);
        let mut lasting = Backoff::new(LASTING_PAUSE_MIN, LASTING_PAUSE_MAX);
        loop {
            let began = Instant::now();
            let ended = self.connected(orders).await;
            if matches!(ended, Ended::Over) {
                return;
            }
            self.tell(News::Away).await;
            if HELD <= began.elapsed() {
                brief.reset();
                lasting.reset();
            }
            let pause = if ended.is_lasting() { lasting.next() } else { brief.next() };
            warn!(gateway = %self.gateway, error = argentum_service::chain(&ended), pause_s = pause.as_secs(), "not connected to IRC");
            if !decline_until(sleep(pause), pause, orders).await {
                return;
            }
        }
    }

    async fn connected(&self, orders: &mut mpsc::Receiver<Order>) -> Ended {
        let opening = async {
            let certificate = self.secret(self.config.certificate.as_deref()).await?;
            let settings = self.settings().await?;
            let stream = connect(&self.config, certificate.as_deref()).await?;
            Ok::<_, Ended>((settings, stream))
        };
        let mut opened = None;
        let opening = async { opened = Some(opening.await) };
        if !decline_until(opening, PAUSE_MIN, orders).await {
            return Ended::Over;
        }
        match opened.expect("it was waited for") {
            Ok((settings, stream)) => {
                let shown = settings.login_secret();
                let ended = Connection::new(self, settings).run(stream, orders).await;
                if matches!(ended, Ended::Closed(Closing::Login { .. })) {
                    self.refused(shown.as_ref());
                }
                ended
            }
            Err(ended) => ended,
        }
    }

    /// A password that the server refused is asked for anew, so that one that was put right is used.
    fn refused(&self, shown: Option<&Arc<SecretBytes>>) {
        self.standing.note_login(true);
        if let (Some(name), Some(secret)) = (self.config.password.as_deref().and_then(secret_name), shown) {
            self.secrets.refused(name, secret);
        }
    }

    /// Who we want to be, with the secrets as they are now.
    async fn settings(&self) -> Result<Settings, Ended> {
        let config = &self.config;
        let login = match config.sasl {
            None => None,
            Some(Sasl::External) => Some(Login::External),
            Some(Sasl::Plain) => {
                let password = self.secret(config.password.as_deref()).await?;
                let password = password.ok_or_else(|| Ended::Secret("`password` is not set".to_owned()))?;
                Some(Login::Plain { account: config.account.clone().unwrap_or_default(), password })
            }
        };
        Ok(Settings {
            nick: config.nick.clone(),
            username: config.username.clone(),
            realname: config.realname.clone(),
            channels: config.channels.clone(),
            login,
            server_password: self.secret(config.server_password.as_deref()).await?,
            flood_burst: config.flood_burst,
            flood_refill_ms: u64::try_from(config.flood_refill.as_millis()).unwrap_or(u64::MAX),
        })
    }

    async fn secret(&self, value: Option<&str>) -> Result<Option<Arc<SecretBytes>>, Ended> {
        let Some(name) = value.and_then(secret_name) else { return Ok(None) };
        self.secrets.secret(name).await.map(Some).map_err(|fault| Ended::Secret(fault.to_string()))
    }

    /// Tells the receiver. Where it does not follow, nothing more is read; while the process drains, nobody listens.
    async fn tell(&self, news: News) {
        tokio::select! {
            biased;
            () = self.quiescing.cancelled() => {}
            _ = self.news.send(news) => {}
        }
    }
}

/// Waits, and meanwhile says of every order that it never left. Returns whether there is still somebody who may give one.
async fn decline_until(wait: impl Future<Output = ()>, pause: Duration, orders: &mut mpsc::Receiver<Order>) -> bool {
    let retry_after_ms = Some(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
    tokio::pin!(wait);
    loop {
        tokio::select! {
            () = &mut wait => return true,
            order = orders.recv() => match order {
                Some(order) => drop(order.answer.send(Outcome::NeverLeft { retry_after_ms })),
                None => return false,
            },
        }
    }
}

// === impl Connection ===

impl<'a> Connection<'a> {
    fn new(link: &'a Link, settings: Settings) -> Self {
        Self { link, session: Session::new(settings), began: Instant::now(), answers: HashMap::new(), tickets: 0, trouble: None }
    }

    /// Runs until the connection ends.
    async fn run(mut self, stream: Box<dyn Stream>, orders: &mut mpsc::Receiver<Order>) -> Ended {
        let (reader, mut writer) = tokio::io::split(stream);
        let mut lines = FramedRead::new(reader, Lines::default());
        let mut outputs = self.session.handle(Input::Connected, self.now_ms());
        let ended = loop {
            if let Err(ended) = self.carry_out(outputs, &mut writer).await {
                break ended;
            }
            let due = self.session.next_due_ms(self.now_ms()).map(|due_ms| self.began + Duration::from_millis(due_ms));
            let tick = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            outputs = tokio::select! {
                line = lines.next() => match line {
                    Some(Ok(line)) => self.session.handle(Input::Line(&line), self.now_ms()),
                    Some(Err(_)) => break Ended::Broken,
                    None => break self.trouble.take().map_or(Ended::Broken, Ended::Server),
                },
                order = orders.recv() => match order {
                    Some(order) => self.take(order),
                    None => break Ended::Over,
                },
                () = tick => self.session.handle(Input::Tick, self.now_ms()),
            };
        };
        for output in self.session.handle(Input::Closed, self.now_ms()) {
            self.answer(output);
        }
        ended
    }

    fn take(&mut self, Order { target, text, is_notice, answer }: Order) -> Vec<Output> {
        self.tickets += 1;
        self.answers.insert(self.tickets, answer);
        self.session.handle(Input::Say(Say { ticket: self.tickets, target, text, is_notice }), self.now_ms())
    }

    async fn carry_out(&mut self, outputs: Vec<Output>, writer: &mut (impl AsyncWrite + Unpin)) -> Result<(), Ended> {
        for output in outputs {
            match output {
                Output::Line(line) => write(writer, line.as_bytes()).await?,
                Output::SecretLine(line) => write(writer, line.expose()).await?,
                Output::Close(closing) => return Err(closing.into()),
                Output::Event(event) => self.note(event).await,
                ended @ Output::Ended { .. } => self.answer(ended),
            }
        }
        Ok(())
    }

    fn answer(&mut self, output: Output) {
        if let Output::Ended { ticket, outcome } = output
            && let Some(answer) = self.answers.remove(&ticket)
        {
            // Whoever asked may be gone.
            let _ = answer.send(outcome);
        }
    }

    async fn note(&mut self, event: Event) {
        let gateway = &self.link.gateway;
        match &event {
            Event::Ready { nick } => {
                info!(%gateway, nick, "connected to IRC");
                self.link.standing.note_login(false);
            }
            Event::Outside { channel, reason } => warn!(%gateway, channel, reason, "not in a channel"),
            Event::Trouble(text) => self.trouble = Some(text.clone()),
            Event::Joined { .. } | Event::Heard(_) => {}
        }
        self.link.tell(News::Event(event)).await;
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

async fn write(writer: &mut (impl AsyncWrite + Unpin), line: &[u8]) -> Result<(), Ended> {
    let bytes = [line, b"\r\n"].concat();
    let writing = async {
        writer.write_all(&bytes).await?;
        writer.flush().await
    };
    match timeout(WRITE_TIMEOUT, writing).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Ended::Broken),
    }
}
