//! The reading task: bytes in, operations to the session, liveness in between.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Sleep, sleep_until, timeout};
use tracing::trace;

use crate::client::{Client, Ending};
use crate::liveness::Due;
use crate::session::Session;
use crate::users::{Account, Identity};
use crate::wire::{Fault, Operation, Parser, Step};

/// The read buffer's size follows the traffic between these.
const READ_BYTES_MIN: usize = 4 * 1024;
const READ_BYTES_MAX: usize = 64 * 1024;

/// A producer waits this long for a receiver that has too much pending, and at most the total for one portion of input.
const STALL: Duration = Duration::from_millis(2);
const STALL_TOTAL: Duration = Duration::from_millis(10);

/// Reads one connection.
pub(crate) struct Reader<'i, I> {
    input: &'i mut I,
    session: Session,
    parser: Parser,
    buffer: BytesMut,
    /// How much one read takes; an unfinished message takes what it misses.
    read_bytes: usize,
    missing_bytes: usize,
    stalled: Duration,
}

// === impl Reader ===

impl<'i, I: AsyncRead + Unpin> Reader<'i, I> {
    pub(crate) fn new(input: &'i mut I, session: Session) -> Self {
        Self {
            input,
            session,
            parser: Parser::default(),
            buffer: BytesMut::new(),
            read_bytes: READ_BYTES_MIN,
            missing_bytes: 0,
            stalled: Duration::ZERO,
        }
    }

    /// Reads until the connection ends.
    pub(crate) async fn run(mut self) -> Ending {
        let client = self.session.client.clone();
        let mut closing = pin!(client.closing());
        let mut timer = pin!(sleep_until(self.session.liveness.deadline().into()));
        loop {
            let read = tokio::select! {
                biased;
                () = &mut closing => return client.ending().unwrap_or(Ending::ClientClosed),
                read = self.read() => read,
                () = &mut timer => {
                    if let Some(ending) = self.tick() {
                        return ending;
                    }
                    self.rearm(timer.as_mut());
                    continue;
                }
            };
            if !matches!(read, Ok(count) if 0 < count) {
                return Ending::ClientClosed;
            }
            let processed = self.process().await;
            self.session.flush();
            if let Err(ending) = processed {
                return ending;
            }
            self.rearm(timer.as_mut());
        }
    }

    /// Moves the timer only where it must fire earlier: one that fires too early finds nothing due and is set again.
    fn rearm(&self, timer: Pin<&mut Sleep>) {
        let deadline = self.session.liveness.deadline().into();
        if deadline < timer.deadline() || timer.is_elapsed() {
            timer.reset(deadline);
        }
    }

    /// Reads what there is. While nothing comes, no buffer is held.
    async fn read(&mut self) -> io::Result<usize> {
        let wanted = self.read_bytes.max(self.missing_bytes);
        let count = poll_fn(|context| {
            self.buffer.reserve(wanted);
            // The buffer may be larger than wanted: one portion must not keep the thread from others.
            let poll = poll_read(self.input, &mut (&mut self.buffer).limit(wanted), context);
            if poll.is_pending() && self.buffer.is_empty() {
                self.buffer = BytesMut::new();
            }
            poll
        })
        .await?;
        if wanted <= count {
            self.read_bytes = (self.read_bytes * 2).min(READ_BYTES_MAX);
        } else if count < wanted / 4 {
            self.read_bytes = (self.read_bytes / 2).max(READ_BYTES_MIN);
        }
        Ok(count)
    }

    /// Carries out every complete operation in the buffer.
    async fn process(&mut self) -> Result<(), Ending> {
        self.stalled = Duration::ZERO;
        self.missing_bytes = 0;
        let mut at = 0;
        // The operations borrow the buffer while the session changes.
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = loop {
            let step = match self.parser.step(&buffer[at..], &self.session.rules()) {
                Ok(step) => step,
                Err(fault) => break Err(self.fault(fault)),
            };
            match step {
                Step::Incomplete { bytes_wanted } => {
                    buffer.advance(at);
                    self.missing_bytes = bytes_wanted.saturating_sub(buffer.len());
                    break Ok(());
                }
                Step::Operation { operation, consumed } => {
                    if let Err(ending) = self.obey(operation).await {
                        break Err(ending);
                    }
                    at += consumed;
                }
            }
        };
        self.buffer = buffer;
        result
    }

    async fn obey(&mut self, operation: Operation<'_>) -> Result<(), Ending> {
        trace!(cid = self.session.client.id, "<<- [{}]", operation);
        match operation {
            Operation::Connect(json) => self.connect(json).await?,
            other => self.session.handle(other),
        }
        if let Some(client) = self.session.take_crowded() {
            self.stall(&client).await;
        }
        self.session.client.ending().map_or(Ok(()), Err)
    }

    /// Waits a moment for a receiver that does not keep up.
    async fn stall(&mut self, crowded: &Client) {
        let left = STALL_TOTAL.saturating_sub(self.stalled);
        if left.is_zero() {
            return;
        }
        self.session.flush();
        let start = Instant::now();
        let _ = timeout(STALL.min(left), crowded.outbox.relief()).await;
        self.stalled += start.elapsed();
    }

    async fn connect(&mut self, json: &[u8]) -> Result<(), Ending> {
        if self.session.options.apply(json).is_err() {
            return Err(Ending::Fault(None));
        }
        // Comparing a hash takes its time, and others wait for what was sent before.
        self.session.flush();
        let account = self.authenticate().await.ok_or(Ending::AuthenticationFailed);
        let account = account.inspect_err(|_| self.session.note_authentication_failure())?;
        self.session.connect(account);
        Ok(())
    }

    async fn authenticate(&mut self) -> Option<Arc<Account>> {
        let session = &mut self.session;
        if !session.options.account.is_empty() {
            return None;
        }
        let router = session.router.clone();
        if !router.options.auth_required {
            return Some(router.open_account.clone());
        }
        session.leave_account();
        let account = match router.users.identify(&session.options, &session.nonce, router.options.anonymous_user.as_deref()) {
            Identity::Known(account) => account,
            Identity::Hashed(candidates) => {
                let offer = std::mem::take(&mut session.options);
                let (offer, account) = router.compare_hashes(offer, candidates).await?;
                session.options = offer;
                account?
            }
            Identity::Unknown => return None,
        };
        router.users.admit(&account, &session.client).then_some(account)
    }

    fn fault(&self, fault: Fault) -> Ending {
        if fault == Fault::ConnectExpected {
            self.session.note_authentication_failure();
        }
        Ending::Fault(fault.text())
    }

    fn tick(&mut self) -> Option<Ending> {
        match self.session.liveness.due(Instant::now()) {
            Due::Nothing => self.session.shrink(),
            Due::Ping => {
                self.session.shrink();
                self.session.client.send("PING\r\n");
            }
            Due::Stale => return Some(Ending::Stale),
            Due::AuthenticationTimeout => {
                self.session.note_authentication_failure();
                return Some(Ending::AuthenticationTimeout);
            }
        }
        None
    }
}

fn poll_read(input: &mut (impl AsyncRead + Unpin), buffer: &mut impl BufMut, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
    pin!(input.read_buf(buffer)).poll(context)
}
