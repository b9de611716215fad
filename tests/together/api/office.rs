//! A gateway with one key, a router that knows one vendor, and the bus between them.

use std::{
    collections::BTreeMap,
    fs,
    net::{SocketAddr, TcpListener},
    rc::Rc,
};

use argentum_bus::{Bus, Caller, Credential, Fault, Rpc};
use argentum_proto::channel::v1::{ApiKey as KeyEntry, CreateApiKeyRequest, ListApiKeysRequest, RevokeApiKeyRequest};
use argentum_provider_router::{Config, Provider};
use argentum_service::{api_key::ApiKey, right::OperatorKey, unix_ms};
use argentum_testkit::{Sandbox, vendor::FakeVendor};
use serde_json::Value;
use tempfile::TempDir;

use crate::http::{Exchange, Response};

/// All that a client of `/v1` needs.
pub(super) struct Office {
    pub(super) vendor: FakeVendor,
    sandbox: Sandbox,
    operator: Bus,
    address: SocketAddr,
    key: ApiKey,
    folder: TempDir,
}

// === impl Office ===

impl Office {
    pub(super) async fn open() -> Self {
        let vendor = FakeVendor::start();
        let base_url = vendor.base_url();
        let office = Self::without_router(vendor).await;
        let acme = Provider { base_url: Some(base_url), models: vec!["small".to_owned()], ..Provider::default() };
        let providers = BTreeMap::from([("acme".to_owned(), acme)]);
        let config = Config { providers, local_servers: Vec::new(), ..Config::default() };
        let router = office.sandbox.tenant(Credential::ProviderRouter, &office.folder.path().join("router")).await;
        argentum_provider_router::start(config, router.bus.clone(), router.process).await.unwrap();
        router.bus.barrier().await.unwrap();
        office
    }

    pub(super) async fn without_router(vendor: FakeVendor) -> Self {
        let (sandbox, folder) = (Sandbox::start().await, TempDir::new().unwrap());
        for service in ["gateway", "router"] {
            fs::create_dir(folder.path().join(service)).unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let gateway = sandbox.tenant(Credential::ChannelGateway, &folder.path().join("gateway")).await;
        gateway.process.lend_http_listener(listener);
        argentum_channel_gateway::start(Default::default(), gateway.bus.clone(), Rc::clone(&gateway.process)).await.unwrap();
        gateway.bus.barrier().await.unwrap();
        let operator = sandbox.connect(Credential::Orchestrator).await;
        let office = Self { vendor, sandbox, operator, address, key: ApiKey::generate().unwrap(), folder };
        office.create_key(true).await.unwrap();
        office
    }

    /// The key in the clear.
    pub(super) fn key(&self) -> &str {
        self.key.expose()
    }

    pub(super) fn bearer(&self) -> String {
        format!("Authorization: Bearer {}", self.key.expose())
    }

    /// The file in which the gateway keeps its keys.
    pub(super) fn kept_keys(&self) -> String {
        fs::read_to_string(self.folder.path().join("gateway/api-keys.json")).unwrap()
    }

    pub(super) async fn create_key_without_right(&self) -> Result<(), Fault> {
        self.create_key(false).await
    }

    async fn create_key(&self, has_right: bool) -> Result<(), Fault> {
        let right = has_right.then(|| self.sign("key-create"));
        let sha256 = self.key.sha256().to_vec().into();
        self.operate(&CreateApiKeyRequest { right, name: "test".to_owned(), sha256, valid_for_ms: 0 }).await.map(|_| ())
    }

    pub(super) async fn list_keys(&self) -> Vec<KeyEntry> {
        self.operate(&ListApiKeysRequest { right: Some(self.sign("key-list")) }).await.unwrap().keys
    }

    pub(super) async fn revoke_key(&self, key: &str) {
        self.operate(&RevokeApiKeyRequest { right: Some(self.sign("key-revoke")), key: key.to_owned() }).await.unwrap();
    }

    fn sign(&self, verb: &str) -> argentum_proto::control::v1::SignedRight {
        let operator: &OperatorKey = &self.sandbox.operator;
        operator.sign(verb, Credential::ChannelGateway, unix_ms()).unwrap()
    }

    async fn operate<Q: Rpc<Address = Caller>>(&self, request: &Q) -> Result<Q::Reply, Fault> {
        self.operator.request(&Caller(Credential::Orchestrator), request).await
    }

    /// Asks with the key.
    pub(super) async fn ask(&self, body: &Value) -> Response {
        self.send("POST /v1/chat/completions", vec![self.bearer()], &body.to_string()).await
    }

    pub(super) async fn get(&self, path: &str) -> Response {
        self.send(&format!("GET {path}"), vec![self.bearer()], "").await
    }

    pub(super) async fn send(&self, request_line: &str, headers: Vec<String>, body: &str) -> Response {
        let (address, line, body) = (self.address, request_line.to_owned(), body.to_owned());
        tokio::task::spawn_blocking(move || Exchange::begin(address, &line, &headers, &body).finish()).await.unwrap()
    }

    /// Asks with the key and reads until `awaited` has come, or nothing.
    pub(super) async fn begin(&self, body: &Value, awaited: Option<&'static str>) -> Exchange {
        let (address, bearer, body) = (self.address, self.bearer(), body.to_string());
        let work = move || {
            let mut exchange = Exchange::begin(address, "POST /v1/chat/completions", &[bearer], &body);
            awaited.into_iter().for_each(|text| exchange.read_until(text));
            exchange
        };
        tokio::task::spawn_blocking(work).await.unwrap()
    }
}
