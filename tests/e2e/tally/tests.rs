//! Each fault in an account that is otherwise as it should be, and found.

use super::*;

/// Two messages of Ada over a channel, at 1 s and 2 s, each answered a moment later.
fn good(channel: Channel) -> Seen {
    let place = Place { channel, name: "ada".into() };
    let sent = |text: &str, ms| Sent { place: place.clone(), text: text.into(), at: Duration::from_millis(ms), fate: Fate::Ours };
    Seen {
        sent: vec![sent("1", 1_000), sent("2", 2_000)],
        shown: BTreeMap::from([(place.clone(), vec![answer("1", 1_300), answer("2", 2_300)])]),
        calls: vec![call("1", 1_100), call("2", 2_100)],
        kills: Vec::new(),
    }
}

fn answer(of: &str, ms: u64) -> Shown {
    Shown { of: Some(of.into()), at: Duration::from_millis(ms), kind: Kind::Answer }
}

fn labelled(of: &str, ms: u64) -> Shown {
    Shown { kind: Kind::Labelled, ..answer(of, ms) }
}

fn report(ms: u64) -> Shown {
    Shown { of: None, kind: Kind::Report, ..answer("", ms) }
}

fn call(of: &str, ms: u64) -> Call {
    Call { of: of.into(), at: Duration::from_millis(ms) }
}

fn gateway_killed(ms: u64) -> Kill {
    Kill { at: Duration::from_millis(ms), has_gateway: true, has_router: false }
}

fn router_killed(ms: u64) -> Kill {
    Kill { at: Duration::from_millis(ms), has_gateway: false, has_router: true }
}

fn ada(seen: &mut Seen) -> &mut Vec<Shown> {
    seen.shown.values_mut().next().unwrap()
}

/// The tally of what `spoil` makes of a good account.
fn spoiled(channel: Channel, spoil: impl FnOnce(&mut Seen)) -> Tally {
    let mut seen = good(channel);
    spoil(&mut seen);
    Tally::of(&seen, channel)
}

/// Asserts that the value is what was found, and that it is held against us.
#[track_caller]
fn assert_found(tally: Tally, found: impl FnOnce(Tally) -> usize) {
    assert_eq!((found(tally), tally.is_clean()), (1, false), "{tally:?}");
}

#[test]
fn what_is_as_it_should_be_passes() {
    for channel in [Channel::Web, Channel::Telegram, Channel::Irc] {
        let tally = Tally::of(&good(channel), channel);
        assert_eq!(tally, Tally { sent: 2, answered: 2, ..Tally::default() });
        assert!(tally.is_clean());
    }
}

#[test]
fn a_lost_message_is_found() {
    assert_found(spoiled(Channel::Telegram, |seen| drop(ada(seen).remove(0))), |tally| tally.lost);
}

#[test]
fn what_was_said_while_we_were_away_is_unreceived_on_irc_and_lost_elsewhere() {
    let spoil = |seen: &mut Seen| {
        ada(seen).remove(0);
        seen.sent[0].fate = Fate::Unheard;
    };
    let tally = spoiled(Channel::Irc, spoil);
    assert_eq!((tally.unreceived, tally.is_clean()), (1, true));
    assert_found(spoiled(Channel::Telegram, spoil), |tally| tally.lost);
}

#[test]
fn what_was_heard_on_irc_and_not_answered_is_lost() {
    assert_found(spoiled(Channel::Irc, |seen| drop(ada(seen).remove(1))), |tally| tally.lost);
}

#[test]
fn a_doubled_answer_is_found() {
    assert_found(spoiled(Channel::Web, |seen| ada(seen).insert(1, answer("1", 1_400))), |tally| tally.duplicates);
}

#[test]
fn a_double_of_a_labelled_answer_is_found() {
    let tally = spoiled(Channel::Irc, |seen| {
        seen.kills.push(gateway_killed(1_200));
        ada(seen).splice(..1, [labelled("1", 1_300), answer("1", 1_400)]);
    });
    assert_found(tally, |tally| tally.duplicates);
}

#[test]
fn an_answer_after_a_rejection_is_found() {
    let tally = spoiled(Channel::Web, |seen| seen.sent[0].fate = Fate::Rejected);
    assert_eq!(tally.rejected, 1);
    assert_found(tally, |tally| tally.duplicates);
}

#[test]
fn a_rejected_message_that_is_not_answered_is_no_fault() {
    let tally = spoiled(Channel::Web, |seen| {
        seen.sent[0].fate = Fate::Rejected;
        ada(seen).remove(0);
    });
    assert_eq!((tally.rejected, tally.is_clean()), (1, true));
}

#[test]
fn a_labelled_repeat_passes_where_the_gateway_died_in_between() {
    let tally = spoiled(Channel::Telegram, |seen| {
        seen.kills.push(gateway_killed(1_300));
        ada(seen).insert(1, labelled("1", 1_500));
    });
    assert_eq!((tally.repeated, tally.answered, tally.is_clean()), (1, 1, true));
}

#[test]
fn a_label_on_the_only_copy_passes_where_the_gateway_died_before_it() {
    let tally = spoiled(Channel::Telegram, |seen| {
        seen.kills.push(gateway_killed(1_200));
        ada(seen)[0].kind = Kind::Labelled;
    });
    assert_eq!((tally.repeated, tally.is_clean()), (1, true));
}

#[test]
fn a_labelled_repeat_of_a_gateway_that_lives_is_found() {
    let repeat = |kill: Option<Kill>| {
        spoiled(Channel::Telegram, |seen| {
            seen.kills.extend(kill);
            ada(seen).push(labelled("2", 9_000));
        })
    };
    assert_found(repeat(None), |tally| tally.unearned_labels);
    assert_found(repeat(Some(router_killed(5_000))), |tally| tally.unearned_labels);
    assert_found(repeat(Some(gateway_killed(500))), |tally| tally.unearned_labels);
    assert_found(repeat(Some(gateway_killed(9_500))), |tally| tally.unearned_labels);
}

#[test]
fn each_labelled_repeat_needs_a_death_of_its_own() {
    let tally = spoiled(Channel::Irc, |seen| {
        seen.kills.push(gateway_killed(3_000));
        ada(seen).extend([labelled("2", 5_000), labelled("2", 6_000)]);
    });
    assert_found(tally, |tally| tally.unearned_labels);
}

#[test]
fn an_answer_in_the_wrong_conversation_is_found() {
    let tally = spoiled(Channel::Irc, |seen| {
        seen.shown.insert(Place { channel: Channel::Irc, name: "bob".into() }, vec![answer("1", 1_400)]);
    });
    assert_found(tally, |tally| tally.wrong_conversation);
}

#[test]
fn an_answer_in_another_channel_is_found() {
    let tally = spoiled(Channel::Irc, |seen| {
        seen.shown.insert(Place { channel: Channel::Telegram, name: "ada".into() }, vec![answer("1", 1_400)]);
    });
    assert_found(tally, |tally| tally.wrong_conversation);
}

#[test]
fn a_broken_order_is_found() {
    assert_found(spoiled(Channel::Web, |seen| ada(seen).swap(0, 1)), |tally| tally.disordered);
}

#[test]
fn a_repeat_behind_the_next_answer_is_a_broken_order() {
    let tally = spoiled(Channel::Telegram, |seen| {
        seen.kills.push(gateway_killed(2_400));
        ada(seen).push(labelled("1", 3_000));
    });
    assert_found(tally, |tally| tally.disordered);
}

#[test]
fn an_answer_to_what_nobody_sent_is_found() {
    assert_found(spoiled(Channel::Web, |seen| ada(seen).push(answer("3", 3_000))), |tally| tally.disordered);
}

#[test]
fn a_report_stands_for_the_message_whose_turn_it_is() {
    let tally = spoiled(Channel::Telegram, |seen| ada(seen)[1] = report(2_300));
    assert_eq!((tally.failed, tally.answered, tally.is_clean()), (1, 1, true));
}

#[test]
fn a_report_beside_an_answer_is_found() {
    assert_found(spoiled(Channel::Telegram, |seen| ada(seen).insert(0, report(1_200))), |tally| tally.duplicates);
}

#[test]
fn a_report_of_nothing_is_found() {
    assert_found(spoiled(Channel::Telegram, |seen| ada(seen).push(report(3_000))), |tally| tally.disordered);
}

#[test]
fn a_second_call_after_the_answer_stood_is_found() {
    let tally = spoiled(Channel::Web, |seen| {
        seen.kills.push(router_killed(1_400));
        seen.calls.push(call("1", 1_500));
    });
    assert_found(tally, |tally| tally.second_calls);
}

#[test]
fn a_second_call_of_a_router_that_lives_is_found() {
    let tally = spoiled(Channel::Web, |seen| {
        seen.kills.push(gateway_killed(1_150));
        seen.calls.push(call("1", 1_200));
    });
    assert_found(tally, |tally| tally.second_calls);
}

#[test]
fn a_second_call_after_the_routers_death_is_none_after_completed() {
    let tally = spoiled(Channel::Web, |seen| {
        seen.kills.push(router_killed(1_150));
        seen.calls.push(call("1", 1_200));
    });
    assert!(tally.is_clean(), "{tally:?}");
}

#[test]
fn columns_that_do_not_sum_to_what_was_sent_are_found() {
    let tally = Tally { sent: 3, answered: 2, ..Tally::default() };
    assert!(!tally.is_clean());
}
