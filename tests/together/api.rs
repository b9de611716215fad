//! `/v1` from the client to the vendor and back: gateway, router and bus are real, the vendor is scripted.

mod office;

use std::time::{Duration, Instant};

use argentum_testkit::{
    run, until,
    vendor::{Answer, FakeVendor},
};
use serde_json::{Value, json};

use office::Office;

/// A question to the vendor's small model.
fn question() -> Value {
    json!({ "model": "acme/small", "messages": [{ "role": "user", "content": "hello" }] })
}

fn streamed() -> Value {
    json!({ "stream": true, "stream_options": { "include_usage": true }, "model": "acme/small",
        "messages": [{ "role": "user", "content": "hello" }] })
}

/// An answer that calls one tool, in two pieces.
fn tool_call() -> Answer {
    let chunk = |delta: Value, reason: Option<&str>| {
        format!("data: {}\n\n", json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] }))
    };
    let function = json!({ "name": "look", "arguments": "" });
    let begin = json!({ "tool_calls": [{ "index": 0, "id": "call_1", "type": "function", "function": function }] });
    let more = json!({ "tool_calls": [{ "index": 0, "function": { "arguments": "{\"at\":1}" } }] });
    Answer::events(&(chunk(begin, None) + &chunk(more, None) + &chunk(json!({}), Some("tool_calls")) + "data: [DONE]\n\n"))
}

/// Text of the chunks of a stream.
fn text(events: &[String]) -> String {
    let chunks = events.iter().filter_map(|event| serde_json::from_str::<Value>(event).ok());
    chunks.filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_question_is_answered_whole() {
    run(async {
        let office = Office::open().await;
        office.vendor.script([Answer::text(["Good ", "day."])]);
        let response = office.ask(&question()).await;
        let answer = response.json();
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!((&answer["object"], &answer["model"]), (&"chat.completion".into(), &"acme/small".into()));
        assert_eq!(answer["choices"][0]["message"]["content"], "Good day.");
        assert_eq!((&answer["choices"][0]["finish_reason"], &answer["usage"]["total_tokens"]), (&"stop".into(), &13.into()));
    });
}

#[test]
fn an_answer_is_streamed_as_it_comes_and_ends_with_done() {
    run(async {
        let office = Office::open().await;
        office.vendor.script([Answer::text(["Good ", "day."])]);
        let response = office.ask(&streamed()).await;
        assert!(response.head.contains("content-type: text/event-stream"), "{response:?}");
        let events = response.events();
        let (done, chunks) = events.split_last().unwrap();
        assert_eq!((text(chunks).as_str(), done.as_str()), ("Good day.", "[DONE]"));
        let first: Value = serde_json::from_str(&chunks[0]).unwrap();
        assert_eq!(first["choices"][0]["delta"]["role"], "assistant");
        let last: Value = serde_json::from_str(chunks.last().unwrap()).unwrap();
        assert_eq!((&last["choices"], &last["usage"]["prompt_tokens"]), (&json!([]), &11.into()));
    });
}

#[test]
fn tools_and_unknown_parameters_get_to_the_vendor_and_tool_calls_come_back() {
    run(async {
        let office = Office::open().await;
        office.vendor.script([tool_call()]);
        let mut body = question();
        body["tools"] = json!([{ "type": "function", "function": { "name": "look", "parameters": {} } }]);
        body["top_k"] = 7.into();
        let answer = office.ask(&body).await.json();
        let call = json!([{ "id": "call_1", "type": "function", "function": { "name": "look", "arguments": "{\"at\":1}" } }]);
        assert_eq!(answer["choices"][0]["message"]["tool_calls"], call, "{answer}");
        assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
        let asked: Value = serde_json::from_str(&office.vendor.requests()[0].body).unwrap();
        assert_eq!((&asked["tools"], &asked["top_k"], &asked["model"]), (&body["tools"], &7.into(), &"small".into()));
    });
}

#[test]
fn an_answer_far_beyond_the_window_arrives_whole() {
    run(async {
        let office = Office::open().await;
        let piece = "0123456789".repeat(10_000);
        office.vendor.script([Answer::text([piece.as_str(); 12])]);
        let events = office.ask(&streamed()).await.events();
        assert_eq!(text(&events).len(), 1_200_000);
        assert_eq!(events.last().unwrap(), "[DONE]");
    });
}

#[test]
fn who_shows_no_key_that_works_is_told_nothing() {
    run(async {
        let office = Office::open().await;
        let unknown = "Authorization: Bearer ark-0123456789012345678901".to_owned();
        for headers in [vec![], vec![unknown], vec!["Cookie: argentum_session=x".to_owned()]] {
            for line in ["GET /v1/models", "POST /v1/chat/completions", "GET /v1/nothing"] {
                let response = office.send(line, headers.clone(), "{}").await;
                assert_eq!((response.status, &response.json()["error"]["code"]), (401, &"invalid_api_key".into()), "{line}");
            }
        }
        assert!(office.vendor.requests().is_empty());
    });
}

#[test]
fn a_revoked_key_lets_nobody_in_any_more() {
    run(async {
        let office = Office::open().await;
        assert_eq!(office.get("/v1/models").await.status, 200);
        assert!(office.list_keys().await.iter().any(|key| key.name == "test" && key.works && key.last_used_day_ms > 0));
        office.revoke_key("test").await;
        assert_eq!(office.get("/v1/models").await.status, 401);
        assert!(office.list_keys().await.iter().all(|key| !key.works));
    });
}

#[test]
fn nobody_but_the_operator_makes_keys_and_none_is_kept_in_the_clear() {
    run(async {
        let office = Office::open().await;
        assert!(office.create_key_without_right().await.is_err());
        let kept = office.kept_keys();
        assert!(kept.contains("test") && !kept.contains(office.key()), "{kept}");
    });
}

#[test]
fn what_cannot_be_answered_is_said_in_openais_words() {
    run(async {
        let office = Office::open().await;
        let change = |key: &str, value: Value| {
            let mut body = question();
            body[key] = value;
            body
        };
        let cases = [
            (change("model", "acme/none".into()), 404, json!("model_not_found"), json!("model")),
            (change("model", "nobody/none".into()), 404, json!("model_not_found"), json!("model")),
            (change("n", 2.into()), 400, Value::Null, json!("n")),
            (change("messages", json!([])), 400, Value::Null, json!("messages")),
            (change("messages", json!([{ "role": "wizard" }])), 400, Value::Null, Value::Null),
        ];
        for (body, status, code, parameter) in cases {
            let response = office.ask(&body).await;
            let error = response.json()["error"].clone();
            assert_eq!((response.status, &error["code"], &error["param"]), (status, &code, &parameter), "{body}: {error}");
        }
        assert!(office.vendor.requests().is_empty());
    });
}

#[test]
fn a_vendor_that_wants_to_be_left_alone_makes_the_client_wait() {
    run(async {
        let office = Office::open().await;
        office.vendor.script([Answer::status(429).with_header("Retry-After", "7")]);
        let response = office.ask(&streamed()).await;
        assert_eq!((response.status, &response.json()["error"]["type"]), (429, &"rate_limit_error".into()));
        assert!(response.head.contains("retry-after: 7"), "{response:?}");
    });
}

#[test]
fn an_answer_that_breaks_off_ends_with_an_error_and_without_done() {
    run(async {
        let office = Office::open().await;
        office.vendor.script([Answer::half(["Half "]), Answer::half(["Half "])]);
        let events = office.ask(&streamed()).await.events();
        assert_eq!(text(&events), "Half ");
        let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
        assert_eq!(last["error"]["code"], "upstream_interrupted", "{events:?}");
        assert_eq!(office.ask(&question()).await.status, 502);
    });
}

#[test]
fn a_client_that_hangs_up_closes_the_vendors_connection_within_a_second() {
    run(async {
        let office = Office::open().await;
        office.vendor.script([Answer::half_then_silence(["One "]), Answer::half_then_silence(["One "])]);
        for (body, awaited) in [(streamed(), Some("One")), (question(), None)] {
            let exchange = office.begin(&body, awaited).await;
            until("a question at the vendor", async || (office.vendor.open_connections() == 1).then_some(())).await;
            let began = Instant::now();
            drop(exchange);
            until("the connection's end", async || (office.vendor.open_connections() == 0).then_some(())).await;
            assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        }
    });
}

#[test]
fn a_body_that_is_too_large_is_refused_and_the_largest_is_not() {
    run(async {
        let office = Office::open().await;
        let sized = |bytes: usize| {
            let mut body = question();
            body["padding"] = "x".repeat(bytes - question().to_string().len() - r#","padding":"""#.len()).into();
            body
        };
        let bytes_max = 7 * 1024 * 1024 + 512 * 1024;
        let largest = office.ask(&sized(bytes_max)).await;
        assert_eq!(largest.status, 200, "{}", largest.body);
        let response = office.ask(&sized(bytes_max + 1)).await;
        assert_eq!((response.status, &response.json()["error"]["code"]), (413, &"request_too_large".into()));
    });
}

#[test]
fn models_are_listed_and_told_one_by_one() {
    run(async {
        let office = Office::open().await;
        let listed = office.get("/v1/models").await.json();
        let names: Vec<&str> = listed["data"].as_array().unwrap().iter().filter_map(|model| model["id"].as_str()).collect();
        assert!(names.contains(&"acme/small"), "{listed}");
        let wanted = json!({ "id": "acme/small", "object": "model", "created": 0, "owned_by": "acme" });
        for path in ["/v1/models/acme/small", "/v1/models/acme%2Fsmall"] {
            assert_eq!(office.get(path).await.json(), wanted, "{path}");
        }
        let missing = office.get("/v1/models/acme/none").await;
        assert_eq!((missing.status, &missing.json()["error"]["code"]), (404, &"model_not_found".into()));
    });
}

#[test]
fn another_host_is_refused_and_another_origin_has_nothing_to_ride_on() {
    run(async {
        let office = Office::open().await;
        let bearer = office.bearer();
        let foreign = office.send("GET /v1/models", vec![bearer.clone(), "Host: evil.example".into()], "").await;
        assert_eq!((foreign.status, &foreign.json()["error"]["code"]), (421, &"misdirected".into()));
        let other = office.send("GET /v1/models", vec![bearer, "Origin: https://evil.example".into()], "").await;
        assert!(other.status == 200 && !other.head.contains("access-control"), "{other:?}");
        let path = office.get("/v1/embeddings").await;
        assert_eq!((path.status, &path.json()["error"]["code"]), (404, &"unknown_url".into()));
    });
}

#[test]
fn without_a_router_the_client_is_told_to_come_again() {
    run(async {
        let vendor = FakeVendor::start();
        let office = Office::without_router(vendor).await;
        let response = office.ask(&question()).await;
        assert_eq!(response.status, 503, "{response:?}");
        assert!(response.head.contains("retry-after: 1"), "{response:?}");
    });
}
