//! The actors of the orchestrator.

pub(crate) mod bundle;
mod operator;
