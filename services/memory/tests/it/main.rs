//! Memory over a real embedded bus: remembered, recalled, forgotten, kept.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod forgetting;
mod household;
mod operator;
mod recalling;
