//! The settings at the top of a file.

use std::path::PathBuf;
use std::time::Duration;

use super::authorization::{self, Authorization};
use super::fault::Fault;
use super::section::FaultList;
use super::tls;
use super::value::{Entry, Located, Map, Value};
use super::{Configuration, LogSettings};

const CORE_ONLY: &str = "this server is core NATS; set `bus.mode` to `supervised` or `external` to use a real nats-server";
const NO_MONITORING: &str = "it has no monitoring port; ask the process that embeds it";
const REMOVE: &str = "remove it";

/// nats-server waits at least this long for clients to move, too.
const LAME_DUCK_MIN: Duration = Duration::from_secs(30);

/// Settings of nats-server that this server does not have, and what to do instead.
const UNSUPPORTED: [(&[&str], &str); 9] = [
    (
        &[
            "jetstream",
            "default_js_domain",
            "cluster",
            "gateway",
            "leaf",
            "leafnodes",
            "websocket",
            "ws",
            "mqtt",
            "mappings",
            "maps",
            "feature_flags",
        ],
        CORE_ONLY,
    ),
    (
        &["accounts", "system_account", "system", "no_system_account", "no_system", "no_sys_acc"],
        "there is one account; put its users into `authorization`",
    ),
    (
        &[
            "operator",
            "operators",
            "roots",
            "root",
            "root_operators",
            "root_operator",
            "resolver",
            "account_resolver",
            "accounts_resolver",
            "resolver_tls",
            "resolver_preload",
            "resolver_pinned_accounts",
            "trusted",
            "trusted_keys",
            "default_sentinel",
        ],
        "JWT needs a real nats-server; use nkeys in `authorization` here",
    ),
    (&["allow_non_tls", "ocsp", "ocsp_cache"], "remove it: with `tls` every connection is encrypted"),
    (&["http", "https", "http_port", "monitor_port", "https_port", "http_base_path", "prof_port", "prof_block_rate"], NO_MONITORING),
    (
        &["syslog", "remote_syslog", "logfile_size_limit", "log_size_limit", "logfile_max_num", "log_max_num"],
        "log to stderr or to `log_file`, and rotate outside",
    ),
    (
        &[
            "client_advertise",
            "connect_error_reports",
            "reconnect_error_reports",
            "server_tags",
            "server_metadata",
            "proxies",
            "proxy_protocol",
        ],
        CORE_ONLY,
    ),
    (
        &["no_header_support", "no_fast_producer_stall", "max_sub_tokens", "max_subscription_tokens", "write_timeout", "ports_file_dir"],
        REMOVE,
    ),
    (
        &[
            "disable_sublist_cache",
            "no_sublist_cache",
            "max_traced_msg_len",
            "trace_verbose",
            "trace_headers",
            "max_closed_clients",
            "logtime_utc",
        ],
        REMOVE,
    ),
];

/// Reads the whole configuration.
pub(crate) fn read(map: &Map, faults: &mut FaultList) -> Configuration {
    let mut configuration = Configuration::default();
    let mut anonymous: Option<(String, &Located)> = None;
    for entry in &map.entries {
        match entry.name().as_str() {
            "authorization" => configuration.authorization = authorization::read(&entry.value, faults),
            "tls" => configuration.options.tls = tls::read(&entry.value, faults),
            "no_auth_user" => anonymous = entry.value.text(faults).map(|name| (name, &entry.value)),
            "listen" => listen(&entry.value, &mut configuration, faults),
            "host" | "addr" | "net" => set(&mut configuration.host, entry.value.text(faults)),
            "port" => set(&mut configuration.port, port(&entry.value, faults)),
            "pidfile" | "pid_file" => configuration.pid_file = entry.value.text(faults).map(PathBuf::from),
            // No JetStream, so nothing is stored: the folder is allowed because start scripts name it.
            "store_dir" | "storedir" => drop(entry.value.text(faults)),
            "lame_duck_duration" => set(&mut configuration.farewell.duration, entry.value.duration(faults)),
            "lame_duck_grace_period" => set(&mut configuration.farewell.grace_period, entry.value.duration(faults)),
            name if log(name, entry, &mut configuration.log, faults) || limit(name, entry, &mut configuration, faults) => {}
            name => refuse(name, entry, faults),
        }
    }
    check(map, &configuration, faults);
    set_anonymous(anonymous, &mut configuration.authorization, faults);
    configuration
}

fn log(name: &str, entry: &Entry, log: &mut LogSettings, faults: &mut FaultList) -> bool {
    match name {
        "debug" => set(&mut log.is_debug, entry.value.boolean(faults)),
        "trace" => set(&mut log.is_trace, entry.value.boolean(faults)),
        "logtime" => set(&mut log.has_time, entry.value.boolean(faults)),
        "logfile" | "log_file" => log.file = entry.value.text(faults).map(PathBuf::from),
        _ => return false,
    }
    true
}

fn limit(name: &str, entry: &Entry, configuration: &mut Configuration, faults: &mut FaultList) -> bool {
    let (options, value) = (&mut configuration.options, &entry.value);
    match name {
        "server_name" => set(&mut options.server_name, server_name(value, faults)),
        "max_payload" => set(&mut options.payload_bytes_max, value.positive(faults)),
        "max_pending" => set(&mut options.pending_bytes_max, value.positive(faults)),
        "max_control_line" => set(&mut options.control_line_bytes_max, value.positive(faults)),
        "max_connections" | "max_conn" => set(&mut options.connections_max, value.positive(faults)),
        "max_subscriptions" | "max_subs" => options.subscriptions_max = subscriptions_max(value, faults),
        "ping_interval" => set(&mut options.ping_interval, value.duration(faults)),
        "ping_max" => set(&mut options.pings_outstanding_max, value.positive(faults)),
        "write_deadline" => set(&mut options.write_deadline, value.duration(faults)),
        _ => return false,
    }
    true
}

fn refuse(name: &str, entry: &Entry, faults: &mut FaultList) {
    match UNSUPPORTED.iter().find(|(names, _)| names.contains(&name)) {
        Some((_, remedy)) => entry.unsupported(remedy, faults),
        None => entry.unknown("", faults),
    }
}

/// What one setting demands of another.
fn check(map: &Map, configuration: &Configuration, faults: &mut FaultList) {
    let place = |names: &[&str]| {
        map.entries.iter().rev().find(|entry| names.contains(&entry.name().as_str())).map_or(&map.position, |entry| &entry.key_position)
    };
    let (options, farewell) = (&configuration.options, &configuration.farewell);
    if options.pending_bytes_max < options.payload_bytes_max {
        faults.push(Fault::new(place(&["max_pending", "max_payload"]), "`max_payload` must not be above `max_pending`"));
    }
    if farewell.duration < LAME_DUCK_MIN {
        faults.push(Fault::new(place(&["lame_duck_duration"]), "`lame_duck_duration` must be at least 30s"));
    }
    if farewell.duration <= farewell.grace_period {
        faults.push(Fault::new(
            place(&["lame_duck_grace_period", "lame_duck_duration"]),
            "`lame_duck_grace_period` must be below `lame_duck_duration`",
        ));
    }
    if options.ping_interval.is_zero() || options.write_deadline.is_zero() {
        faults.push(Fault::new(place(&["ping_interval", "write_deadline"]), "`ping_interval` and `write_deadline` must be above zero"));
    }
}

fn set_anonymous(anonymous: Option<(String, &Located)>, authorization: &mut Authorization, faults: &mut FaultList) {
    let Some((name, place)) = anonymous else { return };
    if !authorization.users.iter().any(|user| user.name == name) {
        let text = format!("`no_auth_user` names `{name}`, which is no user");
        return faults.push(Fault::with_remedy(&place.position, text, "add that user to `authorization.users`"));
    }
    authorization.anonymous_user = Some(name);
}

/// `host:port`, `:port` or a port alone.
fn listen(value: &Located, configuration: &mut Configuration, faults: &mut FaultList) {
    let text = match &value.value {
        Value::Integer(_) => return set(&mut configuration.port, port(value, faults)),
        _ => value.text(faults),
    };
    let Some(text) = text else { return };
    let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok().filter(|port| is_port(*port))?)));
    let Some((host, port)) = parts else {
        return faults.push(Fault::with_remedy(&value.position, format!("`{text}` is no address to listen on"), "write `host:port`"));
    };
    configuration.port = port;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if !host.is_empty() {
        configuration.host = host.to_owned();
    }
}

fn port(value: &Located, faults: &mut FaultList) -> Option<i64> {
    let port = value.integer(faults)?;
    if !is_port(port) {
        faults.push(Fault::new(&value.position, format!("{port} is no port; -1 takes any free one")));
    }
    Some(port)
}

fn is_port(port: i64) -> bool {
    (-1..=65535).contains(&port)
}

fn server_name(value: &Located, faults: &mut FaultList) -> Option<String> {
    let name = value.text(faults)?;
    if name.is_empty() || name.contains(char::is_whitespace) {
        faults.push(Fault::new(&value.position, "a server name is one word"));
    }
    Some(name)
}

/// 0 and less mean no limit, as in nats-server.
fn subscriptions_max(value: &Located, faults: &mut FaultList) -> Option<usize> {
    value.integer(faults).and_then(|number| usize::try_from(number).ok()).filter(|number| 0 < *number)
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}
