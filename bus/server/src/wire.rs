//! The NATS client protocol on the wire: pure, without sockets.

pub(crate) mod connect;
pub(crate) mod info;
pub(crate) mod operation;
pub(crate) mod parser;

pub(crate) use connect::ConnectOptions;
pub(crate) use info::{COMPATIBLE_VERSION, Info};
pub(crate) use operation::{Fault, Operation, Publish};
pub(crate) use parser::{Parser, Rules, Step};
