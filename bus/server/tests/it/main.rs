//! The server over real sockets: raw wire text, and the client library that Argentum uses.

mod delivery;
mod endings;
mod identities;
mod official_client;
mod permissions;
mod protocol;
mod standalone;
mod support;
mod tls;
