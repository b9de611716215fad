//! The actors of the channel-gateway.

pub(crate) mod bundle_state;
