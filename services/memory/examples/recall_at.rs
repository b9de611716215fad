//! Measures recall on a file of LoCoMo: which share of the evidence of a question is among the first records recalled.
//!
//! `cargo run -p argentum-memory --example recall_at -- FILE`
//!
//! The sayings are remembered and the questions are asked over a real bus, as the router does it.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    rc::Rc,
    time::{Duration, Instant},
};

use argentum_bus::{Bus, Caller, Credential};
use argentum_memory::{Config, start};
use argentum_proto::{
    channel::v1::Sender,
    memory::v1::{Conversation, RecallRequest, RememberFactRequest},
};
use argentum_testkit::{Sandbox, run};
use futures::{StreamExt, stream};
use serde_json::Value;

/// Requests under way at the same time.
const CONCURRENCY: usize = 32;
const CALLER: Caller = Caller(Credential::ProviderRouter);
/// Records that count.
const FIRST: [usize; 2] = [5, 10];

fn main() {
    let Some(file) = env::args().nth(1) else {
        eprintln!("which file? `recall_at FILE`");
        return;
    };
    let samples: Vec<Value> = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    run(measure(samples));
}

async fn measure(samples: Vec<Value>) {
    let (sandbox, folder) = (Sandbox::start().await, tempfile::tempdir().unwrap());
    let memory = sandbox.tenant(Credential::Memory, folder.path()).await;
    start(Config::default(), memory.bus.clone(), Rc::clone(&memory.process)).await.unwrap();
    memory.bus.barrier().await.unwrap();
    let router = sandbox.connect(Credential::ProviderRouter).await;
    let (mut sums, mut questions, mut slowest) = ([0.0; FIRST.len()], 0usize, Duration::ZERO);
    for sample in &samples {
        let sayings = remember(&router, sample).await;
        for question in sample["qa"].as_array().unwrap() {
            let evidence: BTreeSet<String> = evidence(question).filter(|id| sayings.contains(id)).collect();
            if evidence.is_empty() {
                continue;
            }
            let began = Instant::now();
            let found = recall(&router, sample, question["question"].as_str().unwrap()).await;
            slowest = slowest.max(began.elapsed());
            for (sum, first) in sums.iter_mut().zip(FIRST) {
                let hits = found.iter().take(first).filter(|id| evidence.contains(*id)).count();
                *sum += hits as f64 / evidence.len() as f64;
            }
            questions += 1;
        }
    }
    println!("{questions} questions, the slowest in {slowest:?}");
    for (sum, first) in sums.into_iter().zip(FIRST) {
        println!("recall@{first} {:.3}", sum / questions as f64);
    }
    memory.bus.close().await;
}

/// Remembers all sayings of a sample, in order; returns their ids.
async fn remember(router: &Bus, sample: &Value) -> BTreeSet<String> {
    let talk = sample["conversation"].as_object().unwrap();
    let sessions: BTreeMap<u32, (&Vec<Value>, u64)> = talk
        .iter()
        .filter_map(|(name, turns)| Some((name.strip_prefix("session_")?.parse().ok()?, turns.as_array()?)))
        .map(|(number, turns): (u32, _)| (number, (turns, day_ms(talk[&format!("session_{number}_date_time")].as_str().unwrap()))))
        .collect();
    let sayings: Vec<(&Value, u64)> = sessions.values().flat_map(|(turns, day)| turns.iter().map(|turn| (turn, *day))).collect();
    // The requests enter the mailbox in this order; only their answers overtake each other.
    let told = stream::iter(&sayings).map(|(turn, day_ms)| async move {
        let speaker = turn["speaker"].as_str().unwrap();
        let request = RememberFactRequest {
            fact_id: format!("{}.{}", name(sample), turn["dia_id"].as_str().unwrap().replace(':', "_")),
            conversation: conversation(sample),
            sender: Some(Sender { platform_id: speaker.to_owned(), display_name: speaker.to_owned() }),
            text: format!("{} {}", turn["text"].as_str().unwrap(), turn["blip_caption"].as_str().unwrap_or_default()),
            said_at_ms: *day_ms,
        };
        router.request(&CALLER, &request).await.unwrap();
    });
    told.buffered(CONCURRENCY).collect::<Vec<()>>().await;
    sayings.iter().map(|(turn, _)| turn["dia_id"].as_str().unwrap().to_owned()).collect()
}

async fn recall(router: &Bus, sample: &Value, question: &str) -> Vec<String> {
    let request = RecallRequest {
        conversation: conversation(sample),
        sender: Some(Sender { platform_id: "asker".to_owned(), display_name: "asker".to_owned() }),
        query: question.to_owned(),
        records_max: 10,
        ..RecallRequest::default()
    };
    let records = router.request(&CALLER, &request).await.unwrap().records;
    let id = |id: &str| id.rsplit('.').next().unwrap().replace('_', ":");
    records.iter().map(|record| id(&record.record_id)).collect()
}

/// Some strings of evidence hold several ids, or none.
fn evidence(question: &Value) -> impl Iterator<Item = String> {
    let strings = question["evidence"].as_array().into_iter().flatten().filter_map(Value::as_str);
    strings.flat_map(|ids| ids.split([';', ' ', ',']).map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()))
}

fn conversation(sample: &Value) -> Option<Conversation> {
    let (gateway, platform_conversation_id) = ("locomo".to_owned(), name(sample).to_owned());
    Some(Conversation { gateway, platform_conversation_id, ..Conversation::default() })
}

fn name(sample: &Value) -> &str {
    sample["sample_id"].as_str().unwrap()
}

/// The day of `1:56 pm on 8 May, 2023`, as Unix milliseconds.
fn day_ms(text: &str) -> u64 {
    const MONTHS: [&str; 12] =
        ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
    let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let [day, month, year] = words[words.len() - 3..] else { panic!("not a date: {text}") };
    let month = MONTHS.iter().position(|name| *name == month).unwrap() + 1;
    let day = format!("{year}-{month:02}-{:02}T00:00:00Z", day.parse::<u8>().unwrap());
    let since = humantime::parse_rfc3339(&day).unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}
