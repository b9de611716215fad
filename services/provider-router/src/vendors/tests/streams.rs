//! What a vendor does right, fast or slowly, in either protocol.

use std::time::{Duration, Instant};

use argentum_testkit::{
    run, until,
    vendor::{Answer, FakeVendor},
};

use super::*;

#[test]
fn the_same_answer_is_told_alike_in_both_protocols() {
    run(async {
        for kind in KINDS {
            let vendor = FakeVendor::start();
            vendor.script([Answer::text(["Grüß ", "Gott."])]);
            let told = Told::by(&provider(kind, &vendor)).await;
            let told: Vec<_> = told.events.into_iter().skip_while(|event| matches!(event, ChatEvent::Usage { .. })).collect();
            let expected = [
                ChatEvent::Text("Grüß ".to_owned()),
                ChatEvent::Text("Gott.".to_owned()),
                ChatEvent::Finished { reason: "stop".to_owned() },
                ChatEvent::Usage { input_tokens: 11, output_tokens: 2 },
            ];
            assert_eq!(told, expected, "{kind}");
        }
    });
}

#[test]
fn a_slow_answer_is_waited_for_while_it_goes_on() {
    run(async {
        for kind in KINDS {
            let vendor = FakeVendor::start();
            vendor.script([Answer::text(["1", "2", "3", "4", "5", "6"]).paced(Duration::from_millis(120))]);
            // The whole takes longer than any pause may.
            let told = Told::by(&Provider { idle_timeout: Duration::from_secs(1), ..provider(kind, &vendor) }).await;
            assert_eq!((told.text().as_str(), told.failure.is_none()), ("123456", true), "{kind}");
        }
    });
}

#[test]
fn a_vendor_that_does_not_hang_up_after_its_answer_is_not_waited_for() {
    run(async {
        for kind in KINDS {
            let vendor = FakeVendor::start();
            vendor.script([Answer::text_then_silence(["Hello."])]);
            let (asked, patience) = (Instant::now(), provider(kind, &vendor).idle_timeout);
            let told = Told::by(&provider(kind, &vendor)).await;
            assert_eq!((told.text().as_str(), told.failure.is_none()), ("Hello.", true), "{kind}");
            assert!(asked.elapsed() < patience, "{kind} {:?}", asked.elapsed());
            until("the connection's end", async || (vendor.open_connections() == 0).then_some(())).await;
        }
    });
}

#[test]
fn dropping_an_answer_hangs_up_within_a_second() {
    run(async {
        for kind in KINDS {
            let vendor = FakeVendor::start();
            vendor.script([Answer::half_then_silence(["Half "])]);
            let endpoint = Endpoint::new(&provider(kind, &vendor)).unwrap();
            let mut events = endpoint.stream(Some(KEY), &question()).await.unwrap();
            while !matches!(events.next().await, Some(Ok(ChatEvent::Text(_)))) {}
            let dropped = Instant::now();
            drop(events);
            until("the connection's end", async || (vendor.open_connections() == 0).then_some(())).await;
            assert!(dropped.elapsed() < Duration::from_secs(1), "{kind} {:?}", dropped.elapsed());
        }
    });
}

#[test]
fn giving_up_a_question_hangs_up_within_a_second() {
    run(async {
        for kind in KINDS {
            let vendor = FakeVendor::start();
            vendor.script([Answer::nothing()]);
            let provider = provider(kind, &vendor);
            let asking = tokio::spawn(async move { Told::by(&provider).await });
            until("the question", async || (vendor.open_connections() == 1).then_some(())).await;
            let dropped = Instant::now();
            asking.abort();
            until("the connection's end", async || (vendor.open_connections() == 0).then_some(())).await;
            assert!(dropped.elapsed() < Duration::from_secs(1), "{kind} {:?}", dropped.elapsed());
        }
    });
}

#[test]
fn the_models_of_all_pages_are_listed() {
    run(async {
        for kind in KINDS {
            let vendor = FakeVendor::start();
            let models = Endpoint::new(&provider(kind, &vendor)).unwrap().models(Some(KEY)).await.unwrap();
            assert_eq!(models, ["small", "large"], "{kind}");
        }
    });
}

#[test]
fn the_key_is_shown_in_the_protocols_own_header() {
    run(async {
        for (kind, header, value) in
            [(Kind::OpenAi, "authorization", "Bearer sk-canary-7d1f"), (Kind::Anthropic, "x-api-key", "sk-canary-7d1f")]
        {
            let vendor = FakeVendor::start();
            Told::by(&provider(kind, &vendor)).await;
            assert_eq!(vendor.requests()[0].header(header), Some(value), "{kind}");
        }
    });
}

#[test]
fn a_last_event_without_an_empty_line_counts() {
    let events = [
        (Kind::OpenAi, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi.\"},\"finish_reason\":\"stop\"}]}"),
        (Kind::Anthropic, "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}"),
    ];
    run(async {
        for (kind, event) in events {
            let vendor = FakeVendor::start();
            vendor.script([Answer::events(event)]);
            let told = Told::by(&provider(kind, &vendor)).await;
            assert!(told.failure.is_none() && told.events.contains(&ChatEvent::Finished { reason: "stop".to_owned() }), "{kind} {told:?}");
        }
    });
}

#[test]
fn an_error_after_a_whole_answer_is_told_too() {
    // Whoever counts on the stream's end must learn that the vendor took it back.
    let finish = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi.\"},\"finish_reason\":\"stop\"}]}\n\n";
    let events = [finish, "data: {\"error\":{\"message\":\"m\",\"type\":\"server_error\"}}\n\n"].concat();
    run(async {
        let vendor = FakeVendor::start();
        vendor.script([Answer::events(&events)]);
        assert_eq!(Told::by(&provider(Kind::OpenAi, &vendor)).await.class(), (FailureClass::Overloaded, true));
    });
}
