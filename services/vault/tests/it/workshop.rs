//! A vault with an operator and the services that ask it.

use std::{
    path::PathBuf,
    rc::Rc,
    thread::{self, JoinHandle},
};

use argentum_bus::{Bus, Caller, Credential, Fault, Rpc};
use argentum_proto::{
    control::v1::SignedRight,
    vault::v1::{OfferIntakeRequest, PutSecretRequest, RemoveSecretRequest},
};
use argentum_service::{
    Process,
    leases::Leases,
    sealing::{self, SecretBytes},
    unix_ms,
};
use argentum_testkit::{Sandbox, run};
use argentum_vault::{Config, start};
use tempfile::TempDir;
use tokio::sync::oneshot;

pub(crate) struct Workshop {
    pub(crate) sandbox: Sandbox,
    pub(crate) operator: Bus,
    folder: TempDir,
    vault: Option<Life>,
}

/// A vault on a thread and a System of its own: what it leaves behind ends with it.
struct Life {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Workshop {
    pub(crate) async fn open() -> Self {
        let sandbox = Sandbox::start().await;
        let operator = sandbox.connect(Credential::Orchestrator).await;
        let mut workshop = Self { sandbox, operator, folder: TempDir::new().unwrap(), vault: None };
        workshop.start().await;
        workshop
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    async fn start(&mut self) {
        let (data_dir, login, key) = (self.data_dir(), self.sandbox.login(Credential::Vault), self.sandbox.operator.public());
        std::fs::create_dir_all(&data_dir).unwrap();
        let config = Config { key_folder: Some(self.folder.path().join("keys")), ..Config::default() };
        let (started, is_started) = oneshot::channel();
        let (stop, is_stopped) = oneshot::channel();
        let life = async move || {
            let process = Rc::new(Process::alone(&data_dir, login, key));
            let bus = process.connect().await.unwrap();
            start(config, bus.clone(), process).await.unwrap();
            bus.barrier().await.unwrap();
            started.send(()).unwrap();
            is_stopped.await.unwrap();
            bus.close().await;
        };
        let thread = thread::spawn(move || run(life()));
        is_started.await.unwrap();
        self.vault = Some(Life { stop, thread });
    }

    /// Ends the vault, as far as anybody else can tell.
    pub(crate) fn stop(&mut self) {
        if let Some(Life { stop, thread }) = self.vault.take() {
            stop.send(()).unwrap();
            thread.join().unwrap();
        }
    }

    pub(crate) async fn restart(&mut self) {
        self.stop();
        self.start().await;
    }

    pub(crate) fn right(&self, verb: &str) -> Option<SignedRight> {
        Some(self.sandbox.operator.sign(verb, Credential::Vault, unix_ms()).unwrap())
    }

    pub(crate) async fn ask<Q: Rpc<Address = Caller>>(&self, request: &Q) -> Result<Q::Reply, Fault> {
        self.operator.request(&Caller(Credential::Orchestrator), request).await
    }

    pub(crate) async fn put(&self, name: &str, text: &str) -> Result<u64, Fault> {
        let intake = self.ask(&OfferIntakeRequest { right: self.right("secret-intake") }).await?;
        let secret = SecretBytes::new(text.as_bytes().to_vec());
        let sealed = sealing::seal(&intake.public_key, &sealing::intake_context(name), &secret).unwrap();
        let right = self.right("secret-put");
        let request = PutSecretRequest { right, name: name.to_owned(), intake_id: intake.intake_id, sealed: Some(sealed) };
        Ok(self.ask(&request).await?.version)
    }

    pub(crate) async fn remove(&self, name: &str) -> Result<(), Fault> {
        self.ask(&RemoveSecretRequest { right: self.right("secret-remove"), name: name.to_owned() }).await.map(drop)
    }

    pub(crate) async fn leases(&self, service: Credential) -> Leases {
        Leases::new(self.sandbox.connect(service).await)
    }
}
