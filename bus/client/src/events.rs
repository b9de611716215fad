//! What the client library only mentions in passing, made visible: denials, slow consumers, lost connections.

use std::sync::Arc;

use async_nats::{Event, ServerError};
use tracing::{debug, error, info, warn};

use crate::inbox::Inbox;

/// Logs an event of the connection, and fails the requests that a denial concerns.
pub(crate) fn observe(event: &Event, inbox: &Arc<Inbox>) {
    match event {
        Event::Connected => debug!("bus connected"),
        Event::Draining | Event::Closed => debug!(%event, "bus"),
        Event::Disconnected => warn!("bus connection lost"),
        Event::SlowConsumer(subscription) => error!(subscription, "bus messages dropped: a subscription of ours was too slow"),
        Event::ServerError(ServerError::Other(text)) => match denied_publish(text) {
            Some(subject) => {
                error!(subject, "the bus refused a publish of ours");
                inbox.deny(subject);
            }
            None => error!(text, "the bus reported an error"),
        },
        Event::ServerError(error) => error!(%error, "the bus reported an error"),
        other => info!(event = %other, "bus event"),
    }
}

/// The subject of `Permissions Violation for Publish to "subject"`; the client library has lower-cased nothing but the verb may vary.
fn denied_publish(text: &str) -> Option<&str> {
    let start = text.to_ascii_lowercase().find("permissions violation for publish to \"")?;
    text.get(start..)?.split('"').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_subject_of_a_denied_publish() {
        assert_eq!(denied_publish("Permissions Violation for Publish to \"a.b\""), Some("a.b"));
    }

    #[test]
    fn a_denied_subscription_is_not_a_denied_publish() {
        assert_eq!(denied_publish("Permissions Violation for Subscription to \"a.b\""), None);
    }
}
