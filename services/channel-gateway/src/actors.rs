//! The actors of the channel-gateway.

pub(crate) mod bundle_state;
pub(crate) mod login;
pub(crate) mod outbox;
pub(crate) mod pairing;
pub(crate) mod progress;
