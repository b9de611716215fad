//! An embedded server with the permission matrix in force, and those who live on it.

use std::{path::Path, rc::Rc};

use argentum_bus::{Bus, Credential, Login, permissions::grants};
use argentum_bus_server::{Credential as ServerCredential, Options, Permissions, Rules, Server, User};
use argentum_proto::ids::Gateway;
use argentum_service::{Process, right::OperatorKey};
use nkeys::KeyPair;

/// A bus of its own for one test.
pub struct Sandbox {
    server: Server,
    /// Makes the rights that the tenants check.
    pub operator: OperatorKey,
}

/// A service that runs inside the test, as if an orchestrator had started it.
pub struct Tenant {
    pub bus: Bus,
    pub process: Rc<Process>,
}

/// An account whose platform has to be sent to.
pub fn chat() -> Gateway {
    "chat".parse().unwrap()
}

/// The account that is the page.
pub fn web() -> Gateway {
    "web".parse().unwrap()
}

// === impl Sandbox ===

impl Sandbox {
    pub async fn start() -> Self {
        let options = Options {
            address: ([127, 0, 0, 1], 0).into(),
            auth_required: true,
            // As the orchestrator starts its own.
            payload_bytes_max: 8 * 1024 * 1024,
            ..Options::default()
        };
        Self { server: Server::start(options).await.unwrap(), operator: OperatorKey::new() }
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        self.server.local_addr().to_string()
    }

    /// Makes an identity with the rights of `credential`, and ends the one before; returns its seed.
    pub fn seed(&self, credential: Credential) -> String {
        let pair = KeyPair::new_user();
        let granted = grants(credential, &[web(), chat()]);
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

    /// How to connect as `credential`; ends the identity before.
    pub fn login(&self, credential: Credential) -> Login {
        Login { address: self.address(), credential, seed: self.seed(credential) }
    }

    pub async fn connect(&self, credential: Credential) -> Bus {
        Bus::connect(&self.login(credential)).await.unwrap()
    }

    /// The seed of somebody who hears everything: for tests of what may not be heard.
    pub fn spy(&self) -> String {
        let pair = KeyPair::new_user();
        self.server.users().insert(User {
            name: "spy".to_owned(),
            credential: ServerCredential::Nkey(pair.public_key()),
            permissions: Permissions {
                publish: Rules::only::<String>([]),
                subscribe: Rules::only([">".to_owned()]),
                allow_responses: None,
            },
        });
        pair.seed().unwrap()
    }

    /// A service's surroundings, on `data_dir`.
    pub async fn tenant(&self, credential: Credential, data_dir: &Path) -> Tenant {
        let process = Process::alone(data_dir, self.login(credential), self.operator.public());
        Tenant { bus: process.connect().await.unwrap(), process: Rc::new(process) }
    }
}
