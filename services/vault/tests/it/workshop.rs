//! A vault with an operator and the services that ask it.

use std::path::PathBuf;

use argentum_bus::{Bus, Caller, Credential, Fault, Rpc};
use argentum_proto::{
    control::v1::SignedRight,
    vault::v1::{OfferIntakeRequest, PutSecretRequest, RemoveSecretRequest},
};
use argentum_service::{
    leases::Leases,
    sealing::{self, SecretBytes},
    unix_ms,
};
use argentum_testkit::{Life, Sandbox};
use argentum_vault::{Config, start};
use tempfile::TempDir;

pub(crate) struct Workshop {
    pub(crate) sandbox: Sandbox,
    pub(crate) operator: Bus,
    folder: TempDir,
    vault: Option<Life>,
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
        let config = Config { key_folder: Some(self.folder.path().join("keys")), ..Config::default() };
        let life = Life::begin(&self.sandbox, Credential::Vault, self.data_dir(), |bus, process| start(config, bus, process)).await;
        self.vault = Some(life);
    }

    /// Ends the vault, as far as anybody else can tell.
    pub(crate) fn stop(&mut self) {
        if let Some(life) = self.vault.take() {
            life.end();
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
