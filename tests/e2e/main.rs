//! What a user is promised, tried on the real binary: one file per promise.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod api;
mod browser;
mod bundle;
mod bus;
mod chat;
mod full_disk;
mod guide;
mod http;
mod irc;
mod keys;
mod kills;
mod life;
mod litellm;
mod log;
mod memory;
mod neighbours;
mod notify;
mod openapi;
mod operator;
mod page;
mod prompt;
mod provider;
mod public;
mod refusals;
mod restart;
mod secrets;
mod tally;
mod telegram;
mod traces;
mod watch;
