//! The actors of the provider-router.

pub(crate) mod catalogue;
