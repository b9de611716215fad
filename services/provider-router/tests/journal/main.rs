//! The journal on a simulated disk: every crash, torn write and lost folder entry, and the rules that survive them.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test's own tools may fail loudly and count small")]

mod committer;
mod crashes;
mod disk;
mod explore;
mod faults;
mod kill;
mod witness;
