//! What a vendor does wrong becomes one failure of the right class.

use std::time::Duration;

use argentum_testkit::{
    run, until,
    vendor::{Answer, FakeVendor},
};

use super::*;

async fn told_of(kind: Kind, answer: Answer) -> Told {
    let vendor = FakeVendor::start();
    vendor.script([answer]);
    Told::by(&provider(kind, &vendor)).await
}

#[test]
fn a_status_tells_the_class() {
    let cases = [
        (400, FailureClass::InvalidRequest, false),
        (401, FailureClass::Unauthenticated, false),
        (402, FailureClass::QuotaExhausted, false),
        (403, FailureClass::Unauthenticated, false),
        (404, FailureClass::InvalidRequest, false),
        (408, FailureClass::Overloaded, true),
        (413, FailureClass::PromptTooLong, false),
        (422, FailureClass::InvalidRequest, false),
        (429, FailureClass::RateLimited, true),
        (500, FailureClass::Overloaded, true),
        (503, FailureClass::Overloaded, true),
        (529, FailureClass::Overloaded, true),
    ];
    run(async {
        for kind in KINDS {
            for (status, class, is_retryable) in cases {
                assert_eq!(told_of(kind, Answer::status(status)).await.class(), (class, is_retryable), "{kind} {status}");
            }
        }
    });
}

#[test]
fn a_vendor_that_wants_to_be_left_alone_is_heard() {
    run(async {
        for kind in KINDS {
            let told = told_of(kind, Answer::status(429).with_header("Retry-After", "7")).await;
            assert_eq!(told.failure().retry_after(), Some(Duration::from_secs(7)), "{kind}");
        }
    });
}

#[test]
fn an_error_instead_of_the_first_word_is_a_failure() {
    run(async {
        for kind in KINDS {
            let told = told_of(kind, Answer::error_event()).await;
            assert_eq!((told.class(), told.text().as_str()), ((FailureClass::Overloaded, true), ""), "{kind}");
        }
    });
}

#[test]
fn an_error_after_some_words_is_a_failure_after_these_words() {
    run(async {
        for kind in KINDS {
            let told = told_of(kind, Answer::half_then_error(["Half ", "an "])).await;
            assert_eq!((told.class(), told.text().as_str()), ((FailureClass::Overloaded, true), "Half an "), "{kind}");
        }
    });
}

#[test]
fn an_answer_that_breaks_off_is_a_failure_after_its_words() {
    run(async {
        for kind in KINDS {
            let told = told_of(kind, Answer::half(["Half ", "an "])).await;
            assert_eq!((told.class(), told.text().as_str()), ((FailureClass::Interrupted, true), "Half an "), "{kind}");
        }
    });
}

#[test]
fn garbage_is_a_failure_that_does_not_repeat_it() {
    let garbage: [&[u8]; 5] = [b"", b"data: {broken\n\n", b"\x00\xff\xfe canary", b"data: \xff\xfe\n\n", b"data: [\"canary\"]\n\n"];
    run(async {
        for kind in KINDS {
            for bytes in garbage {
                let told = told_of(kind, Answer::events(bytes)).await;
                assert_eq!(told.class(), (FailureClass::Interrupted, true), "{kind} {bytes:?}");
                assert!(!told.failure().detail.contains("canary"), "{kind} {told:?}");
            }
        }
    });
}

#[test]
fn a_page_instead_of_an_answer_names_the_address() {
    run(async {
        for kind in KINDS {
            let told = told_of(kind, Answer::raw(200, "text/html", "<!doctype html><title>Welcome</title>")).await;
            assert_eq!(told.class(), (FailureClass::InvalidRequest, false), "{kind}");
            assert!(told.failure().detail.contains("base_url"), "{kind} {told:?}");
        }
    });
}

#[test]
fn an_error_under_a_good_status_is_a_failure() {
    let body = r#"{"type":"error","error":{"type":"rate_limit_error","message":"slower"}}"#;
    run(async {
        for kind in KINDS {
            let told = told_of(kind, Answer::raw(200, "application/json", body)).await;
            assert_eq!(told.class(), (FailureClass::RateLimited, true), "{kind}");
        }
    });
}

#[test]
fn a_vendor_that_never_answers_is_given_up_and_hung_up_on() {
    run(async {
        for kind in KINDS {
            let vendor = FakeVendor::start();
            vendor.script([Answer::nothing()]);
            let told = Told::by(&Provider { first_byte_timeout: SOON, ..provider(kind, &vendor) }).await;
            assert_eq!(told.class(), (FailureClass::Interrupted, true), "{kind}");
            until("the connection's end", async || (vendor.open_connections() == 0).then_some(())).await;
        }
    });
}

#[test]
fn a_vendor_that_falls_silent_is_given_up_after_its_words() {
    run(async {
        for kind in KINDS {
            let vendor = FakeVendor::start();
            vendor.script([Answer::half_then_silence(["Half "])]);
            let told = Told::by(&Provider { idle_timeout: SOON, ..provider(kind, &vendor) }).await;
            assert_eq!((told.class(), told.text().as_str()), ((FailureClass::Interrupted, true), "Half "), "{kind}");
            until("the connection's end", async || (vendor.open_connections() == 0).then_some(())).await;
        }
    });
}

#[test]
fn an_event_without_an_end_is_given_up_for_good() {
    let event = ["data: ", &"x".repeat(3 * 1024 * 1024)].concat();
    run(async {
        for kind in KINDS {
            let told = told_of(kind, Answer::events(&event)).await;
            assert_eq!(told.class(), (FailureClass::Interrupted, false), "{kind}");
            assert!(told.failure().detail.contains("1 MiB"), "{kind} {told:?}");
        }
    });
}

#[test]
fn a_refusal_that_is_too_long_to_read_is_told_by_its_status() {
    let body = "x".repeat(5 * 1024 * 1024);
    run(async {
        for kind in KINDS {
            assert_eq!(told_of(kind, Answer::raw(500, "text/plain", &body)).await.class(), (FailureClass::Overloaded, true), "{kind}");
        }
    });
}

#[test]
fn a_redirect_is_not_followed() {
    run(async {
        for kind in KINDS {
            let (vendor, other) = (FakeVendor::start(), FakeVendor::start());
            for status in [301, 302, 303, 307, 308] {
                let location = format!("{}/chat/completions?token=canary", other.base_url());
                vendor.script([Answer::raw(status, "text/html", "moved").with_header("Location", &location)]);
                let told = Told::by(&provider(kind, &vendor)).await;
                assert_eq!(told.class(), (FailureClass::InvalidRequest, false), "{kind} {status}");
                assert!(told.failure().detail.contains("base_url") && !told.failure().detail.contains("canary"), "{kind} {told:?}");
            }
            assert_eq!((vendor.asked(), other.asked()), (5, 0), "{kind}");
        }
    });
}

#[test]
fn a_key_that_the_vendor_repeats_is_not_told() {
    let body = r#"{"error":{"type":"authentication_error","message":"no such key: sk-canary-7d1f"}}"#;
    run(async {
        for kind in KINDS {
            let told = told_of(kind, Answer::raw(401, "application/json", body)).await;
            assert_eq!(
                (told.failure().class(), told.failure().detail.contains("canary")),
                (FailureClass::Unauthenticated, false),
                "{kind}"
            );
        }
    });
}

#[test]
fn a_key_that_no_header_can_hold_is_not_sent() {
    run(async {
        for kind in KINDS {
            let vendor = FakeVendor::start();
            let endpoint = Endpoint::new(&provider(kind, &vendor)).unwrap();
            let failure = endpoint.stream(Some(b"two\nlines"), &question()).await.err().unwrap();
            assert_eq!((failure.class(), vendor.asked()), (FailureClass::Unauthenticated, 0), "{kind}");
        }
    });
}
