//! A message's whole way through the release bundle, from a page to a model and back: how long until the first word, how many in a
//! second, and what memory is held afterwards. The model is of our own and answers at once, so that only our part is measured.

mod page;
mod vendor;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use ulid::Ulid;

use super::memory;
use crate::bundle::{self, Bundle, Scratch};
use crate::workspace::Workspace;
use page::{Events, Page};
use vendor::Vendor;

const LIMIT: Duration = Duration::from_secs(60);
/// Messages whose first word is waited for, one after the other; the first ones warm up.
const TIMED: usize = 500;
const WARM_UP: usize = 50;
/// Messages for the throughput, and how many people write them.
const MESSAGES: usize = 10_000;
const PEOPLE: usize = 32;

pub(super) fn measure(workspace: &Workspace) -> Result<()> {
    let binary = bundle::build_release(workspace)?;
    let scratch = Scratch::create("bench-path")?;
    let vendor = Vendor::start()?;
    configure(scratch.path(), &vendor)?;
    let mut bundle = Bundle::start(&binary, scratch.path())?;
    bundle.wait_ready(LIMIT)?;
    let page = Page::log_in(&ask(&binary, scratch.path(), "status")?, &ask(&binary, scratch.path(), "login")?)?;
    memory::print(bundle.pid(), "idle")?;
    first_words(&page)?;
    throughput(&page)?;
    memory::print(bundle.pid(), "after 10,000 messages")?;
    bundle.stop(LIMIT)
}

/// A vendor without a key, and no limit that a person would not reach.
fn configure(home: &Path, vendor: &Vendor) -> Result<()> {
    fs::create_dir(home.join("data"))?;
    let config = format!(
        "[provider_router]\ndefault_model = 'bench/instant'\nflood_burst = 1000000\n\n[provider_router.providers.bench]\nkind = 'openai'\nbase_url = '{}'\n",
        vendor.base_url()
    );
    fs::write(home.join("data/argentum.toml"), config).context("failed to write the configuration")
}

/// What a verb of the operator answers.
fn ask(binary: &Path, home: &Path, verb: &str) -> Result<Value> {
    let mut command = Command::new(binary);
    command.args([verb, "--json", "--data-dir"]).arg(home.join("data")).stdin(Stdio::null());
    let output = command.output()?;
    ensure!(output.status.success(), "`argentum {verb}` failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// From the last byte of a message to the first word of its answer, as a page sees it.
fn first_words(page: &Page) -> Result<()> {
    let conversation = Ulid::new().to_string();
    let mut events = Events::open(page)?;
    events.watch(&conversation)?;
    let mut sender = page.connect()?;
    let mut times = Vec::with_capacity(TIMED);
    for round in 0..WARM_UP + TIMED {
        let asked = Instant::now();
        let message = sender.send(&conversation, "how do you do")?;
        events.wait(&message, true)?;
        let took = asked.elapsed();
        events.wait(&message, false)?;
        if WARM_UP <= round {
            times.push(took);
        }
    }
    times.sort();
    let milliseconds = |share: usize| (times[TIMED * share / 100].as_secs_f64() * 100_000.0).round() / 100.0;
    println!(
        "{}",
        json!({"bench": "path", "what": "message in to first word out", "messages": TIMED, "p50_ms": milliseconds(50), "p99_ms": milliseconds(99)})
    );
    Ok(())
}

/// Many people at once, each with a conversation, each writing as soon as the answer is there.
fn throughput(page: &Page) -> Result<()> {
    let began = Instant::now();
    thread::scope(|scope| {
        let people: Vec<_> = (0..PEOPLE).map(|_| scope.spawn(|| converse(page, MESSAGES / PEOPLE))).collect();
        people.into_iter().try_for_each(|person| person.join().expect("a person does not panic"))
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let messages = MESSAGES / PEOPLE * PEOPLE;
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = (messages as f64 / seconds).round();
    println!("{}", json!({"bench": "path", "what": "whole turns", "messages": messages, "people": PEOPLE, "per_second": rate}));
    Ok(())
}

fn converse(page: &Page, messages: usize) -> Result<()> {
    let conversation = Ulid::new().to_string();
    let mut events = Events::open(page)?;
    events.watch(&conversation)?;
    let mut sender = page.connect()?;
    for _ in 0..messages {
        let message = sender.send(&conversation, "how do you do")?;
        events.wait(&message, false)?;
    }
    Ok(())
}
