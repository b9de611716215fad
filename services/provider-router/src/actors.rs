//! The actors of the provider-router.

pub(crate) mod catalogue;
pub(crate) mod completions;
pub(crate) mod turns;
