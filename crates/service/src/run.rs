//! The life of a service's process.

use std::{cell::RefCell, path::PathBuf, process::ExitCode, rc::Rc, sync::Arc};

use actix::System;
use argentum_bus::{Bus, Credential, Login};
use argentum_proto::control::v1::{Failed, FromChild, Ready, from_child};
use prost::Message;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use tokio::{runtime::Runtime, sync::mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{error, info};

use crate::{
    config::{self, Section},
    exit::{Exit, Failure},
    handover::{self, Handover},
    life::Life,
    logging,
    process::Process,
    public_url::{PublicUrl, PublicUrlError},
    supervise::Supervisor,
    telemetry::{Metrics, Telemetry},
};

/// Threads that copy bytes. Actors share the main thread; disk and index have threads of their own.
const WORKER_THREADS: usize = 2;

/// Messages to the orchestrator that may wait.
const OUTGOING_CAPACITY: usize = 16;

/// The runtime of every process: actors on the main thread, I/O on worker threads.
pub fn runtime() -> std::io::Result<Arc<Runtime>> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .max_blocking_threads(8)
        .thread_name("argentum-io")
        .enable_all()
        .build()
        .map(Arc::new)
}

/// Runs the service `name` as a child of the orchestrator, from its identity to its exit code.
///
/// `start` subscribes and starts the actors; when it returns, the service is ready.
pub fn run<C, F>(name: &'static str, start: F) -> ExitCode
where
    C: Section,
    F: AsyncFnOnce(C, Bus, Rc<Process>) -> Result<(), Failure>,
{
    die_with_parent();
    let handover = match handover::receive() {
        Ok(handover) if handover.identity.service == name => handover,
        Ok(_) => return refuse("this identity belongs to another service"),
        Err(error) => return refuse(&crate::exit::chain(&error)),
    };
    let farewell = handover.socket.try_clone();
    let ended = tell_and_live(name, handover, start);
    let exit = match ended {
        Ok(()) => Exit::Success,
        Err(failure) => {
            if let Ok(socket) = farewell {
                say_farewell(socket, &failure);
            }
            failure.exit
        }
    };
    logging::flush();
    exit.into()
}

/// A belt beside the end of file on standard input: the kernel ends us with the thread that started us.
fn die_with_parent() {
    let parent = getppid();
    let armed = set_parent_process_death_signal(Some(Signal::KILL));
    if armed.is_ok() && getppid() != parent {
        std::process::exit(Exit::TryAgain.code().into());
    }
}

fn refuse(text: &str) -> ExitCode {
    logging::line(&format!("argentum: {text}"));
    logging::flush();
    Exit::Usage.into()
}

/// Lives, and tells of it from the first line to the last.
fn tell_and_live<C, F>(name: &'static str, handover: Handover, start: F) -> Result<(), Failure>
where
    C: Section,
    F: AsyncFnOnce(C, Bus, Rc<Process>) -> Result<(), Failure>,
{
    let runtime = runtime().map_err(|error| Failure::of(Exit::Io, &error))?;
    let config = config::parse(&handover.identity.telemetry_toml).map_err(|faults| Failure::new(Exit::Config, config::list(&faults)))?;
    let telemetry = Telemetry::start(name, &config, &handover.identity.log_filter, runtime.handle());
    let telemetry = telemetry.map_err(|error| Failure::of(Exit::Config, &error))?;
    // Held until the last thread has ended.
    let lock = handover.lock.try_clone().map_err(|error| Failure::of(Exit::Io, &error))?;
    let ended = live(name, handover, start, &runtime, telemetry.metrics());
    if let Err(failure) = &ended {
        error!(text = failure.text, "service ends");
    }
    telemetry.end();
    runtime_end(runtime);
    drop(lock);
    ended
}

fn live<C, F>(name: &'static str, handover: Handover, start: F, runtime: &Arc<Runtime>, metrics: Metrics) -> Result<(), Failure>
where
    C: Section,
    F: AsyncFnOnce(C, Bus, Rc<Process>) -> Result<(), Failure>,
{
    let Handover { identity, http_listener, socket, .. } = handover;
    let config = config::parse::<C>(&identity.config_toml).map_err(|faults| Failure::new(Exit::Config, config::list(&faults)))?;
    System::with_tokio_rt({
        let runtime = Arc::clone(runtime);
        move || runtime
    })
    .block_on(async move {
        let credential: Credential = name.parse().map_err(|error| Failure::of(Exit::Software, &error))?;
        let (to_orchestrator, outgoing) = mpsc::channel(OUTGOING_CAPACITY);
        let (gave_up_sender, gave_up) = mpsc::channel(1);
        let process = Rc::new(Process {
            data_dir: PathBuf::from(&identity.data_dir),
            operator_key: identity.operator_key,
            public_url: public_url(&identity.public_url)?,
            login: Login { address: identity.bus_address, credential, seed: identity.nkey_seed },
            http_listener: RefCell::new(http_listener),
            supervisor: Supervisor::new(gave_up_sender),
            quiescing: CancellationToken::new(),
            work: TaskTracker::new(),
            to_orchestrator: to_orchestrator.clone(),
        });
        let life = Life { quiescing: process.quiescing.clone(), work: process.work.clone(), outgoing, gave_up, metrics };
        // First of all: the end of the orchestrator must reach us from now on.
        let life = tokio::spawn(life.run(socket));
        let bus = process.connect().await?;
        start(config, bus.clone(), Rc::clone(&process)).await?;
        bus.barrier().await.map_err(|fault| Failure::of(Exit::Unavailable, &fault))?;
        // The receiver lives as long as the process.
        let _ = to_orchestrator.send(FromChild { message: Some(from_child::Message::Ready(Ready {})) }).await;
        info!(restarts = identity.restarts, "ready");
        let ended = life.await.unwrap_or_else(|error| Err(Failure::of(Exit::Software, &error)));
        bus.close().await;
        ended
    })
}

/// The orchestrator has checked it before it handed it over; empty = none.
fn public_url(text: &str) -> Result<Option<PublicUrl>, Failure> {
    let url = (!text.is_empty()).then(|| text.parse()).transpose();
    url.map_err(|error: PublicUrlError| Failure::of(Exit::Software, &error))
}

/// Ends the runtime without waiting for work that is stuck.
fn runtime_end(runtime: Arc<Runtime>) {
    if let Some(runtime) = Arc::into_inner(runtime) {
        runtime.shutdown_background();
    }
}

/// Tells the orchestrator why, so that `up` can say it in one line. Best effort: the log has it too.
fn say_farewell(socket: std::os::unix::net::UnixStream, failure: &Failure) {
    use std::io::Write;
    let failed = Failed { exit_code: failure.exit.code().into(), text: failure.text.clone() };
    let message = FromChild { message: Some(from_child::Message::Failed(failed)) }.encode_length_delimited_to_vec();
    let mut socket = socket;
    let _ = socket.set_nonblocking(false).and_then(|()| socket.write_all(&message));
}
