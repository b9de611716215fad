//! The actors of the vault.

pub(crate) mod secrets;
