//! Completions of `/v1`, as a gateway asks for them.

use std::{collections::BTreeMap, time::Duration};

use argentum_bus::{Account, AccountBus, Credential, ErrorCode, Fault, Frames};
use argentum_proto::provider::v1::{
    CompleteFrame, CompleteRequest, CompletionFailureClass,
    complete_frame::Content::{self, Answering, Ended, Failed, Finished, Text, Usage, Waiting},
};
use argentum_provider_router::{Config, Provider};
use argentum_service::Process;
use argentum_testkit::{
    Sandbox, run, until,
    vendor::{Answer, FakeVendor},
    web,
};
use std::rc::Rc;
use tempfile::TempDir;

/// A router that knows one vendor, and a gateway's account.
struct Counter {
    vendor: FakeVendor,
    account: AccountBus,
    process: Rc<Process>,
    _sandbox: Sandbox,
    _folder: TempDir,
}

impl Counter {
    async fn open() -> Self {
        let (sandbox, folder, vendor) = (Sandbox::start().await, TempDir::new().unwrap(), FakeVendor::start());
        let acme = Provider { base_url: Some(vendor.base_url()), models: vec!["small".to_owned()], ..Provider::default() };
        let config = Config { providers: BTreeMap::from([("acme".to_owned(), acme)]), local_servers: Vec::new(), ..Config::default() };
        let tenant = sandbox.tenant(Credential::ProviderRouter, folder.path()).await;
        let process = Rc::clone(&tenant.process);
        argentum_provider_router::start(config, tenant.bus.clone(), tenant.process).await.unwrap();
        tenant.bus.barrier().await.unwrap();
        let account = sandbox.connect(Credential::ChannelGateway).await.account(web()).await.unwrap();
        Self { vendor, account, process, _sandbox: sandbox, _folder: folder }
    }

    async fn ask(&self, body: &str) -> Frames<CompleteFrame> {
        let request = CompleteRequest { body: body.to_owned().into() };
        self.account.request_stream(&Account(web()), &request).await.unwrap()
    }

    async fn ask_small(&self) -> Frames<CompleteFrame> {
        self.ask(r#"{"model": "acme/small", "messages": [{"role": "user", "content": "hi"}]}"#).await
    }
}

/// All that says something, to the end.
async fn read_all(frames: &mut Frames<CompleteFrame>) -> Result<Vec<Content>, Fault> {
    let mut contents = Vec::new();
    while let Some(frame) = frames.next().await {
        contents.extend(frame?.content.filter(|content| !matches!(content, Waiting(_))));
    }
    Ok(contents)
}

fn failure(contents: &[Content]) -> Option<CompletionFailureClass> {
    if let [.., Failed(failed)] = contents { Some(failed.class()) } else { None }
}

#[test]
fn an_answer_comes_as_typed_events_in_order() {
    run(async {
        let counter = Counter::open().await;
        counter.vendor.script([Answer::text(["Good ", "day."])]);
        let contents = read_all(&mut counter.ask_small().await).await.unwrap();
        let [Answering(who), Text(first), Text(second), Finished(end), Usage(usage), Ended(_)] = contents.as_slice() else {
            panic!("{contents:?}")
        };
        assert_eq!((who.model.as_str(), first.as_str(), second.as_str(), end.reason.as_str()), ("acme/small", "Good ", "day.", "stop"));
        assert_eq!((usage.input_tokens, usage.output_tokens), (11, 2));
    });
}

#[test]
fn what_cannot_be_asked_fails_with_its_class() {
    run(async {
        let counter = Counter::open().await;
        let cases = [
            ("{", CompletionFailureClass::InvalidRequest),
            (r#"{"model": "acme/none", "messages": []}"#, CompletionFailureClass::ModelNotFound),
            (r#"{"model": "", "messages": []}"#, CompletionFailureClass::InvalidRequest),
        ];
        for (body, class) in cases {
            let contents = read_all(&mut counter.ask(body).await).await.unwrap();
            assert_eq!(failure(&contents), Some(class), "{body}: {contents:?}");
        }
    });
}

#[test]
fn a_caller_that_goes_away_closes_the_vendors_connection() {
    run(async {
        let counter = Counter::open().await;
        counter.vendor.script([Answer::half_then_silence(["One "])]);
        let frames = counter.ask_small().await;
        until("a question at the vendor", async || (counter.vendor.open_connections() == 1).then_some(())).await;
        drop(frames);
        until("the connection's end", async || (counter.vendor.open_connections() == 0).then_some(())).await;
    });
}

#[test]
fn no_more_than_64_run_at_the_same_time_and_a_place_is_free_again() {
    run(async {
        let counter = Counter::open().await;
        counter.vendor.script(std::iter::repeat_n(Answer::nothing(), 64));
        let mut running = Vec::new();
        for _ in 0..64 {
            let mut frames = counter.ask_small().await;
            frames.next().await.unwrap().unwrap();
            running.push(frames);
        }
        let refused = read_all(&mut counter.ask_small().await).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::RateLimited);
        running.clear();
        until("a free place", async || read_all(&mut counter.ask_small().await).await.ok()).await;
    });
}

#[test]
fn a_drain_waits_for_what_runs_and_takes_nothing_new() {
    run(async {
        let counter = Counter::open().await;
        counter.vendor.script([Answer::text(["Good ", "day."]).paced(Duration::from_millis(100))]);
        let mut running = counter.ask_small().await;
        until("a question at the vendor", async || (counter.vendor.open_connections() == 1).then_some(())).await;
        counter.process.quiescing().cancel();
        counter.process.work().close();
        let refused = read_all(&mut counter.ask_small().await).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Unavailable);
        let (contents, ()) = futures::join!(read_all(&mut running), counter.process.work().wait());
        assert!(matches!(contents.unwrap().last(), Some(Ended(_))));
    });
}
