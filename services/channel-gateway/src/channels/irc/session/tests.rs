//! A session, told line by line what a server says.

use super::*;

/// A session, its clock, and what it wanted written.
struct Story {
    session: Session,
    now_ms: u64,
}

struct Told {
    lines: Vec<String>,
    events: Vec<Event>,
    ended: Vec<(u64, Outcome)>,
    closing: Option<Closing>,
}

fn settings() -> Settings {
    Settings {
        nick: "argentum".to_owned(),
        username: "argentum".to_owned(),
        realname: "Argentum".to_owned(),
        channels: vec!["#Tea".to_owned()],
        login: None,
        server_password: None,
        flood_burst: 4,
        flood_refill_ms: 2_000,
    }
}

fn secret(text: &str) -> Arc<SecretBytes> {
    Arc::new(SecretBytes::new(text.as_bytes().to_vec()))
}

fn told(out: Vec<Output>) -> Told {
    let mut told = Told { lines: Vec::new(), events: Vec::new(), ended: Vec::new(), closing: None };
    for output in out {
        match output {
            Output::Line(line) => told.lines.push(line),
            Output::SecretLine(line) => told.lines.push(String::from_utf8(line.expose().to_vec()).unwrap()),
            Output::Event(event) => told.events.push(event),
            Output::Ended { ticket, outcome } => told.ended.push((ticket, outcome)),
            Output::Close(closing) => told.closing = Some(closing),
        }
    }
    told
}

impl Story {
    fn connected(settings: Settings) -> (Self, Told) {
        let mut story = Self { session: Session::new(settings), now_ms: 1_000_000 };
        let told = story.tell(Input::Connected);
        (story, told)
    }

    /// In the server, and in the channel.
    fn joined(offered: &str) -> Self {
        let (mut story, _) = Self::connected(settings());
        story.hear(&[&format!(":s CAP * LS :{offered}"), &format!(":s CAP * ACK :{offered}"), ":s 001 argentum :Welcome"]);
        story.hear(&[":s 005 argentum CASEMAPPING=rfc1459 NICKLEN=16 :are supported", ":s 422 argentum :No MOTD"]);
        story.hear(&[":argentum!~arg@host.example JOIN #Tea"]);
        story
    }

    fn tell(&mut self, input: Input<'_>) -> Told {
        told(self.session.handle(input, self.now_ms))
    }

    fn hear(&mut self, lines: &[&str]) -> Told {
        told(lines.iter().flat_map(|line| self.session.handle(Input::Line(line), self.now_ms)).collect())
    }

    fn say(&mut self, target: &str, text: &str) -> Told {
        self.tell(Input::Say(Say { ticket: 7, target: target.to_owned(), text: text.to_owned(), is_notice: false }))
    }

    fn after(&mut self, ms: u64) -> Told {
        self.now_ms += ms;
        self.tell(Input::Tick)
    }
}

fn heard(told: &Told) -> &Heard {
    match told.events.as_slice() {
        [Event::Heard(heard)] => heard,
        other => panic!("nothing was heard: {other:?}"),
    }
}

#[test]
fn capabilities_that_are_offered_on_several_lines_are_asked_for_once() {
    let (mut story, told) = Story::connected(settings());
    assert_eq!(told.lines, ["CAP LS 302", "NICK argentum", "USER argentum 0 * :Argentum"]);
    assert_eq!(story.hear(&[":s CAP * LS * :echo-message away-notify"]).lines, [""; 0]);
    assert_eq!(story.hear(&[":s CAP * LS :server-time batch"]).lines, ["CAP REQ :echo-message server-time"]);
    assert_eq!(story.hear(&[":s CAP * NAK :echo-message server-time"]).lines, ["CAP END"]);
}

#[test]
fn an_account_is_proved_before_the_registration_ends() {
    let login = Some(Login::Plain { account: "ada".to_owned(), password: secret("tea\n") });
    let (mut story, _) = Story::connected(Settings { login, server_password: Some(secret("door")), ..settings() });
    assert_eq!(story.hear(&["CAP * LS :sasl=PLAIN,EXTERNAL"]).lines, ["CAP REQ :sasl"]);
    assert_eq!(story.hear(&["CAP * ACK :sasl"]).lines, ["AUTHENTICATE PLAIN"]);
    assert_eq!(story.hear(&["AUTHENTICATE +"]).lines, ["AUTHENTICATE AGFkYQB0ZWE="]);
    assert_eq!(story.hear(&["900 * a!b@c ada :in", "903 * :ok"]).lines, ["CAP END"]);
}

#[test]
fn a_long_password_goes_out_in_chunks_and_a_whole_last_one_is_ended() {
    // 300 bytes are 400 letters, exactly one chunk.
    let login = Some(Login::Plain { account: "ada".to_owned(), password: secret(&"x".repeat(295)) });
    let (mut story, _) = Story::connected(Settings { login, ..settings() });
    let lines = story.hear(&["CAP * LS :sasl", "CAP * ACK :sasl", "AUTHENTICATE +"]).lines;
    assert_eq!(lines[2].len(), "AUTHENTICATE ".len() + 400);
    assert_eq!(lines[3..], ["AUTHENTICATE +"]);
}

#[test]
fn a_certificate_answers_with_nothing() {
    let (mut story, _) = Story::connected(Settings { login: Some(Login::External), ..settings() });
    let lines = story.hear(&["CAP * LS :sasl=EXTERNAL", "CAP * ACK :sasl", "AUTHENTICATE +"]).lines;
    assert_eq!(lines[1..], ["AUTHENTICATE EXTERNAL", "AUTHENTICATE +"]);
}

#[test]
fn without_the_account_we_do_not_come_in() {
    let login = || Some(Login::Plain { account: "ada".to_owned(), password: secret("tea") });
    let closing = |lines: &[&str]| Story::connected(Settings { login: login(), ..settings() }).0.hear(lines).closing;
    let no_sasl = Some(Closing::NoSasl { mechanism: "PLAIN" });
    assert_eq!(closing(&["CAP * LS :sasl=EXTERNAL"]), no_sasl);
    assert_eq!(closing(&["CAP * LS :server-time"]), no_sasl);
    assert_eq!(closing(&["001 argentum :Welcome"]), no_sasl, "a server that knows no capabilities");
    assert_eq!(closing(&["CAP * LS :sasl", "CAP * ACK :sasl", "904 * :no"]), Some(Closing::Login { text: "no".to_owned() }));
}

#[test]
fn a_nick_in_use_is_replaced_and_taken_back_when_it_is_free() {
    let (mut story, _) = Story::connected(settings());
    assert_eq!(story.hear(&["433 * argentum :in use"]).lines, ["NICK argentum_"]);
    assert_eq!(story.hear(&["433 * argentum_ :in use"]).lines, ["NICK argentum__"]);
    story.hear(&["001 argentum__ :Welcome", "422 argentum__ :No MOTD"]);
    assert!(story.after(REGAIN_MS).lines.contains(&"NICK argentum".to_owned()));
    story.hear(&["433 argentum__ argentum :in use"]);
    assert_eq!(story.hear(&[":argentum!a@b QUIT :bye"]).lines, ["NICK argentum"]);
    story.hear(&[":argentum__!a@b NICK argentum"]);
    assert_eq!(story.session.regain_due_ms, None);
}

#[test]
fn a_ping_is_answered_before_anything_else() {
    let (mut story, _) = Story::connected(settings());
    assert_eq!(story.hear(&["PING :12 34"]).lines, ["PONG :12 34"]);
}

#[test]
fn a_text_has_its_receipt_when_the_server_has_handled_it() {
    let mut story = Story::joined("server-time");
    assert_eq!(story.say("#tea", "hello").lines, ["PRIVMSG #tea :hello", "PING :said-1"]);
    assert_eq!(story.hear(&[":s PONG s :other"]).ended, []);
    assert_eq!(story.hear(&[":s PONG s :said-1"]).ended, [(7, Outcome::Sent { platform_message_ids: vec![] })]);
}

#[test]
fn an_echo_is_the_receipt_where_the_server_echoes() {
    let mut story = Story::joined("echo-message message-tags");
    story.say("#tea", "hello");
    let ended = story.hear(&["@msgid=m1 :argentum!~arg@host.example PRIVMSG #Tea :hello", ":s PONG s :said-1"]).ended;
    assert_eq!(ended, [(7, Outcome::Sent { platform_message_ids: vec!["m1".to_owned()] })]);
    story.say("#tea", "again");
    assert!(matches!(story.hear(&[":s PONG s :said-2"]).ended[..], [(7, Outcome::Refused { .. })]));
}

#[test]
fn a_refusal_before_the_answer_is_final() {
    let mut story = Story::joined("");
    for (code, target) in [(404, "#tea"), (401, "Ada"), (486, "ada")] {
        story.say(if code == 404 { "#Tea" } else { "ada" }, "hello");
        let token = story.session.outgoing_token();
        let ended = story.hear(&[&format!(":s {code} argentum {target} :No"), &format!(":s PONG s :{token}")]).ended;
        assert_eq!(ended, [(7, Outcome::Refused { code: code.to_string(), text: "No".to_owned() })]);
    }
}

#[test]
fn a_refused_nick_of_ours_is_no_refusal_of_what_is_said_to_who_has_it() {
    let mut story = Story::joined("");
    story.hear(&[":argentum!a@b NICK argentum_"]);
    story.say("argentum", "hello");
    let ended = story.hear(&[":s 433 argentum_ argentum :in use", ":s PONG s :said-1"]).ended;
    assert!(matches!(ended[..], [(7, Outcome::Sent { .. })]));
}

#[test]
fn a_line_that_the_server_finds_too_long_is_refused() {
    let mut story = Story::joined("");
    story.say("#tea", "hello");
    let ended = story.hear(&[":s 417 argentum :Input line was too long", ":s PONG s :said-1"]).ended;
    assert!(matches!(ended[..], [(7, Outcome::Refused { .. })]));
}

#[test]
fn a_server_that_is_too_busy_is_asked_later() {
    let mut story = Story::joined("");
    story.say("#tea", "hello");
    let ended = story.hear(&[":s 263 argentum PRIVMSG :Wait", ":s PONG s :said-1"]).ended;
    assert_eq!(ended, [(7, Outcome::NeverLeft { retry_after_ms: Some(60_000) })]);
}

#[test]
fn what_was_written_when_the_connection_goes_is_unknown_and_what_waits_never_left() {
    let mut story = Story::joined("");
    story.say("#tea", "one");
    story.tell(Input::Say(Say { ticket: 8, target: "#tea".to_owned(), text: "two".to_owned(), is_notice: false }));
    assert_eq!(story.tell(Input::Closed).ended, [(7, Outcome::Unknown), (8, Outcome::NeverLeft { retry_after_ms: None })]);
}

#[test]
fn nothing_is_written_before_the_registration_or_into_a_channel_that_we_are_not_in() {
    let (mut story, _) = Story::connected(settings());
    assert_eq!(story.say("#tea", "hello").lines, [""; 0]);
    assert_eq!(story.tell(Input::Closed).ended, [(7, Outcome::NeverLeft { retry_after_ms: None })]);
    let mut story = Story::joined("");
    assert!(matches!(story.say("#other", "hello").ended[..], [(7, Outcome::NeverLeft { .. })]));
}

#[test]
fn lines_keep_the_pace() {
    let mut story = Story::joined("");
    let text = "word ".repeat(1_000);
    assert_eq!(story.say("#tea", &text).lines.len(), 4);
    assert_eq!(story.after(1_999).lines.len(), 0);
    assert_eq!(story.after(1).lines.len(), 1);
}

#[test]
fn a_relayed_line_fits_with_the_prefix_that_others_see() {
    let mut story = Story::joined("");
    story.session.outgoing = Outgoing::new(1_000, 0);
    let relayed = |story: &mut Story, prefix: &str| {
        let told = story.say("#tea", &"\u{e4}bc ".repeat(900));
        let lengths: Vec<usize> =
            told.lines.iter().filter(|line| line.starts_with("PRIVMSG")).map(|line| format!(":{prefix} {line}\r\n").len()).collect();
        let token = story.session.outgoing_token();
        story.hear(&[&format!(":s PONG s :{token}")]);
        (lengths.len(), lengths.into_iter().max().unwrap())
    };
    let (short, longest) = relayed(&mut story, "argentum!~arg@host.example");
    assert!((500..=512).contains(&longest), "{longest}");
    let host = "h".repeat(63);
    story.hear(&[&format!(":argentum!~arg@host.example CHGHOST ~arg {host}")]);
    let (long, longest) = relayed(&mut story, &format!("argentum!~arg@{host}"));
    assert!((500..=512).contains(&longest) && short < long, "{longest}");
}

#[test]
fn who_is_logged_in_has_an_account_and_others_an_address() {
    let mut story = Story::joined("account-tag message-tags");
    let told = story.hear(&["@account=Ada :Lady!l@h PRIVMSG #TEA :hi"]);
    assert_eq!((heard(&told).identity.as_str(), heard(&told).is_weak), ("account:ada", false));
    assert_eq!(heard(&told).place, Place::Channel { folded: "#tea".to_owned(), name: "#Tea".to_owned() });
    let told = story.hear(&[":Lady!l@H.Example PRIVMSG Argentum :hi"]);
    assert_eq!((heard(&told).identity.as_str(), heard(&told).is_weak), ("lady!l@h.example", true));
    assert_eq!(heard(&told).place, Place::Private);
}

#[test]
fn an_account_tag_that_was_not_agreed_on_is_not_believed() {
    let mut story = Story::joined("");
    assert!(heard(&story.hear(&["@account=ada :eve!e@h PRIVMSG argentum :hi"])).is_weak);
}

#[test]
fn accounts_are_learned_from_joins_where_messages_do_not_say_them() {
    let mut story = Story::joined("extended-join account-notify");
    story.hear(&[":ada!a@h JOIN #tea Ada :Ada"]);
    assert_eq!(heard(&story.hear(&[":ada!a@h PRIVMSG argentum :hi"])).identity, "account:ada");
    story.hear(&[":ada!a@h PART #tea"]);
    assert!(heard(&story.hear(&[":ada!a@h PRIVMSG argentum :hi"])).is_weak);
}

#[test]
fn notices_own_echoes_and_what_only_some_may_read_are_not_heard() {
    let mut story = Story::joined("");
    let told = story.hear(&[":ada!a@h NOTICE argentum :hi", ":argentum!~arg@h PRIVMSG #tea :hi", ":ada!a@h PRIVMSG @#tea :argentum: hi"]);
    assert_eq!(told.events, []);
}

#[test]
fn a_channel_that_we_were_thrown_out_of_is_joined_again() {
    let mut story = Story::joined("");
    assert!(story.session.is_in("#tea"));
    let told = story.hear(&[":op!o@h KICK #tea ArGentum :out"]);
    assert_eq!(told.events, [Event::Outside { channel: "#tea".to_owned(), reason: "out".to_owned() }]);
    assert!(story.after(REJOIN_MS).lines.contains(&"JOIN #Tea".to_owned()));
    let told = story.hear(&[":s 474 argentum #Tea :Banned"]);
    assert_eq!(told.events, [Event::Outside { channel: "#tea".to_owned(), reason: "474 Banned".to_owned() }]);
}

#[test]
fn a_silent_server_is_asked_and_then_left() {
    let mut story = Story::joined("");
    assert_eq!(story.after(SILENCE_MS).lines, ["PING :alive"]);
    assert_eq!(story.after(ANSWER_MS).closing, Some(Closing::Silent));
}

#[test]
fn a_server_that_does_not_handle_what_was_said_is_left() {
    let mut story = Story::joined("");
    story.say("#tea", "hello");
    assert_eq!(story.session.next_due_ms(story.now_ms), Some(story.now_ms + ANSWER_MS));
    assert_eq!(story.after(ANSWER_MS).closing, Some(Closing::Silent));
}

proptest::proptest! {
    #[test]
    fn nothing_that_a_server_says_breaks_us(lines in proptest::collection::vec("(@[a-z=;]{0,9} )?(:[!@a-z.]{0,9} )?([A-Z]{3,9}|CAP|JOIN|NICK|KICK|[0-9]{3})( \\PC{0,9}){0,5}( :\\PC{0,20})?", 0..40)) {
        let mut story = Story::joined("echo-message");
        story.say("#tea", "hello");
        for line in &lines {
            for line in story.hear(&[line]).lines {
                proptest::prop_assert!(!line.contains(['\r', '\n']), "{line:?}");
            }
        }
        let ended = story.tell(Input::Closed).ended.len();
        proptest::prop_assert!(ended <= 1);
    }
}

impl Session {
    fn outgoing_token(&self) -> String {
        self.outgoing.token().unwrap().to_owned()
    }
}
