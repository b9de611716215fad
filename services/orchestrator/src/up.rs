//! One run of a bundle, from the lock to the last exit.

use std::{
    fs,
    future::poll_fn,
    io,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, AsyncContext, Context, System};
use argentum_bus::{Bus, Credential, Login};
use argentum_bus_server::{Options as ServerOptions, Server};
use argentum_proto::control::v1::{
    BundleState, GetStatusRequest, GetStatusResponse, ReadMetricsRequest, operator_request::Request, operator_response::Response,
};
use argentum_service::{
    Exit, Failure, logging,
    right::OperatorKey,
    runtime,
    telemetry::{Metrics, Telemetry},
};
use futures::stream;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};
use tracing::{error, info, warn};

use crate::{
    actors::bundle::{Bundle, Surroundings},
    config::Config,
    control,
    control_client::ControlClient,
    data_dir::{DataDir, DataDirError},
    identities::Identities,
    lifecycle::{Input, Lifecycle},
    log_ring::LogRing,
    notify::Notifier,
    plan::{Plan, Plans},
    spawner::Spawner,
};

/// The services of a bundle, in the order in which they end.
pub const SERVICES: [Credential; 4] = [Credential::ChannelGateway, Credential::ProviderRouter, Credential::Memory, Credential::Vault];

/// Largest message on the bus.
const PAYLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long a start waits for a bundle that is ending, or for children that it left.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// Things that happened and wait to be looked at.
const INPUTS_CAPACITY: usize = 64;
/// Status requests answered at the same time.
const STATUS_CONCURRENCY_MAX: usize = 16;

/// Reads the configuration: at the start, and again when an operator says that it has changed.
pub type ReadPlan = Box<dyn Fn() -> Result<Plan, Failure> + Send + Sync>;

/// Called with the state of the bundle.
pub type OnReady = Box<dyn FnOnce(&GetStatusResponse)>;

/// How to run a bundle.
pub struct UpOptions {
    pub data_dir: PathBuf,
    pub read_plan: ReadPlan,
    /// Called once, when everything serves for the first time.
    pub on_ready: OnReady,
}

/// Runs a bundle until it is told to end, by a signal or by `argentum stop`. Blocks.
pub fn up(options: UpOptions) -> Result<(), Failure> {
    let plan = (options.read_plan)()?;
    let runtime = runtime().map_err(|error| Failure::of(Exit::Io, &error))?;
    let telemetry = Telemetry::start(Credential::Orchestrator.token(), &plan.config.telemetry, &plan.config.log.filter, runtime.handle());
    let telemetry = telemetry.map_err(|error| Failure::of(Exit::Config, &error))?;
    let shared = Arc::clone(&runtime);
    let result = System::with_tokio_rt(move || shared).block_on(run(options, plan, telemetry.metrics()));
    telemetry.end();
    logging::flush();
    if let Some(runtime) = Arc::into_inner(runtime) {
        runtime.shutdown_background();
    }
    result
}

async fn run(options: UpOptions, plan: Plan, metrics: Metrics) -> Result<(), Failure> {
    let UpOptions { data_dir, read_plan, on_ready } = options;
    let data_dir = claim(&data_dir).await?;
    let folder = data_dir.path().to_owned();
    let http_listener = listen(&plan.config)?;
    let server = start_server(&plan.config).await?;
    let software = |error: &dyn std::error::Error| Failure::of(Exit::Software, error);
    let identities = Identities::new(server.users().clone(), plan.accounts.clone());
    let seed = identities.issue(Credential::Orchestrator).await.map_err(|error| software(&error))?;
    let bus_address = server.local_addr().to_string();
    let login = Login { address: bus_address.clone(), credential: Credential::Orchestrator, seed };
    let bus = Bus::connect(&login).await.map_err(|error| Failure::of(Exit::Unavailable, &error))?;
    let http_address = http_listener.local_addr().map_err(|error| software(&error))?.to_string();
    let public_url = plan.config.http.public_url().map_err(|error| Failure::of(Exit::Config, &error))?.map(|url| url.to_string());
    let control = control::listen(&folder).map_err(|error| Failure::of(Exit::CannotCreate, &error))?;
    let log = LogRing::new();
    let surroundings = Surroundings {
        data_dir,
        identities,
        spawner: Spawner::start().map_err(|error| software(&error))?,
        http_listener,
        bus_address,
        http_address,
        public_url,
        operator_key: OperatorKey::new(),
        log: log.clone(),
        notifier: Notifier::from_environment(),
        metrics,
        plans: Plans::new(plan, read_plan),
    };
    let outcome = watch(surroundings, bus.clone(), control, log, on_ready).await;
    bus.close().await;
    server.stop().await;
    // We still hold the lock: nobody else can have made this socket.
    let _ = fs::remove_file(folder.join(control::SOCKET));
    outcome
}

/// Takes the data directory. A bundle that runs on it is named; one that is ending is waited for.
async fn claim(path: &Path) -> Result<DataDir, Failure> {
    match DataDir::open(path, Duration::ZERO) {
        Err(DataDirError::Locked { .. }) => {}
        opened => return Ok(opened?),
    }
    info!("the data directory is in use; waiting for its bundle to end or to say that it stays");
    let end = Instant::now() + LOCK_PATIENCE;
    loop {
        if let Some(status) = running(path).await
            && status.state() != BundleState::Draining
        {
            let text = format!("a bundle already runs on `{}` as process {}; end it with `argentum stop`", path.display(), status.pid);
            return Err(Failure::new(Exit::TryAgain, text));
        }
        tokio::time::sleep(LOCK_PAUSE).await;
        match DataDir::open(path, Duration::ZERO) {
            Err(DataDirError::Locked { .. }) if Instant::now() < end => {}
            opened => return Ok(opened?),
        }
    }
}

async fn running(path: &Path) -> Option<GetStatusResponse> {
    let mut client = ControlClient::connect(path).await.ok()?;
    match tokio::time::timeout(Duration::from_secs(2), client.ask(Request::GetStatus(GetStatusRequest {}))).await {
        Ok(Ok(Response::GetStatus(status))) => Some(status),
        _ => None,
    }
}

fn listen(config: &Config) -> Result<TcpListener, Failure> {
    let address = config.http.listen;
    if let Ok(Some(url)) = config.http.public_url()
        && !url.is_https()
        && !address.ip().is_loopback()
    {
        warn!(%url, "page and API are reached without TLS: what logs in travels in the clear");
    }
    TcpListener::bind(address).map_err(|error| taken("http.listen", address, &error))
}

async fn start_server(config: &Config) -> Result<Server, Failure> {
    let address = config.bus.listen;
    let options = ServerOptions {
        address,
        server_name: "argentum".to_owned(),
        auth_required: true,
        payload_bytes_max: PAYLOAD_BYTES_MAX,
        ..ServerOptions::default()
    };
    Server::start(options).await.map_err(|error| taken("bus.listen", address, &error))
}

fn taken(key: &str, address: std::net::SocketAddr, error: &dyn std::error::Error) -> Failure {
    let cause = argentum_service::chain(error);
    Failure::new(Exit::Unavailable, format!("cannot listen on {address}: {cause}; free it or set another address as `{key}`"))
}

/// Starts the bundle and waits for its end.
async fn watch(
    surroundings: Surroundings,
    bus: Bus,
    control: tokio::net::UnixListener,
    log: LogRing,
    on_ready: OnReady,
) -> Result<(), Failure> {
    let (inputs, mut received) = mpsc::channel(INPUTS_CAPACITY);
    let (bundle, end) = Bundle::new(Lifecycle::new(&SERVICES), surroundings, inputs.clone(), bus.clone(), on_ready);
    // Not supervised: when this actor fails, so does the process, and with it every child, by the end of file.
    let bundle = Bundle::create(|context: &mut Context<Bundle>| {
        context.add_stream(stream::poll_fn(move |task| received.poll_recv(task)));
        bundle
    });
    let unavailable = |error| Failure::of(Exit::Unavailable, &error);
    let _states = bus.serve::<GetStatusRequest>(bundle.clone().recipient(), STATUS_CONCURRENCY_MAX).await.map_err(unavailable)?;
    let _metrics = bus.serve::<ReadMetricsRequest>(bundle.clone().recipient(), STATUS_CONCURRENCY_MAX).await.map_err(unavailable)?;
    bus.barrier().await.map_err(|fault| Failure::of(Exit::Unavailable, &fault))?;
    tokio::spawn(control::serve(control, bundle.recipient(), log));
    forward_signals(&inputs).map_err(|error| Failure::of(Exit::Io, &error))?;
    // The bundle holds the receiver.
    let _ = inputs.send(Input::Begin).await;
    end.await.unwrap_or_else(|_| {
        error!("the bundle's actor failed");
        Err(Failure::new(Exit::Software, "a defect in the orchestrator; the log says more"))
    })
}

/// Ctrl-C, `kill` and the end of the terminal end the bundle orderly; a second one at once.
fn forward_signals(inputs: &mpsc::Sender<Input>) -> io::Result<()> {
    let ignored = ignored_signals();
    let is_heard = |kind: &SignalKind| ignored >> (kind.as_raw_value() - 1) & 1 == 0;
    // `nohup` and a shell's background jobs have a signal ignored: that is their wish.
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].into_iter().filter(is_heard) {
        let mut signals = signal(kind)?;
        let inputs = inputs.clone();
        tokio::spawn(async move {
            while poll_fn(|task| signals.poll_recv(task)).await.is_some() {
                if inputs.send(Input::Stop).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(())
}

/// The signals that were ignored when we were started, as bits from signal 1 on (proc_pid_status(5), `SigIgn`).
fn ignored_signals() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
    mask.and_then(|mask| u64::from_str_radix(mask, 16).ok()).unwrap_or(0)
}
