//! The vault over a real embedded bus: put in, lent, refused, kept.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod leases;
mod spy;
mod verbs;
mod workshop;
