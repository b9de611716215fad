//! Drives the core: journals what it decides, releases its effects behind the gate, calls vendors, answers the bus.

mod calls;
mod effects;
mod errands;
mod gate;
mod ledger;
mod memory;
mod replies;
mod requests;

use std::{
    collections::HashMap,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, SpawnHandle, StreamHandler, WrapFuture};
use argentum_bus::Bus;
use argentum_proto::channel::v1::{
    AcceptMessageResponse, GetConversationResponse, GetTurnSnapshotResponse, ListConversationsResponse, ReportDeliveryResponse,
    StopTurnResponse,
};
use argentum_proto::ids::CompletionId;
use argentum_service::{Alive, Process, health, unix_ms};
use futures::stream;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info};

use crate::{
    books::{Books, Progress},
    core::{Effect, Input, Now, Outputs, RequestId, VendorEvent},
    routing::Routing,
};

pub(crate) use calls::CallEvent;
use calls::Calls;
use gate::Gate;
pub(crate) use ledger::{Entry, Ledger};
use replies::Replies;

/// Requests of one kind handled at the same time: each waits for its sync.
const CONCURRENCY_MAX: usize = 512;
/// Messages in the mailbox: all kinds of requests at their limit, and what the streams bring.
const MAILBOX_CAPACITY: usize = 4 * CONCURRENCY_MAX;
/// How often it is looked at whether new messages can be taken.
const INTAKE_CHECK: Duration = Duration::from_secs(1);
/// What a drain leaves to the turns before they are parked; less than the orchestrator's patience.
const DRAIN: Duration = Duration::from_secs(18);

/// The turns of this router.
pub(crate) struct Turns {
    alive: Alive,
    bus: Bus,
    process: Rc<Process>,
    books: Books,
    gate: Gate<Effect>,
    calls: Calls,
    routing: Arc<Routing>,
    /// Taken when the actor starts.
    call_events: Option<mpsc::Receiver<CallEvent>>,
    /// Taken when the actor starts.
    entries: Option<mpsc::Receiver<Entry>>,
    waiting: Waiting,
    began: Instant,
    requests: u64,
    timer: Option<SpawnHandle>,
    /// Codes of the health registry; none while new messages are taken.
    intake_closed_for: Vec<&'static str>,
    is_looking_for_keys: bool,
    /// Told when nothing is under way any more.
    drained: Vec<oneshot::Sender<()>>,
}

/// Who waits for an answer.
struct Waiting {
    accept: Replies<AcceptMessageResponse>,
    stop: Replies<StopTurnResponse>,
    snapshot: Replies<GetTurnSnapshotResponse>,
    conversations: Replies<ListConversationsResponse>,
    conversation: Replies<GetConversationResponse>,
    delivery: Replies<ReportDeliveryResponse>,
    completions: HashMap<CompletionId, oneshot::Sender<bool>>,
}

/// Told when a drain begins; answered when nothing is under way any more.
#[derive(actix::Message)]
#[rtype(result = "()")]
struct Drain;

// === impl Turns ===

impl Turns {
    pub(crate) fn new(alive: Alive, bus: Bus, books: Books, routing: Arc<Routing>, process: Rc<Process>) -> Self {
        let (calls, call_events) = Calls::new(Arc::clone(&routing));
        let waiting = Waiting {
            accept: Replies::new(),
            stop: Replies::new(),
            snapshot: Replies::new(),
            conversations: Replies::new(),
            conversation: Replies::new(),
            delivery: Replies::new(),
            completions: HashMap::new(),
        };
        Self {
            alive,
            bus,
            process,
            books,
            gate: Gate::new(),
            calls,
            routing,
            call_events: Some(call_events),
            entries: None,
            waiting,
            began: Instant::now(),
            requests: 0,
            timer: None,
            intake_closed_for: Vec::new(),
            is_looking_for_keys: false,
            drained: Vec::new(),
        }
    }

    /// Also keeps the books of completions, as `entries` tell.
    pub(crate) fn keeping(mut self, entries: mpsc::Receiver<Entry>) -> Self {
        self.entries = Some(entries);
        self
    }

    fn now(&self) -> Now {
        Now { monotonic_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX), wall_ms: unix_ms() }
    }

    fn request_id(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }

    fn handle_input(&mut self, input: Input, context: &mut Context<Self>) {
        let outputs = self.books.core.handle(input, self.now());
        self.carry_out(outputs, context);
    }

    /// Journals the records, then lets the effects through the gate.
    fn carry_out(&mut self, Outputs { records, effects }: Outputs, context: &mut Context<Self>) {
        if !records.is_empty()
            && let Err(error) = self.books.append(&records)
        {
            return self.give_up(&error, context);
        }
        for effect in effects {
            let passed = if effect.is_lossy() { Some(effect) } else { self.gate.pass(effect, self.books.appended()) };
            if let Some(effect) = passed {
                self.release(effect, context);
            }
        }
        self.set_timer(context);
        self.tell_drained();
    }

    /// The journal goes no further, so neither do we: nothing more is answered, and the next life reads what is on disk.
    fn give_up(&mut self, error: &dyn std::error::Error, context: &mut Context<Self>) {
        error!(error = argentum_service::chain(error), "the journal cannot be written; the process ends");
        context.stop();
    }

    fn set_timer(&mut self, context: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            context.cancel_future(timer);
        }
        let Some(due_ms) = self.books.core.next_due_ms() else { return };
        let wait = Duration::from_millis(due_ms.saturating_sub(self.now().monotonic_ms));
        self.timer = Some(context.run_later(wait, |turns, context| {
            turns.timer = None;
            turns.handle_input(Input::Tick, context);
        }));
    }

    /// Takes new messages only while there is room on the disk for what they will need, and the keys are to be had that ask for them.
    fn check_intake(&mut self, context: &mut Context<Self>) {
        let mut reasons = Vec::new();
        if !self.books.has_room(self.process.data_dir()) {
            reasons.push(health::DISK_LOW);
        }
        if self.routing.lacks_keys() {
            reasons.push(health::VAULT_UNAVAILABLE);
            self.look_for_keys(context);
        }
        if reasons == self.intake_closed_for {
            return;
        }
        let (is_open, was_open) = (reasons.is_empty(), self.intake_closed_for.is_empty());
        self.process.health().report(reasons.iter().map(|&reason| reason.to_owned()).collect());
        self.intake_closed_for = reasons;
        if is_open != was_open {
            self.handle_input(Input::Intake { is_open }, context);
        }
    }

    /// Asks the vault again, one question at a time. What it gives is seen at the next check.
    fn look_for_keys(&mut self, context: &mut Context<Self>) {
        if std::mem::replace(&mut self.is_looking_for_keys, true) {
            return;
        }
        let routing = Arc::clone(&self.routing);
        let looked = async move { routing.look_for_keys().await };
        context.spawn(looked.into_actor(self).map(|(), turns, _| turns.is_looking_for_keys = false));
    }

    fn tell_drained(&mut self) {
        if self.books.core.is_idle() && self.gate.is_empty() {
            for drained in self.drained.drain(..) {
                let _ = drained.send(());
            }
        }
    }

    /// Lets a drain wait for what is under way.
    fn join_drain(&self, context: &mut Context<Self>) {
        let (turns, quiescing) = (context.address(), self.process.quiescing().clone());
        self.process.work().spawn(async move {
            quiescing.cancelled().await;
            // An actor that is gone has nothing under way.
            let _ = turns.send(Drain).await;
        });
    }
}

impl Actor for Turns {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.set_mailbox_capacity(MAILBOX_CAPACITY);
        context.add_stream(stream::unfold(self.books.progress(), |mut progress| async {
            // A watch never loses the newest value.
            progress.changed().await.ok()?;
            let newest = progress.borrow_and_update().clone();
            Some((newest, progress))
        }));
        if let Some(mut events) = self.call_events.take() {
            context.add_stream(stream::poll_fn(move |task| events.poll_recv(task)));
        }
        if let Some(mut entries) = self.entries.take() {
            context.add_stream(stream::poll_fn(move |task| entries.poll_recv(task)));
        }
        self.subscribe(context);
        self.check_intake(context);
        context.run_interval(INTAKE_CHECK, Self::check_intake);
        let outputs = self.books.core.started(self.now());
        self.carry_out(outputs, context);
        self.join_drain(context);
    }
}

impl StreamHandler<Progress> for Turns {
    fn handle(&mut self, progress: Progress, context: &mut Context<Self>) {
        match progress {
            Progress::Synced(number) => {
                for effect in self.gate.open_until(number) {
                    self.release(effect, context);
                }
                self.tell_drained();
            }
            Progress::Failed(error) => self.give_up(&error, context),
        }
    }
}

impl StreamHandler<CallEvent> for Turns {
    fn handle(&mut self, CallEvent { turn, attempt, event }: CallEvent, context: &mut Context<Self>) {
        if matches!(event, VendorEvent::Completed(_) | VendorEvent::Failed(_)) {
            self.calls.ended(turn);
        }
        self.handle_input(Input::Vendor { turn, attempt, event }, context);
    }
}

impl Handler<Drain> for Turns {
    type Result = actix::ResponseFuture<()>;

    fn handle(&mut self, _: Drain, context: &mut Context<Self>) -> Self::Result {
        info!("draining");
        let (sender, drained) = oneshot::channel();
        self.drained.push(sender);
        self.handle_input(Input::Drain, context);
        context.run_later(DRAIN, |turns, context| turns.handle_input(Input::Park, context));
        Box::pin(async move {
            // An error means that the actor is gone, and with it all that was under way.
            let _ = drained.await;
        })
    }
}
