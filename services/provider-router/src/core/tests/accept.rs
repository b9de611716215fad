//! Accepting: what becomes ours once, and what does not.

use argentum_proto::channel::v1::{AcceptMessageRequest, DeadLetter, accept_message_request::Content as Wire};

use super::*;

#[test]
fn a_message_that_is_asked_again_makes_no_second_turn() {
    let mut router = Router::new();
    let verdicts = [(); 2].map(|()| verdict(&router.ask(&web(), message("1", question("why?")))));
    assert_eq!((verdicts.each_ref().map(String::as_str), router.state().turns().count()), (["accepted", "already accepted"], 1));
}

#[test]
fn a_message_that_is_asked_again_is_told_its_first_turn() {
    let mut router = Router::new();
    let turn = router.accept(&web(), "1");
    let Answer::AlreadyAccepted(again) = answer(&router.ask(&web(), message("1", question("why?")))) else { panic!() };
    assert_eq!(again.turn_id, turn.to_string());
}

#[test]
fn the_same_id_is_another_message_in_another_account_conversation_or_numbering() {
    let mut router = Router::new();
    router.accept(&web(), "1");
    let elsewhere = AcceptMessageRequest { platform_conversation_id: "d".into(), ..message("1", question("why?")) };
    let renumbered = AcceptMessageRequest { account_incarnation: "2".into(), ..message("1", question("why?")) };
    let verdicts = [
        verdict(&router.ask(&chat(), message("1", question("why?")))),
        verdict(&router.ask(&web(), elsewhere)),
        verdict(&router.ask(&web(), renumbered)),
    ];
    assert_eq!(verdicts, ["accepted"; 3]);
}

#[test]
fn a_message_without_text_sender_or_time_is_invalid() {
    let mut router = Router::new();
    let verdicts = [
        message("1", question(" \n")),
        AcceptMessageRequest { sender: None, ..message("1", question("why?")) },
        AcceptMessageRequest { platform_time_ms: 0, ..message("1", question("why?")) },
        AcceptMessageRequest { content: None, ..message("1", question("why?")) },
    ]
    .map(|wire| verdict(&router.ask(&web(), wire)));
    assert_eq!(verdicts, ["invalid"; 4]);
}

#[test]
fn a_name_without_end_is_cut_off() {
    let mut router = Router::new();
    let titled = AcceptMessageRequest { conversation_title: "x".repeat(10_000), ..message("1", question("why?")) };
    router.ask(&web(), titled);
    assert_eq!(router.state().conversation(&place(&web(), "c")).map(|conversation| conversation.title().len()), Some(256));
}

#[test]
fn a_message_over_256_kib_is_too_large() {
    let mut router = Router::new();
    let sizes = [256 * 1024, 256 * 1024 + 1].map(|size| question(&"x".repeat(size)));
    let [fits, over] = sizes;
    let verdicts = [verdict(&router.ask(&web(), message("1", fits))), verdict(&router.ask(&web(), message("2", over)))];
    assert_eq!(verdicts, ["accepted", "too_large"]);
}

#[test]
fn a_rejected_message_is_not_keyed() {
    let mut router = Router::new();
    router.config.limits.flood_burst = 1;
    router = Router::with(router.config);
    router.accept(&web(), "1");
    let flooded = verdict(&router.ask(&web(), message("2", question("why?"))));
    router.wait(10_000);
    assert_eq!([flooded, verdict(&router.ask(&web(), message("2", question("why?"))))], ["flood", "accepted"]);
}

#[test]
fn sixty_four_messages_wait_and_the_next_finds_the_queue_full() {
    let mut config = config();
    config.limits.flood_burst = 100;
    let mut router = Router::with(config);
    for id in 0..65 {
        router.accept(&web(), &id.to_string());
    }
    assert_eq!(verdict(&router.ask(&web(), message("65", question("why?")))), "queue_full");
}

#[test]
fn a_full_queue_does_not_hold_up_another_conversation() {
    let mut config = config();
    config.limits.queue_max = 0;
    let mut router = Router::with(config);
    let elsewhere = AcceptMessageRequest { platform_conversation_id: "d".into(), ..message("1", question("why?")) };
    let verdicts = [verdict(&router.ask(&web(), message("1", question("why?")))), verdict(&router.ask(&web(), elsewhere))];
    assert_eq!(verdicts, ["queue_full", "queue_full"], "a queue of none takes none");
    router.config.limits.queue_max = 1;
    let mut router = Router::with(router.config);
    router.accept(&web(), "1");
    router.accept(&web(), "2");
    let elsewhere = AcceptMessageRequest { platform_conversation_id: "d".into(), ..message("4", question("why?")) };
    let verdicts = [verdict(&router.ask(&web(), message("3", question("why?")))), verdict(&router.ask(&web(), elsewhere))];
    assert_eq!(verdicts, ["queue_full", "accepted"]);
}

#[test]
fn a_flooding_sender_does_not_hold_up_another() {
    let mut config = config();
    config.limits.flood_burst = 2;
    let mut router = Router::with(config);
    let from = |id: &str, sender: &str| AcceptMessageRequest {
        sender: Some(Sender { platform_id: sender.into(), display_name: String::new() }),
        ..message(id, question("why?"))
    };
    let asked = [("1", "ada"), ("2", "ada"), ("3", "ada"), ("4", "bob")];
    let verdicts = asked.map(|(id, sender)| verdict(&router.ask(&web(), from(id, sender))));
    assert_eq!(verdicts, ["accepted", "accepted", "flood", "accepted"]);
}

#[test]
fn a_stop_of_a_running_turn_is_no_flood() {
    let mut config = config();
    config.limits.flood_burst = 1;
    let mut router = Router::with(config);
    router.call(&web(), "1");
    assert_eq!(verdict(&router.ask(&web(), message("2", stop()))), "accepted");
}

#[test]
fn nothing_new_is_taken_while_the_intake_is_closed() {
    let mut router = Router::new();
    router.accept(&web(), "1");
    router.handle(Input::Intake { is_open: false });
    let closed = ["1", "2"].map(|id| verdict(&router.ask(&web(), message(id, question("why?")))));
    router.handle(Input::Intake { is_open: true });
    let open = verdict(&router.ask(&web(), message("2", question("why?"))));
    assert_eq!((closed.each_ref().map(String::as_str), open.as_str()), (["already accepted", "retry after"], "accepted"));
}

#[test]
fn a_running_turn_can_be_stopped_while_the_intake_is_closed() {
    let mut router = Router::new();
    router.call(&web(), "1");
    router.handle(Input::Intake { is_open: false });
    router.ask(&web(), message("2", stop()));
    assert_eq!(router.outcomes(&web()), [(Outcome::Stopped, String::new())]);
}

#[test]
fn an_edit_replaces_a_queued_message() {
    let mut router = Router::new();
    let first = router.call(&web(), "1");
    let second = router.accept(&web(), "2");
    router.ask(&web(), AcceptMessageRequest { revision: 1, ..message("2", edit("better")) });
    router.complete(first, "yes");
    let asked = calls(&router.handle(Input::RecallFailed { turn: second }));
    assert_eq!(asked, [(second, 1, "better".to_owned())]);
}

#[test]
fn an_edit_that_comes_after_a_later_one_changes_nothing() {
    let mut router = Router::new();
    let first = router.call(&web(), "1");
    let second = router.accept(&web(), "2");
    for (revision, text) in [(2, "best"), (1, "better")] {
        router.ask(&web(), AcceptMessageRequest { revision, ..message("2", edit(text)) });
    }
    router.complete(first, "yes");
    let asked = calls(&router.handle(Input::RecallFailed { turn: second }));
    assert_eq!(asked, [(second, 1, "best".to_owned())]);
}

#[test]
fn an_edit_of_a_running_message_starts_no_turn() {
    let mut router = Router::new();
    router.call(&web(), "1");
    let effects = router.ask(&web(), AcceptMessageRequest { revision: 1, ..message("1", edit("better")) });
    assert_eq!((verdict(&effects).as_str(), router.state().turns().count()), ("accepted", 1));
}

#[test]
fn a_stop_acts_ahead_of_the_queue() {
    let mut router = Router::new();
    let first = router.call(&web(), "1");
    let second = router.accept(&web(), "2");
    router.delta(first, "half");
    let effects = router.ask(&web(), message("3", stop()));
    assert_eq!((cancelled(&effects), begun(&effects)), (vec![(first, 1)], vec![second]));
}

#[test]
fn a_stop_that_is_asked_again_does_not_stop_the_next_turn() {
    let mut router = Router::new();
    router.call(&web(), "1");
    let second = router.accept(&web(), "2");
    router.ask(&web(), message("3", stop()));
    router.ask(&web(), message("3", stop()));
    assert!(router.state().turn(second).unwrap().completion().is_none());
}

#[test]
fn a_stop_says_whether_something_ran() {
    let mut router = Router::new();
    let idle = notice(&router.ask(&web(), message("1", stop())));
    router.call(&web(), "2");
    assert_eq!([idle, notice(&router.ask(&web(), message("3", stop())))], ["Nothing is running.", "Stopped."]);
}

#[test]
fn a_status_is_answered_at_acceptance() {
    let mut router = Router::new();
    router.call(&web(), "1");
    router.accept(&web(), "2");
    router.wait(3_000);
    assert_eq!(notice(&router.ask(&web(), message("3", status()))), "Working for 3 s. 1 message is waiting.");
}

#[test]
fn a_new_conversation_begins_in_its_place_of_the_queue() {
    let mut router = Router::new();
    let first = router.call(&web(), "1");
    router.ask(&web(), message("2", new()));
    let third = router.accept(&web(), "3");
    router.complete(first, "yes");
    let effects = router.handle(Input::RecallFailed { turn: third });
    let Some(Effect::CallVendor { prompt, .. }) = effects.first() else { panic!("{effects:?}") };
    assert_eq!(prompt.messages.len(), 1, "nothing of before is told");
}

#[test]
fn what_could_not_be_converted_is_kept_raw_and_makes_no_turn() {
    let mut router = Router::new();
    let letter = Wire::DeadLetter(DeadLetter { raw: b"\xff".to_vec().into(), reason: "not UTF-8".into() });
    let effects = router.ask(&web(), message("1", letter));
    assert_eq!((verdict(&effects).as_str(), notifications(&effects), router.state().turns().count()), ("accepted", 1, 0));
}

#[test]
fn a_key_is_known_for_thirty_days_of_uptime() {
    let mut router = Router::new();
    router.accept(&web(), "1");
    router.wait(30 * DAY_MS);
    assert_eq!(verdict(&router.ask(&web(), message("1", question("why?")))), "already accepted");
}

#[test]
fn a_message_as_old_as_a_purged_key_is_too_old() {
    let mut router = Router::new();
    router.accept(&web(), "1");
    router.wait(31 * DAY_MS);
    let newer = AcceptMessageRequest { platform_time_ms: START.wall_ms - 999, ..message("2", question("why?")) };
    let verdicts = [verdict(&router.ask(&web(), message("1", question("why?")))), verdict(&router.ask(&web(), newer))];
    assert_eq!(verdicts, ["too_old", "accepted"]);
}

#[test]
fn a_purged_key_says_nothing_of_another_account() {
    let mut router = Router::new();
    router.accept(&web(), "1");
    router.wait(31 * DAY_MS);
    assert_eq!(verdict(&router.ask(&chat(), message("1", question("why?")))), "accepted");
}

#[test]
fn time_without_a_router_purges_no_key() {
    let mut router = Router::new();
    router.accept(&web(), "1");
    router.now.wall_ms += 365 * DAY_MS;
    router.restart();
    router.wait(DAY_MS);
    assert_eq!(verdict(&router.ask(&web(), message("1", question("why?")))), "already accepted");
}

#[test]
fn a_clock_that_jumps_makes_no_message_too_old_and_forgets_no_key() {
    let mut router = Router::new();
    router.accept(&web(), "1");
    let jumps = [30 * DAY_MS as i64, -60 * DAY_MS as i64];
    let verdicts = jumps.map(|jump| {
        router.now.wall_ms = router.now.wall_ms.wrapping_add_signed(jump);
        router.wait(1);
        let fresh = AcceptMessageRequest { platform_time_ms: 1, ..message(&jump.to_string(), question("why?")) };
        [verdict(&router.ask(&web(), message("1", question("why?")))), verdict(&router.ask(&web(), fresh))]
    });
    assert_eq!(verdicts, [["already accepted", "accepted"], ["already accepted", "accepted"]]);
}

#[test]
fn a_platform_clock_that_runs_ahead_makes_later_messages_not_too_old() {
    let mut router = Router::new();
    let ahead = AcceptMessageRequest { platform_time_ms: START.wall_ms + 365 * DAY_MS, ..message("1", question("why?")) };
    router.ask(&web(), ahead);
    router.wait(31 * DAY_MS);
    let later = AcceptMessageRequest { platform_time_ms: router.now.wall_ms, ..message("2", question("why?")) };
    assert_eq!(verdict(&router.ask(&web(), later)), "accepted");
}

#[test]
fn uptime_is_counted_over_restarts() {
    let mut router = Router::new();
    router.accept(&web(), "1");
    for _ in 0..31 {
        router.wait(DAY_MS);
        router.restart();
    }
    assert_eq!(verdict(&router.ask(&web(), message("1", question("why?")))), "too_old");
}
