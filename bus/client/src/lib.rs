//! Typed publish, subscribe, request and reply over NATS: how Argentum's processes speak to each other.
//!
//! - [`subjects`] is the map of the system: every message, where it travels, who may send it and who answers.
//! - [`permissions`] is the one permission matrix, derived from that map.
//! - [`Bus`] is a connection with an identity; [`Call`] and [`Delivery`] are what an actor receives from it.
//! - [`Frames`] is an answer that is streamed under credit, [`StreamReply`] its writing side.
//! - [`Fault`] is the only kind of error that crosses the bus: one of nine codes and a text that is safe to show.
//!
//! The bus may lose anything at any moment; the ends remember. Every request has a deadline, every queue a capacity.

mod account;
mod address;
mod bus;
mod credit;
mod events;
mod fault;
mod frames;
mod inbox;
mod meter;
pub mod permissions;
mod serve;
mod stream_reply;
pub mod subjects;
pub mod trace;

pub use account::AccountBus;
pub use address::{Account, AccountConversation, AccountStream, AccountTurn, Address, Caller, Credential, Everyone, UnknownCredential};
pub use bus::{Bus, ConnectError, Login};
pub use credit::{FRAME_BYTES_MAX, Unwanted, WINDOW_BYTES};
pub use fault::{ErrorCode, Fault};
pub use frames::Frames;
pub use serve::{Call, Delivery, Serving};
pub use stream_reply::{StreamCall, StreamCredit, StreamReply};
pub use subjects::{Event, Frame, Rpc, StreamRpc, Subject};
