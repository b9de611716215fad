//! How much memory each process of the idle bundle holds.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::fs;
use std::time::Duration;

use crate::bundle::{self, Bundle, Scratch};
use crate::workspace::Workspace;

const LIMIT: Duration = Duration::from_secs(60);

/// What `/proc/PID/smaps_rollup` says; PSS shares a page among those who map it, so only PSS may be added up.
#[derive(Debug, PartialEq)]
struct Memory {
    rss_kib: u64,
    pss_kib: u64,
}

pub(super) fn measure(workspace: &Workspace) -> Result<()> {
    let binary = bundle::build_release(workspace)?;
    let scratch = Scratch::create("bench-memory")?;
    let mut bundle = Bundle::start(&binary, scratch.path())?;
    bundle.wait_ready(LIMIT)?;
    print(bundle.pid(), "idle")?;
    bundle.stop(LIMIT)
}

/// Prints what the bundle of `up` holds.
pub(super) fn print(up: u32, when: &str) -> Result<()> {
    let pids = family(up, &processes()?);
    let (mut rss_kib_total, mut pss_kib_total) = (0, 0);
    for pid in &pids {
        let memory = parse_rollup(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?)?;
        rss_kib_total += memory.rss_kib;
        pss_kib_total += memory.pss_kib;
        let process = name_of(&fs::read_to_string(format!("/proc/{pid}/cmdline"))?);
        println!("{}", json!({"bench": "memory", "when": when, "process": process, "rss_kib": memory.rss_kib, "pss_kib": memory.pss_kib}));
    }
    let total = json!({"bench": "memory", "when": when, "process": "total", "processes": pids.len(), "rss_kib": rss_kib_total, "pss_kib": pss_kib_total});
    println!("{total}");
    Ok(())
}

/// Every process with its parent.
fn processes() -> Result<Vec<(u32, u32)>> {
    let mut pairs = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process may end between the listing and the reading.
        let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { continue };
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).and_then(|value| value.trim().parse().ok());
        pairs.extend(parent.map(|parent| (pid, parent)));
    }
    Ok(pairs)
}

/// The process and all its descendants.
fn family(root: u32, processes: &[(u32, u32)]) -> Vec<u32> {
    let mut members = vec![root];
    let mut next = 0;
    while next < members.len() {
        let parent = members[next];
        members.extend(processes.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    members
}

fn parse_rollup(text: &str) -> Result<Memory> {
    let field = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        value.with_context(|| format!("smaps_rollup has no field `{name}`"))
    };
    let memory = Memory { rss_kib: field("Rss:")?, pss_kib: field("Pss:")? };
    ensure!(memory.pss_kib <= memory.rss_kib, "smaps_rollup contradicts itself: {memory:?}");
    Ok(memory)
}

/// `argentum service vault` is `vault`, `argentum up` is `up`.
fn name_of(command_line: &str) -> String {
    let words: Vec<&str> = command_line.split('\0').skip(1).collect();
    match words[..] {
        ["service", name, ..] => name.into(),
        [verb, ..] if !verb.is_empty() => verb.into(),
        _ => "?".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollup_is_read() {
        let text = "5581 - 7ffd ---p 00000000 00:00 0 [rollup]\nRss:   10240 kB\nPss:    4096 kB\nPss_Dirty:   12 kB\n";
        assert_eq!(parse_rollup(text).unwrap(), Memory { rss_kib: 10240, pss_kib: 4096 });
    }

    #[test]
    fn a_rollup_without_pss_is_an_error() {
        assert!(parse_rollup("Rss:   10240 kB\nPss_Dirty:   12 kB\n").is_err());
    }

    #[test]
    fn a_family_holds_grandchildren_and_no_stranger() {
        assert_eq!(family(10, &[(11, 10), (12, 11), (13, 1), (14, 10)]), [10, 11, 14, 12]);
    }

    #[test]
    fn a_child_is_named_after_its_service() {
        assert_eq!(name_of("/usr/bin/argentum\0service\0vault\0"), "vault");
        assert_eq!(name_of("argentum\0up\0--data-dir\0d\0"), "up");
    }
}
