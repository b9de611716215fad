//! The typed bus over the real embedded server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod matrix;
mod requests;
mod streams;
