//! The one permission matrix: credential × subject × verb, default deny.
//!
//! It is derived from the map in [`crate::subjects`] and feeds the embedded server's users, the reference and
//! `argentum bus permissions`. Three rules make it:
//!
//! - who sends an exchange may publish it under its own token only;
//! - who receives it may subscribe to it;
//! - replies travel on `_INBOX.<credential>.…`, to which only that credential subscribes and on which, beside itself, only
//!   those may publish whom it has something to ask.

use std::collections::BTreeSet;

use crate::{
    address::Credential,
    subjects::{EXCHANGES, Exchange, Kind, Subject},
};

/// What a credential may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Patterns that it may publish to.
    pub publish: BTreeSet<String>,
    /// Patterns that it may subscribe to.
    pub subscribe: BTreeSet<String>,
}

/// Everything that `credential` may do; what is not listed is refused.
pub fn grants(credential: Credential) -> Grants {
    let mut grants = Grants::default();
    let own_inbox = format!("{}.>", credential.inbox());
    // Publishing to oneself is how a client asks the server for a round trip.
    grants.publish.insert(own_inbox.clone());
    grants.subscribe.insert(own_inbox);
    for exchange in EXCHANGES {
        if exchange.senders.contains(&credential) {
            grants.publish.insert(sent_by(exchange, credential));
        }
        if exchange.receivers.contains(&credential) {
            grants.subscribe.insert(Subject::pattern(exchange.area, exchange.address_tokens).to_string());
            if exchange.kind == Kind::Request {
                grants.publish.extend(exchange.senders.iter().map(|sender| format!("{}.>", sender.inbox())));
            }
        }
    }
    grants
}

/// The pattern under which `sender` sends `exchange`: its own token, then whatever follows.
fn sent_by(exchange: &Exchange, sender: Credential) -> String {
    match exchange.address_tokens {
        0 => Subject::v1(exchange.area, []).to_string(),
        tokens => Subject::v1(exchange.area, std::iter::once(sender.token()).chain(std::iter::repeat_n("*", tokens - 1))).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_may_publish_under_the_token_of_another() {
        for credential in Credential::ALL {
            for other in Credential::ALL.into_iter().filter(|other| *other != credential) {
                let foreign = grants(credential)
                    .publish
                    .into_iter()
                    .find(|subject| subject.starts_with("argentum.") && subject.split('.').any(|token| token == other.token()));
                assert_eq!(foreign, None, "{credential} speaks as {other}");
            }
        }
    }

    #[test]
    fn nobody_reads_the_inbox_of_another() {
        for credential in Credential::ALL {
            let inboxes: Vec<_> = grants(credential).subscribe.into_iter().filter(|subject| subject.starts_with("_INBOX")).collect();
            assert_eq!(inboxes, [format!("_INBOX.{credential}.>")]);
        }
    }

    #[test]
    fn only_the_server_of_a_request_may_answer() {
        assert!(grants(Credential::Orchestrator).publish.contains("_INBOX.channel-gateway.>"));
        assert!(!grants(Credential::ChannelGateway).publish.contains("_INBOX.provider-router.>"));
    }
}
