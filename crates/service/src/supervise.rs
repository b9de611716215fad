//! Actors that fail are built anew from a factory.
//!
//! actix's own `Supervisor` keeps the old state, so a broken invariant would survive the restart. Here the drop of [`Alive`], which
//! each actor owns, tells that it is gone, however it went; the factory then makes a fresh one after a pause. One that fails too
//! often ends the process, and the orchestrator takes over.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, time::Duration};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context};
use argentum_bus::{ConnectError, Serving};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep},
};
use tracing::{error, warn};

use crate::exit::{Exit, Failure};

/// Rebuilds within [`WINDOW`] before the process gives up.
const REBUILDS_MAX: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Held by a supervised actor for as long as it lives, with its subscriptions.
#[derive(Debug)]
pub struct Alive {
    _told_on_drop: oneshot::Sender<()>,
    subscriptions: Rc<RefCell<Vec<Serving>>>,
    /// Told once the first of its kind has subscribed.
    first: Rc<RefCell<Option<oneshot::Sender<()>>>>,
}

/// Waits until the first actor of a supervised kind has subscribed.
#[derive(Debug)]
#[must_use = "a service is ready only when its actors have subscribed"]
pub struct Subscribed(oneshot::Receiver<()>);

/// Builds the actors of one process, again and again. Lives on the System's thread, like all actors.
#[derive(Clone, Debug)]
pub struct Supervisor {
    /// Names the actor that could not be kept alive.
    gave_up: mpsc::Sender<&'static str>,
}

// === impl Supervisor ===

impl Supervisor {
    pub(crate) fn new(gave_up: mpsc::Sender<&'static str>) -> Self {
        Self { gave_up }
    }

    /// Runs an actor whose end, however it comes, ends the process: what it owns cannot be rebuilt beside its old self.
    pub fn supervise_once<A, F>(&self, name: &'static str, build: F) -> Subscribed
    where
        A: Actor<Context = Context<A>>,
        F: FnOnce(Alive) -> A + 'static,
    {
        let supervisor = self.clone();
        let (sender, subscribed) = oneshot::channel();
        let first = Rc::new(RefCell::new(Some(sender)));
        actix::spawn(async move {
            run_once(build, &first).await;
            error!(actor = name, "actor ended, and with it the process");
            let _ = supervisor.gave_up.try_send(name);
        });
        Subscribed(subscribed)
    }

    /// Keeps an actor alive, made by `build`. It takes its place by subscribing in `started`: nobody keeps its address.
    pub fn supervise<A, F>(&self, name: &'static str, mut build: F) -> Subscribed
    where
        A: Actor<Context = Context<A>>,
        F: FnMut(Alive) -> A + 'static,
    {
        let supervisor = self.clone();
        let (sender, subscribed) = oneshot::channel();
        let first = Rc::new(RefCell::new(Some(sender)));
        actix::spawn(async move {
            let mut failures = Failures::default();
            loop {
                run_once(&mut build, &first).await;
                let Some(pause) = failures.pause_after(Instant::now()) else { break };
                warn!(actor = name, ?pause, "actor ended; building it anew");
                sleep(pause).await;
            }
            error!(actor = name, "actor fails again and again; giving the process up");
            // Full means that another actor has already given the process up.
            let _ = supervisor.gave_up.try_send(name);
        });
        Subscribed(subscribed)
    }
}

// === impl Alive ===

impl Alive {
    /// Takes the actor's place on the bus, from `started`. The actor handles nothing until that is done; where it cannot be done,
    /// the actor ends and is built anew.
    pub fn subscribe<A>(&self, context: &mut Context<A>, subscriptions: impl Future<Output = Result<Vec<Serving>, ConnectError>> + 'static)
    where
        A: Actor<Context = Context<A>>,
    {
        let (kept, first) = (Rc::clone(&self.subscriptions), Rc::clone(&self.first));
        let taken = actix::fut::wrap_future::<_, A>(subscriptions).map(move |result, _actor, context| match result {
            Ok(subscriptions) => {
                *kept.borrow_mut() = subscriptions;
                if let Some(first) = first.borrow_mut().take() {
                    // Nobody waits where the service was not started through `Subscribed`.
                    let _ = first.send(());
                }
            }
            Err(error) => {
                error!(%error, "actor cannot subscribe");
                context.stop();
            }
        });
        context.wait(taken);
    }
}

// === impl Subscribed ===

impl Subscribed {
    /// Waits; an actor that is given up before that ends the process anyway.
    pub async fn wait(self) -> Result<(), Failure> {
        self.0.await.map_err(|_| Failure::new(Exit::Software, "an actor cannot be kept alive"))
    }
}

/// Builds one actor and waits until it is gone.
async fn run_once<A, F>(build: F, first: &Rc<RefCell<Option<oneshot::Sender<()>>>>)
where
    A: Actor<Context = Context<A>>,
    F: FnOnce(Alive) -> A,
{
    let (sender, gone) = oneshot::channel();
    let alive = Alive { _told_on_drop: sender, subscriptions: Rc::default(), first: Rc::clone(first) };
    #[expect(clippy::disallowed_methods, reason = "this is the place where actors are started")]
    let _address = build(alive).start();
    // Nothing is ever sent: the error is the drop of the sender.
    let _ = gone.await;
}

/// The recent failures of one actor.
#[derive(Debug, Default)]
struct Failures(VecDeque<Instant>);

impl Failures {
    /// How long to wait after a failure at `now`; `None` when it is one too many.
    fn pause_after(&mut self, now: Instant) -> Option<Duration> {
        while self.0.front().is_some_and(|first| now.duration_since(*first) > WINDOW) {
            self.0.pop_front();
        }
        if self.0.len() >= REBUILDS_MAX {
            return None;
        }
        let exponent = u32::try_from(self.0.len()).expect("at most REBUILDS_MAX");
        self.0.push_back(now);
        Some((PAUSE_MIN * 4_u32.pow(exponent)).min(PAUSE_MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, sync::Arc};

    use actix::{Handler, Message, System};

    use super::*;

    #[derive(Message)]
    #[rtype(result = "()")]
    struct Break;

    struct Fragile {
        _alive: Alive,
    }

    impl Actor for Fragile {
        type Context = Context<Self>;

        fn started(&mut self, context: &mut Context<Self>) {
            context.address().try_send(Break).unwrap();
        }
    }

    impl Handler<Break> for Fragile {
        type Result = ();

        fn handle(&mut self, _: Break, _: &mut Context<Self>) {
            panic!("as asked");
        }
    }

    #[test]
    fn an_actor_that_keeps_failing_is_rebuilt_and_then_given_up() {
        let runtime = Arc::new(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());
        System::with_tokio_rt(move || runtime).block_on(async {
            let (sender, mut gave_up) = mpsc::channel(1);
            let supervisor = Supervisor::new(sender);
            let built = Rc::new(Cell::new(0));
            let counted = Rc::clone(&built);
            let _subscribed = supervisor.supervise("fragile", move |alive| {
                counted.set(counted.get() + 1);
                Fragile { _alive: alive }
            });
            assert_eq!(gave_up.recv().await, Some("fragile"));
            assert_eq!(built.get(), REBUILDS_MAX + 1);
        });
    }

    #[test]
    fn failures_of_long_ago_are_forgiven() {
        let mut failures = Failures::default();
        let start = Instant::now();
        for _ in 0..REBUILDS_MAX {
            assert!(failures.pause_after(start).is_some());
        }
        assert_eq!(failures.pause_after(start), None);
        assert!(failures.pause_after(start + WINDOW + Duration::from_secs(1)).is_some());
    }
}
