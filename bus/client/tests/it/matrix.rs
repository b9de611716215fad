//! Every cell of the permission matrix at the real server: what is written is allowed, everything else is refused.
//!
//! The expectation stands here by hand, apart from the code that derives the matrix: who may say what to whom.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
};

use argentum_bus::Credential::{self, ChannelGateway, Memory, Orchestrator, ProviderRouter, Vault};
use data_encoding::BASE64URL_NOPAD;
use nkeys::KeyPair;

use argentum_testkit::{Sandbox, run};

/// A subject, who may publish to it, who may subscribe to it.
type Row = (&'static str, &'static [Credential], &'static [Credential]);

const EXPECTED: &[Row] = &[
    ("argentum.v1.control.status.channel-gateway", &[ChannelGateway], &[Orchestrator]),
    ("argentum.v1.control.status.provider-router", &[], &[Orchestrator]),
    ("argentum.v1.control.metrics.channel-gateway", &[ChannelGateway], &[Orchestrator]),
    ("argentum.v1.control.metrics.provider-router", &[], &[Orchestrator]),
    ("argentum.v1.control.changed", &[Orchestrator], &[ChannelGateway]),
    ("argentum.v1.provider.models.channel-gateway", &[ChannelGateway], &[ProviderRouter]),
    ("argentum.v1.provider.models.orchestrator", &[Orchestrator], &[ProviderRouter]),
    ("argentum.v1.provider.models.provider-router", &[], &[ProviderRouter]),
    ("argentum.v1.provider.test.orchestrator", &[Orchestrator], &[ProviderRouter]),
    ("argentum.v1.provider.test.channel-gateway", &[], &[ProviderRouter]),
    ("argentum.v1.inbound.web.0123456789abcdef0123456789abcdef", &[ChannelGateway], &[ProviderRouter]),
    ("argentum.v1.inbound.irc.0123456789abcdef0123456789abcdef", &[], &[ProviderRouter]),
    ("argentum.v1.turn.stop.web", &[ChannelGateway], &[ProviderRouter]),
    ("argentum.v1.turn.stop.irc", &[], &[ProviderRouter]),
    ("argentum.v1.turn.snapshot.web", &[ChannelGateway], &[ProviderRouter]),
    ("argentum.v1.turn.snapshot.irc", &[], &[ProviderRouter]),
    ("argentum.v1.conversation.list.web", &[ChannelGateway], &[ProviderRouter]),
    ("argentum.v1.conversation.list.irc", &[], &[ProviderRouter]),
    ("argentum.v1.conversation.get.web", &[ChannelGateway], &[ProviderRouter]),
    ("argentum.v1.conversation.get.irc", &[], &[ProviderRouter]),
    ("argentum.v1.outbound.web", &[ProviderRouter], &[ChannelGateway]),
    ("argentum.v1.outbound.irc", &[ProviderRouter], &[]),
    ("argentum.v1.receipt.web", &[ChannelGateway], &[ProviderRouter]),
    ("argentum.v1.receipt.irc", &[], &[ProviderRouter]),
    ("argentum.v1.hello.say.web", &[ChannelGateway], &[ProviderRouter]),
    ("argentum.v1.hello.say.irc", &[], &[ProviderRouter]),
    ("argentum.v1.hello.web", &[ProviderRouter], &[ChannelGateway]),
    ("argentum.v1.hello.irc", &[ProviderRouter], &[]),
    ("argentum.v1.login.issue.orchestrator", &[Orchestrator], &[ChannelGateway]),
    ("argentum.v1.login.issue.channel-gateway", &[], &[ChannelGateway]),
    // Who may write to an account.
    ("argentum.v1.pair.list.orchestrator", &[Orchestrator], &[ChannelGateway]),
    ("argentum.v1.pair.list.provider-router", &[], &[ChannelGateway]),
    ("argentum.v1.pair.approve.orchestrator", &[Orchestrator], &[ChannelGateway]),
    ("argentum.v1.pair.approve.channel-gateway", &[], &[ChannelGateway]),
    ("argentum.v1.pair.revoke.orchestrator", &[Orchestrator], &[ChannelGateway]),
    ("argentum.v1.pair.revoke.provider-router", &[], &[ChannelGateway]),
    ("argentum.v1.progress.web.01JD0000000000000000000000", &[ProviderRouter], &[ChannelGateway]),
    ("argentum.v1.progress.irc.01JD0000000000000000000000", &[ProviderRouter], &[]),
    ("argentum.v1.vault.lease.provider-router", &[ProviderRouter], &[Vault]),
    ("argentum.v1.vault.lease.channel-gateway", &[ChannelGateway], &[Vault]),
    ("argentum.v1.vault.lease.orchestrator", &[], &[Vault]),
    ("argentum.v1.vault.intake.orchestrator", &[Orchestrator], &[Vault]),
    ("argentum.v1.vault.intake.provider-router", &[], &[Vault]),
    ("argentum.v1.vault.put.orchestrator", &[Orchestrator], &[Vault]),
    ("argentum.v1.vault.put.provider-router", &[], &[Vault]),
    ("argentum.v1.vault.list.orchestrator", &[Orchestrator], &[Vault]),
    ("argentum.v1.vault.list.channel-gateway", &[], &[Vault]),
    ("argentum.v1.vault.remove.orchestrator", &[Orchestrator], &[Vault]),
    ("argentum.v1.vault.remove.channel-gateway", &[], &[Vault]),
    ("argentum.v1.vault.audit.orchestrator", &[Orchestrator], &[Vault]),
    ("argentum.v1.vault.audit.provider-router", &[], &[Vault]),
    // Completions and keys of `/v1`.
    ("argentum.v1.complete.web", &[ChannelGateway], &[ProviderRouter]),
    ("argentum.v1.complete.irc", &[], &[ProviderRouter]),
    ("argentum.v1.complete.grant.web.0123456789abcdefABCDEF", &[ChannelGateway], &[ProviderRouter]),
    ("argentum.v1.complete.grant.irc.0123456789abcdefABCDEF", &[], &[ProviderRouter]),
    ("argentum.v1.key.create.orchestrator", &[Orchestrator], &[ChannelGateway]),
    ("argentum.v1.key.create.channel-gateway", &[], &[ChannelGateway]),
    ("argentum.v1.key.list.orchestrator", &[Orchestrator], &[ChannelGateway]),
    ("argentum.v1.key.list.channel-gateway", &[], &[ChannelGateway]),
    ("argentum.v1.key.revoke.orchestrator", &[Orchestrator], &[ChannelGateway]),
    ("argentum.v1.key.revoke.channel-gateway", &[], &[ChannelGateway]),
    // Memory.
    ("argentum.v1.memory.recall.provider-router", &[ProviderRouter], &[Memory]),
    ("argentum.v1.memory.recall.channel-gateway", &[], &[Memory]),
    ("argentum.v1.memory.remember.turn.provider-router", &[ProviderRouter], &[Memory]),
    ("argentum.v1.memory.remember.turn.channel-gateway", &[], &[Memory]),
    ("argentum.v1.memory.remember.fact.provider-router", &[ProviderRouter], &[Memory]),
    ("argentum.v1.memory.remember.fact.channel-gateway", &[], &[Memory]),
    ("argentum.v1.memory.facts.provider-router", &[ProviderRouter], &[Memory]),
    ("argentum.v1.memory.facts.channel-gateway", &[], &[Memory]),
    ("argentum.v1.memory.forget.provider-router", &[ProviderRouter], &[Memory]),
    ("argentum.v1.memory.forget.vault", &[], &[Memory]),
    ("argentum.v1.memory.search.orchestrator", &[Orchestrator], &[Memory]),
    ("argentum.v1.memory.search.provider-router", &[], &[Memory]),
    ("argentum.v1.memory.erase.orchestrator", &[Orchestrator], &[Memory]),
    ("argentum.v1.memory.erase.provider-router", &[], &[Memory]),
    ("_INBOX.memory.a", &[Memory], &[Memory]),
    ("_INBOX.orchestrator.a", &[Orchestrator, ChannelGateway, ProviderRouter, Vault, Memory], &[Orchestrator]),
    ("_INBOX.channel-gateway.a", &[ChannelGateway, Orchestrator, ProviderRouter, Vault], &[ChannelGateway]),
    ("_INBOX.provider-router.a", &[ProviderRouter, ChannelGateway, Vault, Memory], &[ProviderRouter]),
    ("_INBOX.vault.a", &[Vault], &[Vault]),
    ("_INBOX.account.web.a", &[ChannelGateway, ProviderRouter], &[ChannelGateway]),
    ("_INBOX.account.irc.a", &[ProviderRouter], &[]),
    ("argentum.v1.nothing", &[], &[]),
    ("something.else", &[], &[]),
];

/// A client that speaks the protocol by hand: what the server refuses stands before the answer to the next PING.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(sandbox: &Sandbox, credential: Credential) -> Self {
        let pair = KeyPair::from_seed(&sandbox.seed(credential)).unwrap();
        let mut client = Self(BufReader::new(TcpStream::connect(sandbox.address()).unwrap()));
        let info = client.line();
        let nonce = info.split("\"nonce\":\"").nth(1).unwrap().split('"').next().unwrap();
        let signature = BASE64URL_NOPAD.encode(&pair.sign(nonce.as_bytes()).unwrap());
        let public = pair.public_key();
        client.send(&format!("CONNECT {{\"verbose\":false,\"pedantic\":false,\"nkey\":\"{public}\",\"sig\":\"{signature}\"}}\r\n"));
        assert!(!client.is_refused(""), "{credential} may not even connect");
        client
    }

    /// Whether the server refuses `command`.
    fn is_refused(&mut self, command: &str) -> bool {
        self.send(&format!("{command}PING\r\n"));
        let mut is_refused = false;
        loop {
            let line = self.line();
            is_refused |= line.starts_with("-ERR 'Permissions Violation");
            if line.starts_with("PONG") {
                return is_refused;
            }
        }
    }

    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the server hung up");
        line
    }
}

#[test]
fn every_cell_is_allowed_or_refused_as_written() {
    run(async {
        let sandbox = Sandbox::start().await;
        for credential in Credential::ALL {
            let mut client = Client::connect(&sandbox, credential);
            for (number, (subject, publishers, subscribers)) in EXPECTED.iter().enumerate() {
                let is_refused = client.is_refused(&format!("PUB {subject} 0\r\n\r\n"));
                assert_eq!(!is_refused, publishers.contains(&credential), "{credential} publishes to {subject}");
                let is_refused = client.is_refused(&format!("SUB {subject} {number}\r\nUNSUB {number}\r\n"));
                assert_eq!(!is_refused, subscribers.contains(&credential), "{credential} subscribes to {subject}");
            }
        }
    });
}

#[test]
fn nobody_listens_to_everything() {
    run(async {
        let sandbox = Sandbox::start().await;
        for credential in Credential::ALL {
            let mut client = Client::connect(&sandbox, credential);
            for pattern in [">", "argentum.>", "argentum.v1.>", "_INBOX.>", "*.v1.control.changed"] {
                assert!(client.is_refused(&format!("SUB {pattern} 1\r\n")), "{credential} subscribes to {pattern}");
            }
        }
    });
}
