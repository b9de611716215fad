//! IRC against a fake server that misbehaves by a script: who is heard, what stands in the channel, how often, with which label.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use argentum_bus::Credential;
use argentum_channel_gateway::{Irc, Sasl};
use argentum_provider_router::Config as Routing;
use argentum_testkit::{
    Life, Sandbox,
    irc::{FakeIrc, Manners, Mishap, Said},
    run, until,
    vendor::{Answer, FakeVendor},
};
use tempfile::TempDir;

use crate::{
    home::Home,
    irc_home::{IrcHome, PASSWORD, said},
};

const QUESTION: &str = ":Ada!a@h PRIVMSG #tea :argentum: why?";
const LABEL: &str = "(repeated) ";

/// All that was said, as one text.
fn text(said: &[Said]) -> String {
    said.iter().map(|said| said.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// Ada asks once in the channel while the server misbehaves so; returns what stands once the turn is over, and the answer.
fn said_under(manners: Manners, mishaps: &'static [Mishap]) -> (Vec<Said>, String) {
    let mut result = None;
    run(async {
        let (sandbox, folder, irc) = (Sandbox::start().await, TempDir::new().unwrap(), FakeIrc::start(manners));
        irc.script(mishaps.iter().copied());
        let vendor = FakeVendor::start();
        vendor.script([Answer::text(["Because ", "it is so.\nAnd so."])]);
        let home = IrcHome::joined(&sandbox, &folder, &irc, Home::asking(&vendor)).await;
        irc.send(QUESTION);
        let answer = home.over("#tea", 1).await;
        let said = irc.said().into_iter().filter(|said| !said.is_notice).collect();
        result = Some((said, answer));
    });
    result.unwrap()
}

fn echoing() -> Manners {
    Manners { capabilities: "echo-message server-time", ..Manners::default() }
}

#[test]
fn a_mention_is_answered_once_with_the_name_of_who_asked() {
    for manners in [Manners::default(), echoing()] {
        let (said, answer) = said_under(manners, &[]);
        let first = answer.lines().next().unwrap();
        assert_eq!(said[0], Said { target: "#tea".to_owned(), text: format!("Ada: {first}"), is_notice: false });
        assert!(said.iter().all(|said| !said.text.contains(LABEL)), "{said:?}");
    }
}

#[test]
fn a_line_that_stood_when_the_connection_went_is_repeated_once_with_a_label() {
    let (said, _) = said_under(Manners::default(), &[Mishap::StoreAndDrop]);
    let repeated: Vec<_> = said.iter().filter(|said| said.text.contains(LABEL)).collect();
    assert_eq!(repeated.len(), 1, "{said:?}");
    assert_eq!(repeated[0].text.replace(LABEL, ""), said[0].text);
}

#[test]
fn a_line_that_got_lost_with_the_connection_stands_once_with_a_label() {
    let (said, answer) = said_under(Manners::default(), &[Mishap::Drop]);
    assert_eq!(said[0].text, format!("Ada: {LABEL}{}", answer.lines().next().unwrap()));
}

#[test]
fn a_refusal_ends_the_delivery_and_not_the_conversation() {
    run(async {
        let (sandbox, folder, irc) = (Sandbox::start().await, TempDir::new().unwrap(), FakeIrc::start(Manners::default()));
        irc.script([Mishap::Refuse(404)]);
        let home = IrcHome::joined(&sandbox, &folder, &irc, Routing::default()).await;
        irc.send(QUESTION);
        home.over("#tea", 1).await;
        assert_eq!(irc.said(), []);
        irc.send(QUESTION);
        home.over("#tea", 2).await;
        assert_ne!(irc.said(), []);
    });
}

#[test]
fn a_long_answer_stands_line_by_line_and_whole() {
    run(async {
        let (sandbox, folder, irc) = (Sandbox::start().await, TempDir::new().unwrap(), FakeIrc::start(Manners::default()));
        let vendor = FakeVendor::start();
        let text = format!("{}\n\n  let x = 1;\n{}", "\u{e4}pfel und birnen ".repeat(60), "x".repeat(1_500));
        vendor.script([Answer::text([text.as_str()])]);
        let home = IrcHome::joined(&sandbox, &folder, &irc, Home::asking(&vendor)).await;
        irc.send(":Ada!a@h PRIVMSG argentum :why?");
        home.over("ada!a@h", 1).await;
        let lines: Vec<String> = irc.said().into_iter().map(|said| said.text).collect();
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(squeezed(&lines.concat()), squeezed(&text));
        assert!(lines.contains(&"  let x = 1;".to_owned()), "{lines:?}");
    });
}

#[test]
fn a_gap_is_stated_once_in_the_channel() {
    run(async {
        let (sandbox, folder, irc) = (Sandbox::start().await, TempDir::new().unwrap(), FakeIrc::start(Manners::default()));
        let home = IrcHome::joined(&sandbox, &folder, &irc, Routing::default()).await;
        irc.send(QUESTION);
        home.over("#tea", 1).await;
        let before = irc.said().len();
        irc.disconnect(false);
        let gap = said(&irc, before + 1).await.remove(before);
        assert!(gap.is_notice && gap.target == "#tea" && gap.text.contains("away"), "{gap:?}");
        irc.send(QUESTION);
        home.over("#tea", 2).await;
        assert_eq!(irc.said().iter().filter(|said| said.is_notice).count(), 1);
    });
}

#[test]
fn over_tls_an_account_is_proved_with_the_password_of_the_vault() {
    run(async {
        let manners = Manners { has_tls: true, account: Some(("argentum", PASSWORD)), ..echoing() };
        let (sandbox, folder, irc) = (Sandbox::start().await, TempDir::new().unwrap(), FakeIrc::start(manners));
        let home = IrcHome::start(&sandbox, &folder, proving(&irc, &folder), Routing::default()).await;
        until("the channel", async || irc.is_joined("#tea").then_some(())).await;
        irc.send(QUESTION);
        home.over("#tea", 1).await;
        assert!(!irc.said().is_empty());
    });
}

#[test]
fn with_a_wrong_password_we_do_not_come_in() {
    run(async {
        let manners = Manners { has_tls: true, account: Some(("argentum", "another one")), ..Manners::default() };
        let (sandbox, folder, irc) = (Sandbox::start().await, TempDir::new().unwrap(), FakeIrc::start(manners));
        let _home = IrcHome::start(&sandbox, &folder, proving(&irc, &folder), Routing::default()).await;
        until("a client that went", async || (irc.clients() != 0).then_some(())).await;
        assert!(irc.lines().iter().any(|line| line.starts_with("AUTHENTICATE A")));
        assert!(irc.connections() == 0 && !irc.lines().iter().any(|line| line == "CAP END"));
    });
}

#[test]
fn a_server_whose_certificate_nobody_vouches_for_learns_nothing() {
    run(async {
        let manners = Manners { has_tls: true, account: Some(("argentum", PASSWORD)), ..Manners::default() };
        let (sandbox, folder, irc) = (Sandbox::start().await, TempDir::new().unwrap(), FakeIrc::start(manners));
        let account = Irc { extra_ca_file: None, ..proving(&irc, &folder) };
        let _home = IrcHome::start(&sandbox, &folder, account, Routing::default()).await;
        until("a client", async || (irc.clients() != 0).then_some(())).await;
        assert_eq!(irc.lines(), [""; 0]);
    });
}

#[test]
fn a_nick_that_is_taken_is_replaced_and_we_answer_to_both() {
    run(async {
        let manners = Manners { taken: &["argentum"], ..Manners::default() };
        let (sandbox, folder, irc) = (Sandbox::start().await, TempDir::new().unwrap(), FakeIrc::start(manners));
        let home = IrcHome::joined(&sandbox, &folder, &irc, Routing::default()).await;
        irc.send(":Ada!a@h PRIVMSG #tea :argentum_: why?");
        home.over("#tea", 1).await;
        irc.send(QUESTION);
        home.over("#tea", 2).await;
    });
}

#[test]
fn a_stranger_is_told_a_code_once_by_a_notice_and_notices_are_not_answered() {
    run(async {
        let (sandbox, folder, irc) = (Sandbox::start().await, TempDir::new().unwrap(), FakeIrc::start(Manners::default()));
        let home = IrcHome::joined(&sandbox, &folder, &irc, Routing::default()).await;
        irc.send(":services!s@h NOTICE argentum :hello");
        irc.send(":eve!e@h PRIVMSG argentum :hello");
        irc.send(":eve!e@h PRIVMSG argentum :is anybody there?");
        irc.send(QUESTION);
        home.over("#tea", 1).await;
        let notices: Vec<Said> = irc.said().into_iter().filter(|said| said.is_notice).collect();
        assert!(notices.len() == 1 && notices[0].target == "eve" && notices[0].text.contains("argentum pair approve"), "{notices:?}");
        assert!(home.conversation("eve!e@h").await.turns.is_empty());
    });
}

/// A network with services, where Ada's account is let in, and a gateway in `#tea` there.
async fn knowing_accounts(sandbox: &Sandbox, folder: &TempDir) -> (FakeIrc, IrcHome) {
    let irc = FakeIrc::start(Manners { capabilities: "account-tag message-tags", ..Manners::default() });
    let account = Irc { allow: vec!["account:ada".to_owned()], ..IrcHome::account(&irc) };
    let home = IrcHome::start(sandbox, folder, account, Routing::default()).await;
    until("the channel", async || irc.is_joined("#tea").then_some(())).await;
    (irc, home)
}

#[test]
fn an_account_keeps_its_conversation_under_another_nick() {
    run(async {
        let (sandbox, folder) = (Sandbox::start().await, TempDir::new().unwrap());
        let (irc, home) = knowing_accounts(&sandbox, &folder).await;
        irc.send("@account=Ada :Ada!a@h PRIVMSG argentum :why?");
        home.over("account:ada", 1).await;
        let before = irc.said().len();
        irc.send("@account=Ada :Lady!l@elsewhere PRIVMSG argentum :why?");
        home.over("account:ada", 2).await;
        assert!(irc.said()[..before].iter().all(|said| said.target == "Ada"));
        assert!(before < irc.said().len() && irc.said()[before..].iter().all(|said| said.target == "Lady"));
    });
}

#[test]
fn an_answer_still_goes_out_while_the_process_drains() {
    run(async {
        let (sandbox, folder, irc) = (Sandbox::start().await, TempDir::new().unwrap(), FakeIrc::start(Manners::default()));
        let vendor = FakeVendor::start();
        vendor.script([Answer::text(["one ", "two"]).paced(std::time::Duration::from_millis(300))]);
        let home = IrcHome::joined(&sandbox, &folder, &irc, Home::asking(&vendor)).await;
        irc.send(QUESTION);
        until("the question", async || (!vendor.requests().is_empty()).then_some(())).await;
        home.quiesce();
        home.over("#tea", 1).await;
        assert_eq!(irc.said()[0].text, "Ada: one two");
    });
}

fn proving(irc: &FakeIrc, folder: &TempDir) -> Irc {
    let authorities = folder.path().join("authorities.pem");
    std::fs::write(&authorities, irc.authority()).unwrap();
    Irc {
        tls: true,
        extra_ca_file: Some(authorities),
        sasl: Some(Sasl::Plain),
        account: Some("argentum".to_owned()),
        password: Some("vault:channel/chat".to_owned()),
        ..IrcHome::account(irc)
    }
}

#[test]
fn what_is_to_be_remembered_is_answered_line_by_line() {
    run(async {
        let (sandbox, folder, irc) = (Sandbox::start().await, TempDir::new().unwrap(), FakeIrc::start(Manners::default()));
        let _home = IrcHome::joined(&sandbox, &folder, &irc, Routing::default()).await;
        let _memory = Life::begin(&sandbox, Credential::Memory, folder.path().to_owned(), |bus, process| {
            argentum_memory::start(argentum_memory::Config::default(), bus, process)
        })
        .await;
        irc.send(":Ada!a@h PRIVMSG argentum :!remember I like tea");
        let noted = said(&irc, 2).await;
        assert_eq!((noted[0].target.as_str(), noted[0].text.as_str()), ("ada", "Noted: I like tea"));
        let name = noted[1].text.split_whitespace().find(|word| word.starts_with("fact.")).unwrap().to_owned();
        irc.send(&format!(":Ada!a@h PRIVMSG argentum :!forget {name}"));
        assert!(said(&irc, 3).await[2].text.starts_with("Forgotten: 1 record."));
    });
}

#[test]
fn a_weak_identity_is_told_why_it_lets_no_group_in_and_who_does() {
    run(async {
        let (sandbox, folder, irc) = (Sandbox::start().await, TempDir::new().unwrap(), FakeIrc::start(Manners::default()));
        let account = Irc { allow: vec!["ada!a@h".to_owned()], ..IrcHome::account(&irc) };
        let home = IrcHome::start(&sandbox, &folder, account, Routing::default()).await;
        until("the channel", async || irc.is_joined("#tea").then_some(())).await;
        irc.send(QUESTION);
        let told = text(&said(&irc, 1).await);
        assert!(told.contains("argentum pair approve --group --account chat '#tea'") && !told.contains("!pair"), "{told}");
        let before = irc.said().len();
        irc.send(":Ada!a@h PRIVMSG #tea :argentum: !pair");
        let told = text(&said(&irc, before + 1).await[before..]);
        assert!(told.contains("argentum pair approve"), "{told}");
        let before = irc.said().len();
        irc.send(":Ada!a@h PRIVMSG #tea :argentum: !pair");
        irc.send(":Ada!a@h PRIVMSG argentum :!status");
        let told = text(&said(&irc, before + 1).await[before..]);
        assert!(told.contains("Nothing is running"), "not again: {told}");
        assert!(home.conversation("#tea").await.turns.is_empty());
    });
}

#[test]
fn an_account_is_told_the_command_that_lets_the_group_in() {
    run(async {
        let (sandbox, folder) = (Sandbox::start().await, TempDir::new().unwrap());
        let (irc, home) = knowing_accounts(&sandbox, &folder).await;
        irc.send("@account=Ada :Ada!a@h PRIVMSG #tea :argentum: why?");
        let told = text(&said(&irc, 1).await);
        let command = told.split_once("send here: ").unwrap().1;
        assert_eq!(command, "argentum: !pair");
        irc.send(&format!("@account=Ada :Ada!a@h PRIVMSG #tea :{command}"));
        said(&irc, 2).await;
        irc.send(":Bob!b@h PRIVMSG #tea :argentum: why?");
        home.over("#tea", 1).await;
    });
}
