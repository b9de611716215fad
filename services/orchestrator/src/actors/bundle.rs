//! Carries out what the lifecycle decides, and tells the state of the bundle to whoever asks.

use std::{
    collections::HashMap,
    net::TcpListener,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, ResponseFuture, SpawnHandle, StreamHandler, WrapFuture};
use argentum_bus::{Bus, Call, Credential, ErrorCode, Everyone, Fault};
use argentum_proto::control::v1::{
    BundleState, BundleStatusChanged, GetStatusRequest, GetStatusResponse, Identity, Quiesce, ReadMetricsRequest, ReadMetricsResponse,
    ReloadConfigResponse, RestartServiceResponse, Stop, StopBundleResponse, operator_request::Request, operator_response::Response,
    to_child,
};
use argentum_service::{Failure, chain, right::OperatorKey, telemetry::Metrics};
use futures::future::join_all;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tracing::{error, info, warn};

use super::operator;
use crate::{
    child_process::ChildProcess,
    control::Ask,
    data_dir::DataDir,
    exposition,
    identities::Identities,
    lifecycle::{Effect, Input, Lifecycle},
    log_ring::LogRing,
    metrics,
    notify::Notifier,
    plan::Plans,
    spawner::{Order, Spawner},
    up::OnReady,
};

/// How long a child may take to tell its metrics.
const METRICS_DEADLINE: Duration = Duration::from_secs(1);

/// What the children are started with.
pub(crate) struct Surroundings {
    pub(crate) data_dir: DataDir,
    pub(crate) identities: Identities,
    pub(crate) spawner: Spawner,
    pub(crate) http_listener: TcpListener,
    pub(crate) bus_address: String,
    /// `address:port` of the listener.
    pub(crate) http_address: String,
    /// Where browsers reach it from beyond this machine.
    pub(crate) public_url: Option<String>,
    /// Signs the rights of whoever may use the control socket.
    pub(crate) operator_key: OperatorKey,
    pub(crate) log: LogRing,
    pub(crate) notifier: Notifier,
    /// The orchestrator's own.
    pub(crate) metrics: Metrics,
    /// What the configuration asks for.
    pub(crate) plans: Plans,
}

/// The running bundle.
pub(crate) struct Bundle {
    lifecycle: Lifecycle,
    surroundings: Arc<Surroundings>,
    processes: HashMap<Credential, ChildProcess>,
    /// Said while a process was being made; told once it is there.
    unsaid: HashMap<Credential, Vec<Effect>>,
    /// Where the children's tasks tell what happened.
    inputs: mpsc::Sender<Input>,
    bus: Bus,
    began: Instant,
    timer: Option<SpawnHandle>,
    /// Told once, when everything has ended.
    ended: Option<oneshot::Sender<Result<(), Failure>>>,
    /// Called once, when everything serves for the first time.
    on_ready: Option<OnReady>,
}

// === impl Bundle ===

impl Bundle {
    pub(crate) fn new(
        lifecycle: Lifecycle,
        surroundings: Surroundings,
        inputs: mpsc::Sender<Input>,
        bus: Bus,
        on_ready: OnReady,
    ) -> (Self, oneshot::Receiver<Result<(), Failure>>) {
        let (ended, end) = oneshot::channel();
        let bundle = Self {
            lifecycle,
            surroundings: Arc::new(surroundings),
            processes: HashMap::new(),
            unsaid: HashMap::new(),
            inputs,
            bus,
            began: Instant::now(),
            timer: None,
            ended: Some(ended),
            on_ready: Some(on_ready),
        };
        (bundle, end)
    }

    fn tell(&mut self, input: Input, context: &mut Context<Self>) {
        self.note(&input);
        let now_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut entropy = [0; 8];
        // Without randomness restarts are merely not spread.
        let _ = getrandom::fill(&mut entropy);
        let effects = self.lifecycle.handle(input, now_ms, u64::from_ne_bytes(entropy));
        let wake_ms = effects.iter().filter_map(|effect| if let Effect::WakeAt(ms) = effect { Some(*ms) } else { None }).min();
        // Each answer names all that is still due, so the earliest replaces the timer that was set.
        if let Some(timer) = self.timer.take() {
            context.cancel_future(timer);
        }
        self.timer = wake_ms.map(|ms| {
            context.run_later(Duration::from_millis(ms.saturating_sub(now_ms)), |bundle, context| {
                bundle.timer = None;
                bundle.tell(Input::Tick, context);
            })
        });
        for effect in effects {
            self.carry_out(effect, context);
        }
    }

    fn note(&mut self, input: &Input) {
        match input {
            Input::Ready { service } => info!(%service, "ready"),
            Input::Exited { service, text, .. } => {
                match self.lifecycle.state() {
                    BundleState::Draining => info!(%service, text, "ended"),
                    _ => warn!(%service, text, "ended"),
                }
                // Fences a process that we only believe to be gone: whatever still holds this identity is cut off.
                tokio::spawn(self.surroundings.identities.revoke(*service));
                self.processes.remove(service);
            }
            Input::SpawnFailed { service, text } => error!(%service, text, "cannot be started"),
            Input::Failed { service, failure } => error!(%service, text = failure.text, "gives up"),
            _ => {}
        }
    }

    fn carry_out(&mut self, effect: Effect, context: &mut Context<Self>) {
        match effect {
            Effect::Spawn { service, restarts } => self.spawn(service, restarts, context),
            Effect::Quiesce { service, .. } | Effect::Stop { service } | Effect::Kill { service } => self.say(service, effect),
            Effect::WakeAt(_) => {}
            Effect::Tell => self.publish(),
            Effect::End(outcome) => {
                if let Some(ended) = self.ended.take() {
                    // The receiver waits for nothing else.
                    let _ = ended.send(outcome);
                }
            }
        }
    }

    /// Tells a process something, now or as soon as it exists.
    fn say(&mut self, service: Credential, effect: Effect) {
        match (self.processes.get(&service), effect) {
            (None, effect) => self.unsaid.entry(service).or_default().push(effect),
            (Some(process), Effect::Quiesce { deadline_ms, .. }) => process.send(to_child::Message::Quiesce(Quiesce { deadline_ms })),
            (Some(process), Effect::Stop { .. }) => process.send(to_child::Message::Stop(Stop {})),
            (Some(process), _) => process.kill(),
        }
    }

    fn spawn(&mut self, service: Credential, restarts: u32, context: &mut Context<Self>) {
        let surroundings = Arc::clone(&self.surroundings);
        let started = async move {
            let order = surroundings.order(service, restarts).await.map_err(|error| chain(error.as_ref()))?;
            surroundings.spawner.spawn(order).await.map_err(|error| chain(&error))
        };
        let adopted = started.into_actor(self).map(move |spawned, bundle, context| {
            let adopt = |spawned| {
                ChildProcess::adopt(service, spawned, bundle.inputs.clone(), bundle.surroundings.log.clone()).map_err(|error| chain(&error))
            };
            match spawned.and_then(adopt) {
                Ok(process) => {
                    let pid = process.pid;
                    bundle.processes.insert(service, process);
                    bundle.tell(Input::Spawned { service, pid }, context);
                    for effect in bundle.unsaid.remove(&service).unwrap_or_default() {
                        bundle.say(service, effect);
                    }
                }
                Err(text) => {
                    bundle.unsaid.remove(&service);
                    bundle.tell(Input::SpawnFailed { service, text }, context);
                }
            }
        });
        context.spawn(adopted);
    }

    fn status(&self) -> GetStatusResponse {
        GetStatusResponse {
            state: self.lifecycle.state().into(),
            services: self.lifecycle.statuses(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            http_url: self.surroundings.http_url(),
            bus_address: self.surroundings.bus_address.clone(),
            http_address: self.surroundings.http_address.clone(),
        }
    }

    /// Tells everybody who watches. What is lost is told again with the next change.
    fn publish(&mut self) {
        let status = self.status();
        self.surroundings.notifier.tell(&status);
        if status.state() == BundleState::Ready {
            if let Err(error) = self.surroundings.data_dir.note_folders() {
                warn!(%error, "it is not noted which folders hold data");
            }
            if let Some(on_ready) = self.on_ready.take() {
                on_ready(&status);
            }
        }
        metrics::note(&status);
        let event = BundleStatusChanged { status: Some(status) };
        let bus = self.bus.clone();
        tokio::spawn(async move {
            if let Err(fault) = bus.publish(&Everyone, &event).await {
                warn!(%fault, "state not published");
            }
        });
    }
}

impl Actor for Bundle {
    type Context = Context<Self>;
}

impl StreamHandler<Input> for Bundle {
    fn handle(&mut self, input: Input, context: &mut Context<Self>) {
        self.tell(input, context);
    }
}

impl Handler<Call<GetStatusRequest>> for Bundle {
    type Result = Result<GetStatusResponse, Fault>;

    fn handle(&mut self, _: Call<GetStatusRequest>, _: &mut Context<Self>) -> Self::Result {
        Ok(self.status())
    }
}

impl Handler<Call<ReadMetricsRequest>> for Bundle {
    type Result = ResponseFuture<Result<ReadMetricsResponse, Fault>>;

    /// A process that does not answer in time is left out.
    fn handle(&mut self, _: Call<ReadMetricsRequest>, _: &mut Context<Self>) -> Self::Result {
        let asked = self.processes.values().map(|process| timeout(METRICS_DEADLINE, process.read_metrics()));
        let (asked, own) = (join_all(asked), self.surroundings.metrics.text());
        Box::pin(async move {
            let told: Vec<String> = asked.await.into_iter().filter_map(|answer| answer.ok()?.ok()).collect();
            Ok(ReadMetricsResponse { text: exposition::merge(told.iter().chain([&own]).map(String::as_str)) })
        })
    }
}

impl Handler<Ask> for Bundle {
    type Result = ResponseFuture<Result<Response, Fault>>;

    fn handle(&mut self, Ask(request): Ask, context: &mut Context<Self>) -> Self::Result {
        match request {
            request if operator::is_forwarded(&request) => {
                Box::pin(operator::forward(request, Arc::clone(&self.surroundings), self.bus.clone()))
            }
            request => Box::pin(std::future::ready(self.answer(request, context))),
        }
    }
}

impl Bundle {
    /// Answers what the bundle itself knows or does.
    fn answer(&mut self, request: Request, context: &mut Context<Self>) -> Result<Response, Fault> {
        match request {
            Request::GetStatus(_) => Ok(Response::GetStatus(self.status())),
            Request::StopBundle(_) => {
                self.tell(Input::Stop, context);
                Ok(Response::StopBundle(StopBundleResponse { pid: std::process::id() }))
            }
            Request::RestartService(request) => {
                let service = self.service(&request.service)?;
                self.check_stays()?;
                self.tell(Input::Restart { service }, context);
                Ok(Response::RestartService(RestartServiceResponse {}))
            }
            Request::ReloadConfig(_) => self.reload(context).map(Response::ReloadConfig),
            _ => Err(Fault::internal("this is answered elsewhere")),
        }
    }

    /// Lets a changed configuration hold: the services whose part changed start again, drained.
    fn reload(&mut self, context: &mut Context<Self>) -> Result<ReloadConfigResponse, Fault> {
        self.check_stays()?;
        let (change, accounts) = self.surroundings.plans.reload()?;
        self.surroundings.identities.set_accounts(accounts);
        for service in change.services.iter().copied() {
            info!(%service, "its configuration changed; it starts again");
            self.tell(Input::Restart { service }, context);
        }
        let restarting = change.services.iter().map(ToString::to_string).collect();
        Ok(ReloadConfigResponse { restarting, needs_start: change.needs_start })
    }

    fn check_stays(&self) -> Result<(), Fault> {
        if self.lifecycle.state() == BundleState::Draining {
            return Err(Fault::new(ErrorCode::Unavailable, "the bundle is draining; start it again with `argentum up`"));
        }
        Ok(())
    }

    fn service(&self, name: &str) -> Result<Credential, Fault> {
        let statuses = self.lifecycle.statuses();
        let known = statuses.iter().find(|status| status.name == name).and_then(|status| status.name.parse().ok());
        known.ok_or_else(|| {
            let names: Vec<_> = statuses.into_iter().map(|status| status.name).collect();
            Fault::new(ErrorCode::NotFound, format!("`{name}` is not a service; there are {}", names.join(", ")))
        })
    }
}

// === impl Surroundings ===

impl Surroundings {
    /// Where browsers find the page.
    pub(super) fn http_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.http_address))
    }

    /// What `service` is started with: a fresh identity, the lock, and for the gateway the listening socket.
    async fn order(&self, service: Credential, restarts: u32) -> Result<Order, Box<dyn std::error::Error + Send + Sync>> {
        let (http_listener, public_url): (Option<OwnedFd>, _) = match service {
            Credential::ChannelGateway => (Some(self.http_listener.as_fd().try_clone_to_owned()?), self.public_url.clone()),
            _ => (None, None),
        };
        let identity = Identity {
            service: service.token().to_owned(),
            nkey_seed: self.identities.issue(service).await?,
            bus_address: self.bus_address.clone(),
            data_dir: self.data_dir.name().to_owned(),
            config_toml: self.plans.section(service),
            operator_key: self.operator_key.public(),
            has_http_listener: http_listener.is_some(),
            restarts,
            log_filter: self.plans.log_filter(),
            telemetry_toml: self.plans.telemetry(),
            public_url: public_url.unwrap_or_default(),
        };
        Ok(Order { identity, lock: self.data_dir.lock().try_clone_to_owned()?, http_listener })
    }
}
