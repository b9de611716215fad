//! What files mean, and what is refused.

use std::time::Duration;

use super::*;
use crate::authentication::Credential;
use crate::permissions::Permissions;

fn faults(text: &str) -> Vec<String> {
    Configuration::parse(text).err().map(|faults| faults.0.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

fn permissions(text: &str) -> Permissions {
    let text = format!("authorization {{ users = [ {{ user: a, password: b, permissions: {text} }} ] }}");
    let configuration = Configuration::parse(&text).unwrap_or_else(|faults| panic!("{faults}"));
    configuration.authorization.users[0].permissions.clone()
}

#[test]
fn an_empty_file_is_the_defaults_of_nats_server() {
    let configuration = Configuration::parse("").unwrap();
    assert_eq!((configuration.host.as_str(), configuration.port, configuration.authorization.users.len()), ("0.0.0.0", 4222, 0));
    assert_eq!((configuration.options.payload_bytes_max, configuration.options.pending_bytes_max), (1 << 20, 64 << 20));
}

#[test]
fn every_setting_reaches_its_option() {
    let text = "listen: localhost:-1\nserver_name: N\nmax_payload: 8MB\nmax_pending: 16MB\nmax_control_line: 1KB\nmax_connections: 7\nmax_subs: 8\nping_interval: \"100ms\"\nping_max: 3
        write_deadline: 2s\ndebug: true\ntrace: on\nlogtime: false\nlog_file: l\npid_file: p\nlame_duck_duration: 40s\nlame_duck_grace_period: 5s\nstore_dir: d";
    let Configuration { host, port, options, log, pid_file, farewell, .. } =
        Configuration::parse(text).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!((host.as_str(), port, options.server_name.as_str()), ("localhost", -1, "N"));
    assert_eq!((options.payload_bytes_max, options.pending_bytes_max, options.control_line_bytes_max), (8 << 20, 16 << 20, 1024));
    assert_eq!((options.connections_max, options.subscriptions_max, options.pings_outstanding_max), (7, Some(8), 3));
    assert_eq!((options.ping_interval, options.write_deadline), (Duration::from_millis(100), Duration::from_secs(2)));
    assert_eq!(log, LogSettings { is_debug: true, is_trace: true, has_time: false, file: Some("l".into()) });
    assert_eq!((pid_file, farewell.duration, farewell.grace_period), (Some("p".into()), Duration::from_secs(40), Duration::from_secs(5)));
}

#[test]
fn addresses_are_written_in_several_ways() {
    let address = |text: &str| {
        Configuration::parse(text).map(|configuration| (configuration.host, configuration.port)).map_err(|faults| faults.to_string())
    };
    assert_eq!(address("listen: 4747"), Ok(("0.0.0.0".into(), 4747)));
    assert_eq!(address("listen: \"[::1]:4222\""), Ok(("::1".into(), 4222)));
    assert_eq!(address("net: 127.0.0.1, port: -1"), Ok(("127.0.0.1".into(), -1)));
    assert!(address("listen: nowhere").is_err() && address("port: 70000").is_err() && address("port: x").is_err());
}

#[test]
fn what_is_unknown_or_unsupported_is_refused_by_name_all_at_once() {
    let faults = faults("prot: 1\njetstream: {}\naccounts {\n}\nmax_payload: big\nauthorization { user: a, password: b, colour: red }");
    let starts = [
        "test.conf:1:1: unknown field `prot`",
        "test.conf:2:1: `jetstream` is not supported",
        "test.conf:3:1: `accounts` is not supported",
        "test.conf:5:14: an integer is expected",
        "test.conf:6:39: unknown field `colour` in `authorization`",
    ];
    assert_eq!(faults.len(), starts.len(), "{faults:?}");
    assert!(faults.iter().zip(starts).all(|(fault, start)| fault.starts_with(start)), "{faults:?}");
}

#[test]
fn credentials_come_in_five_kinds() {
    let kind = |text: &str| {
        let configuration = Configuration::parse(text).unwrap_or_else(|faults| panic!("{faults}"));
        match &configuration.authorization.users[0].credential {
            Credential::Nkey(_) => "nkey",
            Credential::Token(_) => "token",
            Credential::Password { .. } => "password",
            Credential::PasswordHash { .. } => "password hash",
            Credential::TokenHash(_) => "token hash",
        }
    };
    let hash = bcrypt::hash("x", 4).unwrap();
    assert_eq!(kind("authorization { user: derek, password: porkchop, timeout: 1 }"), "password");
    assert_eq!(kind("authorization { token: \"s3cr3t\"\n timeout: \"2s\" }"), "token");
    assert_eq!(kind(&format!("authorization {{ user: derek, password: {hash} }}")), "password hash");
    assert_eq!(kind(&format!("authorization {{ token: \"{hash}\" }}")), "token hash");
    assert_eq!(kind("authorization: { users: [ { nkey: UAFHG6FUD2UU4SDFVAFUL5LDFO2XM4WYM76UNXTPJYJK7EEMYRBHT2VE } ] }"), "nkey");
}

#[test]
fn doubtful_credentials_are_refused() {
    let texts = [
        "authorization {}",
        "authorization { user: a }",
        "authorization { user: a, password: \"\" }",
        "authorization { user: a, password: b, token: c }",
        "authorization { user: a, password: \"$2a$04$short\" }",
        "authorization { token: t, users: [ { user: a, password: b } ] }",
        "authorization { user: a, password: b, permissions: { publish: a } }",
        "authorization { users: [ { nkey: UAFH } ] }",
        "authorization { users: [ { user: a, password: b }, { user: a, password: c } ] }",
        "authorization { users: [ { user: a, password: b, connection_types: [ WEBSOCKET ] } ] }",
        "no_auth_user: nobody",
    ];
    assert!(texts.iter().all(|text| faults(text).len() == 1), "{:?}", texts.map(faults));
}

#[test]
fn permissions_left_out_are_open_and_lists_are_exact() {
    let open = permissions("{}");
    assert_eq!((open.publish.allow, open.subscribe.allow), (vec![">".to_owned()], vec![">".to_owned()]));
    let some = permissions("{ publish: a.>, subscribe: { allow: [\"b\", \"c workers\"], deny: d } }");
    assert_eq!(
        (some.publish.allow, some.subscribe.allow, some.subscribe.deny),
        (vec!["a.>".to_owned()], vec!["b".to_owned(), "c workers".to_owned()], vec!["d".to_owned()])
    );
    let denying = permissions("{ publish: { deny: x } }");
    assert_eq!((denying.publish.allow, denying.publish.deny), (vec![">".to_owned()], vec!["x".to_owned()]));
}

#[test]
fn a_responder_may_publish_nothing_else() {
    let responder = permissions("{ subscribe: s, allow_responses: { max: 5, expires: \"1m\" } }");
    let limits = responder.allow_responses.unwrap();
    assert!(responder.publish.allow.is_empty());
    assert_eq!((limits.messages_max, limits.expires), (Some(5), Some(Duration::from_secs(60))));
    assert!(permissions("{ allow_responses: false }").allow_responses.is_none());
}

#[test]
fn doubtful_permissions_are_refused() {
    let user = |text: &str| format!("authorization {{ users = [ {{ user: a, password: b, permissions: {text} }} ] }}");
    let texts = [
        "{ publish: [] }",
        "{ publish: a..b }",
        "{ publish: \"a q\" }",
        "{ subscribe: \"a q r\" }",
        "{ subscribe: { alow: a } }",
        "{ publsh: a }",
        "{ allow_responses: 3 }",
    ];
    assert!(texts.iter().all(|text| faults(&user(text)).len() == 1), "{:?}", texts.map(|text| faults(&user(text))));
}

#[test]
fn default_permissions_apply_to_users_without_their_own() {
    let text = "authorization { default_permissions: { publish: p }, users: [ { user: a, password: b }, { user: c, password: d, permissions: { publish: q } } ] }";
    let users = Configuration::parse(text).unwrap_or_else(|faults| panic!("{faults}")).authorization.users;
    assert_eq!(users.iter().map(|user| user.permissions.publish.allow[0].as_str()).collect::<Vec<_>>(), ["p", "q"]);
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    for text in ["max_pending: 1KB", "lame_duck_duration: 5s\nlame_duck_grace_period: 1s", "lame_duck_grace_period: 5m", "ping_interval: 0"]
    {
        assert_eq!(faults(text).len(), 1, "{text}: {:?}", faults(text));
    }
}
