//! The scripts: what is said on which connection.

/// One conversation with a server.
pub(crate) struct Script {
    pub(crate) name: &'static str,
    /// Connection and text; after each step everything it caused is awaited.
    pub(crate) steps: Vec<(usize, String)>,
    /// Whether the last step of each connection makes the server close it.
    pub(crate) ends: bool,
    pub(crate) order: Order,
}

/// What of the answer is chance.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    Exact,
    /// In which order several subscriptions of one connection get a message.
    AnySubscription,
    /// Which member of a queue group gets it.
    AnyMember,
}

const QUIET: &str = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";
const HEADERS: &str = "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}\r\n";

pub(crate) const USERS: &str = r#"
authorization {
  timeout: 2
  users: [
    {user: free, password: pw}
    {user: ann, password: pw, permissions: {publish: ["a.*", "b.>"], subscribe: {allow: ["in.>", "r"], deny: "in.secret"}}}
    {user: bob, password: pw, permissions: {publish: {allow: ">", deny: ["no.>", "never"]}, subscribe: ["jobs workers", "open", "v v1.*"]}}
    {user: bcrypt, password: "$2a$04$B5WoXfHeTLDgyzF19wmQmOnPIdTKYnbgF2JG/MRmxi6/WptHxWtgq"}
    {user: svc, password: pw, permissions: {subscribe: service, allow_responses: {max: 2, expires: "1m"}}}
    {user: nostar, password: pw, permissions: {subscribe: {deny: ["*", "x.*"]}}}
    {nkey: UAFHG6FUD2UU4SDFVAFUL5LDFO2XM4WYM76UNXTPJYJK7EEMYRBHT2VE}
  ]
}
"#;

fn script(name: &'static str, text: &str) -> Script {
    Script { name, steps: vec![(0, text.to_owned())], ends: false, order: Order::Exact }
}

fn quiet(name: &'static str, text: &str) -> Script {
    script(name, &format!("{QUIET}{text}"))
}

fn headers(name: &'static str, text: &str) -> Script {
    script(name, &format!("{HEADERS}{text}"))
}

fn login(user: &str) -> String {
    format!(
        "CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"user\":\"{user}\",\"pass\":\"pw\"}}\r\n"
    )
}

fn user(name: &'static str, user: &str, text: &str) -> Script {
    script(name, &format!("{}{text}", login(user)))
}

impl Script {
    fn ending(mut self) -> Self {
        self.ends = true;
        self
    }

    fn ordered(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    fn then(mut self, connection: usize, text: &str) -> Self {
        self.steps.push((connection, text.to_owned()));
        self
    }
}

/// For a server without users and with `max_payload` 1 KB.
pub(crate) fn open() -> Vec<Script> {
    let mut scripts = framing();
    scripts.extend(options());
    scripts.extend(routing());
    scripts
}

fn framing() -> Vec<Script> {
    let long = "a".repeat(5000);
    vec![
        script("before CONNECT", "SUB a 1\r\nPUB a 2\r\nhi\r\n"),
        script("verbs in any case", "connect {\"verbose\":false}\r\nsUb a 1\r\nPuB a 0\r\n\r\npOnG\r\nunSUB 1\r\n"),
        quiet("spaces and tabs", "SUB \t a\t1 \r\nPUB  a\t 2 \r\nhi\r\n"),
        script("lone line feeds", "CONNECT {\"verbose\":false}\nSUB a 1\nPUB a 2\nhi\r\nPONG\n"),
        quiet("words after PING and PONG", "PONG junk\r\nPONG  \r\n"),
        quiet("PING and PONG glued", "PONGx\r\n"),
        quiet("binary body", "SUB a 1\r\nPUB a 6\r\n\r\n\0PUB\r\n"),
        quiet("+OK and INFO from a client", "+OK\r\nINFO {}\r\n"),
        quiet("-ERR from a client", "-ERR 'x'\r\n").ending(),
        quiet("unknown verb", "FOO\r\n").ending(),
        quiet("empty line", "\r\n").ending(),
        quiet("verb without arguments", "SUB\r\n").ending(),
        quiet("verb with blanks only", "PUB  \r\n").ending(),
        quiet("body too long", "PUB a 3\r\nabcde\r\n").ending(),
        quiet("body without CRLF", "PUB a 2\nhi\nPUB").ending(),
        quiet("PUB without size", "PUB a\r\n").ending(),
        quiet("PUB with too much", "PUB a b c 2\r\n").ending(),
        quiet("negative size", "PUB a -1\r\n").ending(),
        quiet("signed size", "PUB a +1\r\n").ending(),
        quiet("size of ten digits", "PUB a 1000000000\r\n").ending(),
        quiet("size of nine digits", "PUB a 100000000\r\n").ending(),
        quiet("SUB without sid", "SUB a\r\n").ending(),
        quiet("SUB with too much", "SUB a b c d\r\n").ending(),
        quiet("UNSUB with too much", "UNSUB 1 2 3\r\n").ending(),
        quiet("payload at the limit", &format!("SUB a 1\r\nPUB a 1024\r\n{}\r\n", "x".repeat(1024))),
        quiet("payload above the limit", "PUB a 1025\r\n").ending(),
        headers("payload with header above the limit", "HPUB a 12 1025\r\n").ending(),
        quiet("long control line", &format!("PUB {long} 0\r\n")).ending(),
        quiet("long control line without end", &format!("PUB {long}")).ending(),
        quiet("longest control line", &format!("PUB {} 0\r\n\r\n", "a".repeat(4094))),
        quiet("control line one longer", &format!("PUB {} 0\r\n", "a".repeat(4095))).ending(),
    ]
}

fn options() -> Vec<Script> {
    let connect = |name, options: &str, text: &str| script(name, &format!("CONNECT {options}\r\n{text}"));
    vec![
        connect("absent options", "{}", "SUB a 1\r\nSUB a 1\r\nPUB a 1\r\nx\r\nUNSUB 1 5\r\nUNSUB 1\r\nUNSUB 9\r\n"),
        connect("verbose errors", "{\"verbose\":true}", "SUB a..b 1\r\nPUB a.* 0\r\n\r\nPUB a..b 0\r\n\r\n"),
        connect(
            "pedantic",
            "{\"verbose\":false,\"pedantic\":true}",
            "PUB a.* 0\r\n\r\nPUB a..b 0\r\n\r\nPUB > 0\r\n\r\nPUB foo* 0\r\n\r\n",
        ),
        connect(
            "echo off",
            "{\"verbose\":false,\"echo\":false,\"headers\":true,\"no_responders\":true}",
            "SUB a 1\r\nSUB a q 2\r\nSUB r 3\r\nPUB a 0\r\n\r\nPUB a r 0\r\n\r\n",
        ),
        connect("null", "null", "SUB a 1\r\n"),
        connect("keys in any case", "{\"Verbose\":false,\"PEDANTIC\":false}", "SUB a 1\r\nPUB a.* 0\r\n\r\n"),
        connect("protocol 1", "{\"verbose\":false,\"protocol\":1}", "").then(0, "").then(0, ""),
        connect("protocol 2", "{\"verbose\":false,\"protocol\":2}", "").ending(),
        connect("no_responders without headers", "{\"verbose\":false,\"no_responders\":true}", "").ending(),
        connect("wrong type", "{\"verbose\":\"yes\"}", "").ending(),
        connect("broken JSON", "{\"verbose\":false", "").ending(),
        script("CONNECT without JSON", "CONNECT\r\n").ending(),
        quiet("an account", "CONNECT {\"account\":\"A\"}\r\n").ending(),
        quiet("second CONNECT", "SUB a 1\r\nCONNECT {\"verbose\":true}\r\nPUB a 0\r\n\r\nSUB a 1\r\nPUB a 0\r\n\r\n"),
    ]
}

fn routing() -> Vec<Script> {
    let groups = "SUB foo q 1\r\nSUB fo* q 2\r\nSUB * q 3\r\n";
    vec![
        quiet(
            "wildcards",
            "SUB a.* 1\r\nSUB b.> 2\r\nPUB a 0\r\n\r\nPUB a.x 0\r\n\r\nPUB a.x.y 0\r\n\r\nPUB b 0\r\n\r\nPUB b.x.y 0\r\n\r\n",
        ),
        quiet("wildcards inside tokens", "SUB foo* 1\r\nSUB >a 2\r\nPUB foo* 0\r\n\r\nPUB foox 0\r\n\r\nPUB >a 0\r\n\r\n"),
        quiet(
            "bad subjects",
            "SUB a..b 1\r\nSUB .a 1\r\nSUB a. 1\r\nSUB a.>.b 1\r\nSUB > 1\r\nPUB a..b 0\r\n\r\nPUB .a 0\r\n\r\nPUB a.> 0\r\n\r\n",
        ),
        quiet("a publication to wildcards", "SUB a.* 1\r\nSUB a.b 2\r\nPUB a.* 0\r\n\r\nPUB a.> 0\r\n\r\n"),
        quiet("overlapping subscriptions", "SUB a.b 1\r\nSUB a.* 2\r\nSUB > 3\r\nSUB a.b 4\r\nPUB a.b 0\r\n\r\n")
            .ordered(Order::AnySubscription),
        quiet("case matters", "SUB A 1\r\nPUB a 0\r\n\r\nPUB A 0\r\n\r\n"),
        quiet("same sid", "SUB a 1\r\nSUB b 1\r\nPUB b 0\r\n\r\nPUB a 0\r\n\r\nUNSUB 1\r\nSUB b 1\r\nPUB b 0\r\n\r\n"),
        quiet(
            "UNSUB with maximum",
            "SUB a 1\r\nPUB a 0\r\n\r\nUNSUB 1 3\r\nPUB a 0\r\n\r\nPUB a 0\r\n\r\nPUB a 0\r\n\r\nSUB a 1\r\nPUB a 0\r\n\r\n",
        ),
        quiet("UNSUB with reached maximum", "SUB a 1\r\nPUB a 0\r\n\r\nPUB a 0\r\n\r\nUNSUB 1 2\r\nPUB a 0\r\n\r\n"),
        quiet("UNSUB with words", "SUB a 1\r\nUNSUB 1 x\r\nPUB a 0\r\n\r\nSUB a 2\r\nUNSUB 2 0\r\nPUB a 0\r\n\r\n"),
        quiet("UNSUB with a larger, then a smaller maximum", "SUB a 1\r\nUNSUB 1 5\r\nUNSUB 1 1\r\nPUB a 0\r\n\r\nPUB a 0\r\n\r\n"),
        quiet("one member per queue name", &format!("{groups}PUB foo 0\r\n\r\nPUB foo 0\r\n\r\n")).ordered(Order::AnyMember),
        quiet("two queue names", "SUB foo q1 1\r\nSUB foo q2 2\r\nPUB foo 0\r\n\r\n").ordered(Order::AnySubscription),
        quiet("queue and plain", "SUB foo q 1\r\nSUB foo 2\r\nPUB foo 0\r\n\r\n").ordered(Order::AnySubscription),
        quiet("queue with maximum", "SUB foo q 1\r\nUNSUB 1 1\r\nPUB foo 0\r\n\r\nPUB foo 0\r\n\r\n"),
        script("queue over connections", &format!("{QUIET}SUB foo q 1\r\n"))
            .then(1, &format!("{QUIET}SUB foo q 1\r\nUNSUB 1\r\n"))
            .then(2, &format!("{QUIET}PUB foo 0\r\n\r\n")),
        script("echo off passes a group on", "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\nSUB foo q 1\r\n")
            .then(1, &format!("{QUIET}SUB foo q 1\r\n"))
            .then(0, "PUB foo 0\r\n\r\nPUB foo 0\r\n\r\n"),
        headers("headers", "SUB a 1\r\nHPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\nHPUB a r 14 16\r\nNATS/1.0\r\n\r\n\r\nhi\r\n"),
        headers("headers that are none", "SUB a 1\r\nHPUB a 5 7\r\nabcdeyo\r\nHPUB a 0 2\r\nhi\r\nHPUB a 2 2\r\nhi\r\n"),
        headers("header longer than the message", "HPUB a 5 3\r\n").ending(),
        quiet("headers without consent", "HPUB a 0 0\r\n").ending(),
        headers("headers are stripped", "").then(1, &format!("{QUIET}SUB a 1\r\n")).then(0, "HPUB a r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"),
        headers("no responders", "SUB r.* 1\r\nPUB a r.x 2\r\nhi\r\nPUB a 0\r\n\r\nPUB a elsewhere 0\r\n\r\n"),
        headers("no responders once", "SUB r 1\r\nSUB r 1\r\nSUB r q 2\r\nPUB a r 0\r\n\r\n"),
        headers("no responders for a queue", "SUB r q 1\r\nPUB a r 0\r\n\r\n"),
        headers("no responders does not count", "SUB r 1\r\nUNSUB 1 1\r\nPUB a r 0\r\n\r\nPUB a r 0\r\n\r\nPUB r 0\r\n\r\nPUB r 0\r\n\r\n"),
        headers("no responders to a bad subject", "SUB r 1\r\nPUB a..b r 0\r\n\r\n"),
        headers(
            "reserved",
            "PUB a _R_.x 0\r\n\r\nPUB _R_.x 0\r\n\r\nPUB $NRG.a 0\r\n\r\nPUB _GR_.a 0\r\n\r\nPUB $GR.a 0\r\n\r\nPUB a $JS.ACK.a 0\r\n\r\nPUB $SYS.a 0\r\n\r\n",
        ),
        script("between connections", &format!("{QUIET}SUB a.> 1\r\n"))
            .then(1, &format!("{QUIET}PUB a.b r 2\r\nhi\r\n"))
            .then(0, "UNSUB 1\r\n")
            .then(1, "PUB a.b 0\r\n\r\n"),
    ]
}

/// For a server with [`USERS`].
pub(crate) fn closed() -> Vec<Script> {
    let connect = |name, options: &str| script(name, &format!("CONNECT {options}\r\n")).ending();
    let wrong_signature = "{\"nkey\":\"UAFHG6FUD2UU4SDFVAFUL5LDFO2XM4WYM76UNXTPJYJK7EEMYRBHT2VE\",\"sig\":\"AAAA\"}";
    vec![
        connect("no credentials", "{}"),
        connect("wrong password", "{\"user\":\"free\",\"pass\":\"no\"}"),
        connect("unknown user", "{\"user\":\"who\",\"pass\":\"pw\"}"),
        connect("a token nobody has", "{\"auth_token\":\"pw\"}"),
        connect("the hash as password", "{\"user\":\"bcrypt\",\"pass\":\"$2a$04$B5WoXfHeTLDgyzF19wmQmOnPIdTKYnbgF2JG/MRmxi6/WptHxWtgq\"}"),
        connect("a wrong signature", wrong_signature),
        script("PING first", "PING\r\n").ending(),
        script("SUB first", "SUB a 1\r\n").ending(),
        script("silence until the timeout", "").ending(),
        user("everything is allowed", "free", "SUB > 1\r\nPUB a 0\r\n\r\n"),
        user("second CONNECT with other rights", "free", "SUB in.a 1\r\n")
            .then(0, &format!("{}PUB b.x 0\r\n\r\nPUB in.a 0\r\n\r\n", login("ann"))),
        user("second CONNECT without right", "free", "").then(0, "CONNECT {\"user\":\"free\",\"pass\":\"no\"}\r\n").ending(),
        user(
            "publishing",
            "ann",
            "PUB a.x 0\r\n\r\nPUB a 0\r\n\r\nPUB a.x.y 0\r\n\r\nPUB b.x.y 0\r\n\r\nPUB b 0\r\n\r\nPUB a..b 0\r\n\r\nPUB b.* 0\r\n\r\n",
        ),
        user(
            "subscribing",
            "ann",
            "SUB in.a 1\r\nSUB in.> 2\r\nSUB in.secret 3\r\nSUB other 4\r\nSUB > 5\r\nSUB * 6\r\nSUB in.*.x 7\r\nSUB in.a q 8\r\nSUB x q 9\r\n",
        ),
        user("malformed subscriptions", "ann", "SUB in..a 1\r\nSUB in.a. 2\r\n"),
        user("verbose refusals", "ann", "CONNECT {\"verbose\":true}\r\nPUB x 0\r\n\r\nSUB x 1\r\nPUB a.x 0\r\n\r\n"),
        user("filtered delivery", "ann", "SUB in.> 1\r\nSUB r 2\r\n")
            .then(1, &format!("{}PUB in.secret 0\r\n\r\nPUB in.open 0\r\n\r\n", login("free"))),
        user("no responders behind a filter", "ann", "SUB in.> 1\r\n")
            .then(1, &format!("{}SUB r 1\r\nPUB in.secret r 0\r\n\r\n", login("free"))),
        user("denied publications", "bob", "PUB no 0\r\n\r\nPUB no.x 0\r\n\r\nPUB never 0\r\n\r\nPUB never.x 0\r\n\r\n"),
        user(
            "queue pairs",
            "bob",
            "SUB jobs workers 1\r\nSUB jobs others 2\r\nSUB jobs 3\r\nSUB open 4\r\nSUB open q 5\r\nSUB v v1.a 6\r\nSUB v v2.a 7\r\nSUB v 8\r\n",
        ),
        user(
            "no stars",
            "nostar",
            "SUB > 1\r\nSUB * 2\r\nSUB x.> 3\r\nSUB x.* 4\r\nSUB x.y.> 5\r\nPUB x.y 0\r\n\r\nPUB x.y.z 0\r\n\r\nPUB a 0\r\n\r\n",
        )
        .ordered(Order::AnySubscription),
        user("responses", "svc", "SUB service 1\r\nPUB reply 0\r\n\r\n")
            .then(1, &format!("{}SUB reply 1\r\nPUB service reply 0\r\n\r\n", login("free")))
            .then(0, "PUB reply 1\r\n1\r\nPUB reply 1\r\n2\r\nPUB reply 1\r\n3\r\nPUB other 0\r\n\r\n"),
        user("a response to nobody", "svc", "SUB service 1\r\nSUB inbox 2\r\n").then(0, "PUB service x 0\r\n\r\n"),
    ]
}
