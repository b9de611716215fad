//! Typed publish, subscribe, request and reply over NATS: how Argentum's processes speak to each other.
//!
//! - [`subjects`] is the map of the system: every message, where it travels, who may send it and who answers.
//! - [`permissions`] is the one permission matrix, derived from that map.
//! - [`Bus`] is a connection with an identity; [`Call`] and [`Delivery`] are what an actor receives from it.
//! - [`Fault`] is the only kind of error that crosses the bus: one of nine codes and a text that is safe to show.
//!
//! The bus may lose anything at any moment; the ends remember. Every request has a deadline, every queue a capacity.

mod account;
mod address;
mod bus;
mod events;
mod fault;
mod inbox;
pub mod permissions;
mod serve;
pub mod subjects;

pub use account::AccountBus;
pub use address::{Account, AccountConversation, AccountTurn, Address, Caller, Credential, Everyone, UnknownCredential};
pub use bus::{Bus, ConnectError, Login};
pub use fault::{ErrorCode, Fault};
pub use serve::{Call, Delivery, Serving};
pub use subjects::{Event, Rpc, Subject};
