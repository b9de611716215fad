//! The one permission matrix: credential × subject × verb, default deny.
//!
//! It is derived from the map in [`crate::subjects`] and feeds the embedded server's users, the reference and
//! `argentum bus permissions`. Three rules make it:
//!
//! - who sends an exchange may publish it under its own token only, the gateway under those of the accounts that it runs;
//! - who receives it may subscribe to it, the gateway to what is meant for the accounts that it runs;
//! - replies travel on `_INBOX.<credential>.…` and `_INBOX.account.<account>.…`, to which only their owner subscribes and on which,
//!   beside itself, only those may publish whom it has something to ask.

use std::collections::BTreeSet;

use argentum_proto::ids::Gateway;

use crate::{
    address::{ACCOUNT_INBOXES, Credential, account_inbox},
    subjects::{EXCHANGES, Exchange, Kind, Names, Subject},
};

/// What a credential may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Patterns that it may publish to.
    pub publish: BTreeSet<String>,
    /// Patterns that it may subscribe to.
    pub subscribe: BTreeSet<String>,
}

/// Everything that `credential` may do, running `accounts`; what is not listed is refused.
pub fn grants(credential: Credential, accounts: &[Gateway]) -> Grants {
    let mut grants = Grants::default();
    let accounts = if credential == Credential::ChannelGateway { accounts } else { &[] };
    for inbox in std::iter::once(credential.inbox()).chain(accounts.iter().map(account_inbox)) {
        // Publishing to oneself is how a client asks the server for a round trip.
        grants.publish.insert(format!("{inbox}.>"));
        grants.subscribe.insert(format!("{inbox}.>"));
    }
    for exchange in EXCHANGES {
        if exchange.senders.contains(&credential) {
            grants.publish.extend(sent_by(exchange, credential, accounts));
        }
        if exchange.receivers.contains(&credential) {
            grants.subscribe.extend(received_by(exchange, accounts));
            if exchange.kind != Kind::Event {
                grants.publish.extend(answered_to(exchange));
            }
        }
    }
    grants
}

fn sent_by(exchange: &Exchange, sender: Credential, accounts: &[Gateway]) -> Vec<String> {
    match exchange.names {
        Names::Nobody | Names::ReceiverAccount => vec![Subject::pattern(exchange.area, exchange.address_tokens).to_string()],
        Names::Sender => vec![named(exchange, sender.token())],
        Names::SenderAccount => accounts.iter().map(|account| named(exchange, account.as_str())).collect(),
    }
}

fn received_by(exchange: &Exchange, accounts: &[Gateway]) -> Vec<String> {
    match exchange.names {
        Names::ReceiverAccount => accounts.iter().map(|account| named(exchange, account.as_str())).collect(),
        _ => vec![Subject::pattern(exchange.area, exchange.address_tokens).to_string()],
    }
}

fn answered_to(exchange: &Exchange) -> Vec<String> {
    match exchange.names {
        Names::SenderAccount => vec![format!("{ACCOUNT_INBOXES}.>")],
        _ => exchange.senders.iter().map(|sender| format!("{}.>", sender.inbox())).collect(),
    }
}

/// The pattern of `exchange` whose first token behind the area is `name`.
fn named(exchange: &Exchange, name: &str) -> String {
    let rest = std::iter::repeat_n("*", exchange.address_tokens.saturating_sub(1));
    Subject::v1(exchange.area, std::iter::once(name).chain(rest)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web() -> Vec<Gateway> {
        vec!["web".parse().unwrap()]
    }

    #[test]
    fn nobody_may_publish_under_the_token_of_another() {
        for credential in Credential::ALL {
            for other in Credential::ALL.into_iter().filter(|other| *other != credential) {
                // Behind `argentum.v1.<area>`: an area may be called like who answers there.
                let names_other =
                    |subject: &String| subject.starts_with("argentum.") && subject.split('.').skip(3).any(|token| token == other.token());
                assert_eq!(grants(credential, &web()).publish.into_iter().find(names_other), None, "{credential} speaks as {other}");
            }
        }
    }

    #[test]
    fn nobody_reads_the_inbox_of_another() {
        for credential in Credential::ALL {
            let inboxes = grants(credential, &web()).subscribe.into_iter().filter(|subject| subject.starts_with("_INBOX"));
            let own = [format!("_INBOX.{credential}.>"), "_INBOX.account.web.>".to_owned()];
            assert!(inboxes.into_iter().all(|inbox| own.contains(&inbox)), "{credential}");
        }
        assert!(!grants(Credential::ProviderRouter, &web()).subscribe.contains("_INBOX.account.web.>"));
    }

    #[test]
    fn only_the_server_of_a_request_may_answer() {
        assert!(grants(Credential::Orchestrator, &[]).publish.contains("_INBOX.channel-gateway.>"));
        assert!(!grants(Credential::Orchestrator, &[]).publish.contains("_INBOX.provider-router.>"));
    }

    #[test]
    fn a_gateway_speaks_and_listens_for_its_own_accounts_only() {
        let grants = grants(Credential::ChannelGateway, &web());
        assert!(grants.publish.contains("argentum.v1.inbound.web.*"));
        assert!(grants.subscribe.contains("argentum.v1.progress.web.*"));
        assert!(!grants.publish.contains("argentum.v1.inbound.*.*") && !grants.subscribe.contains("argentum.v1.progress.*.*"));
    }
}
