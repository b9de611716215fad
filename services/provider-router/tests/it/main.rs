//! The router over a real embedded bus, with a real journal: a page's way through it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod completions;
mod keys;
mod page;
mod restart;
mod turns;
