//! The wall clock. Deadlines inside a process are counted on `Instant`, which never jumps.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix milliseconds; 0 where the clock stands before 1970.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
