//! An embedded server with the permission matrix in force.

use std::sync::Arc;

use argentum_bus::{Bus, Credential, Login, permissions::grants};
use argentum_bus_server::{Credential as ServerCredential, Options, Permissions, Rules, Server, User};
use argentum_proto::ids::Gateway;
use nkeys::KeyPair;

pub(crate) struct Sandbox {
    server: Server,
}

/// The account of every test.
pub(crate) fn web() -> Gateway {
    "web".parse().unwrap()
}

/// Runs a test on an actix System over a multi-thread runtime, as in production.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    actix::System::with_tokio_rt(move || Arc::new(runtime)).block_on(test);
}

// === impl Sandbox ===

impl Sandbox {
    pub(crate) async fn start() -> Self {
        let options = Options { address: ([127, 0, 0, 1], 0).into(), auth_required: true, ..Options::default() };
        Self { server: Server::start(options).await.unwrap() }
    }

    pub(crate) fn address(&self) -> String {
        self.server.local_addr().to_string()
    }

    /// Makes an identity with the rights of `credential`; returns its seed.
    pub(crate) fn seed(&self, credential: Credential) -> String {
        let pair = KeyPair::new_user();
        let granted = grants(credential, &[web()]);
        self.server.users().insert(User {
            name: credential.token().to_owned(),
            credential: ServerCredential::Nkey(pair.public_key()),
            permissions: Permissions {
                publish: Rules::only(granted.publish),
                subscribe: Rules::only(granted.subscribe),
                allow_responses: None,
            },
        });
        pair.seed().unwrap()
    }

    pub(crate) async fn connect(&self, credential: Credential) -> Bus {
        Bus::connect(&Login { address: self.address(), credential, seed: self.seed(credential) }).await.unwrap()
    }
}
