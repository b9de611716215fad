//! How long the release binary takes from its start to ready.

use anyhow::{Context, Result, bail};
use serde_json::json;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use crate::bundle::{self, Bundle, Scratch};
use crate::workspace::Workspace;

const ROUNDS: usize = 20;
const LIMIT: Duration = Duration::from_secs(60);

/// Starts on an empty data directory each time and waits for the service manager's own signal, sd_notify(3) `READY=1`:
/// asking again and again would measure the questions too.
pub(super) fn measure(workspace: &Workspace) -> Result<()> {
    let binary = bundle::build_release(workspace)?;
    let mut times = (0..ROUNDS).map(|_| measure_once(&binary)).collect::<Result<Vec<_>>>()?;
    times.sort();
    println!(
        "{}",
        json!({
            "bench": "start", "rounds": ROUNDS, "median_ms": milliseconds(median(&times)),
            "min_ms": milliseconds(times[0]), "max_ms": milliseconds(times[ROUNDS - 1]),
        })
    );
    Ok(())
}

fn measure_once(binary: &Path) -> Result<Duration> {
    let scratch = Scratch::create("bench-start")?;
    let path = scratch.path().join("notify.sock");
    let socket = UnixDatagram::bind(&path).context("failed to open the notification socket")?;
    socket.set_read_timeout(Some(LIMIT))?;
    let bundle = Bundle::start_with(binary, scratch.path(), &[("NOTIFY_SOCKET", &path)])?;
    let mut buffer = [0; 4096];
    loop {
        let Ok(length) = socket.recv(&mut buffer) else { bail!("no READY=1 within {LIMIT:?}\n{}", bundle.log()) };
        let is_ready = String::from_utf8_lossy(&buffer[..length]).lines().any(|line| line == "READY=1");
        if is_ready {
            let elapsed = bundle.started().elapsed();
            bundle.stop(LIMIT)?;
            return Ok(elapsed);
        }
    }
}

/// Of sorted times; the mean of the middle two where their number is even.
fn median(times: &[Duration]) -> Duration {
    let middle = times.len() / 2;
    if times.len().is_multiple_of(2) { (times[middle - 1] + times[middle]) / 2 } else { times[middle] }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let times = [1, 2, 4, 100].map(Duration::from_millis);
        assert_eq!(median(&times), Duration::from_millis(3));
    }
}
