//! nats-server's command line. Go reads flags with one dash or two, with `=` or a space before the value.

use std::ffi::OsString;
use std::path::PathBuf;

use thiserror::Error;

use super::signals::{Command, Process};
use crate::authentication::Credential;
use crate::conf::{Authorization, Configuration, Faults, HashShape, hash_shape};
use crate::permissions::Permissions;
use crate::secret::Secret;
use crate::users::User;

pub(super) const USAGE: &str = "\
Usage: argentum bus [options]

Server:
    -a, --addr, --net HOST       address to listen on (default: 0.0.0.0)
    -p, --port PORT              port for clients, -1 for any free one (default: 4222)
    -n, --name, --server_name N  server name (default: random)
    -P, --pid FILE               file to store the process id in
    -c, --config FILE            configuration file
    -t                           test the configuration and exit
    -sl, --signal CMD=PID        send ldm, stop, quit, term, reopen or reload to a process; PID may be a pid file
    -sd, --store_dir DIR         accepted and unused: nothing is stored

Logging:
    -l, --log FILE               log file instead of stderr
    -T, --logtime BOOL           time in log lines (default: true)
    -D, --debug                  debug output
    -V, --trace                  trace the protocol
    -DV                          both

Authorization:
    --user USER, --pass PASSWORD the one user
    --auth TOKEN                 the one token

    -h, --help                   this text
    -v, --version                the version";

const CORE_ONLY: &str = "this server is core NATS; use a real nats-server for it";

/// Flags of nats-server that this server refuses by name.
const UNSUPPORTED: [(&[&str], &str); 5] = [
    (
        &[
            "js",
            "jetstream",
            "cluster",
            "cluster_name",
            "cluster_listen",
            "cluster_advertise",
            "routes",
            "no_advertise",
            "connect_retries",
            "client_advertise",
        ],
        CORE_ONLY,
    ),
    (&["m", "http_port", "ms", "https_port", "profile"], "it has no monitoring port"),
    (&["tls", "tlscert", "tlskey", "tlsverify", "tlscacert", "help_tls"], "write a `tls` section into the configuration"),
    (&["s", "syslog", "r", "remote_syslog", "log_size_limit"], "log to stderr or to a file"),
    (&["VV", "DVV", "logtime_utc", "max_traced_msg_len", "ports_file_dir"], "leave it out"),
];

/// What the command line says.
#[derive(Default)]
pub(super) struct Arguments {
    pub(super) action: Action,
    pub(super) config: Option<PathBuf>,
    host: Option<String>,
    port: Option<i64>,
    server_name: Option<String>,
    pid_file: Option<PathBuf>,
    log_file: Option<PathBuf>,
    has_time: Option<bool>,
    is_debug: Option<bool>,
    is_trace: Option<bool>,
    user: Option<String>,
    password: Option<String>,
    token: Option<String>,
}

/// What is to be done.
#[derive(Default)]
pub(super) enum Action {
    #[default]
    Serve,
    Test,
    Signal {
        command: Command,
        process: Process,
    },
    Version,
    Help,
}

/// What is wrong with the command line.
#[derive(Debug, Error)]
pub(super) enum ArgumentError {
    #[error("flag provided but not defined: -{0}")]
    Unknown(String),
    #[error("flag -{0} is not supported; {1}")]
    Unsupported(String, &'static str),
    #[error("flag needs an argument: -{0}")]
    Missing(String),
    #[error("invalid value \"{1}\" for flag -{0}")]
    Invalid(String, String),
    #[error("unrecognized command: \"{0}\"")]
    Positional(String),
    #[error("arguments must be UTF-8")]
    Encoding,
}

// === impl Arguments ===

impl Arguments {
    pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, ArgumentError> {
        let mut parsed = Self::default();
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            let argument = argument.into_string().map_err(|_| ArgumentError::Encoding)?;
            let Some(flag) = argument.strip_prefix("--").or_else(|| argument.strip_prefix('-')).filter(|flag| !flag.is_empty()) else {
                return Err(ArgumentError::Positional(argument));
            };
            let (name, inline) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value.to_owned())));
            if parsed.switch(name, inline.as_deref())? {
                continue;
            }
            let is_known = parsed.takes_value(name)?;
            debug_assert!(is_known, "an unknown flag is an error");
            let value = match inline {
                Some(value) => value,
                None => rest
                    .next()
                    .ok_or_else(|| ArgumentError::Missing(name.to_owned()))?
                    .into_string()
                    .map_err(|_| ArgumentError::Encoding)?,
            };
            parsed.set(name, value)?;
        }
        Ok(parsed)
    }

    /// Takes a flag that needs no value; false where the name is another flag.
    fn switch(&mut self, name: &str, value: Option<&str>) -> Result<bool, ArgumentError> {
        let is_on = || boolean(name, value.unwrap_or("true"));
        match name {
            "D" | "debug" => self.is_debug = Some(is_on()?),
            "V" | "trace" => self.is_trace = Some(is_on()?),
            "DV" => (self.is_debug, self.is_trace) = (Some(is_on()?), Some(is_on()?)),
            "T" | "logtime" => self.has_time = Some(is_on()?),
            "t" => self.action = Action::Test,
            "v" | "version" => self.action = Action::Version,
            "h" | "help" => self.action = Action::Help,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn takes_value(&self, name: &str) -> Result<bool, ArgumentError> {
        const VALUED: [&str; 21] = [
            "a",
            "addr",
            "net",
            "p",
            "port",
            "n",
            "name",
            "server_name",
            "P",
            "pid",
            "l",
            "log",
            "c",
            "config",
            "user",
            "pass",
            "auth",
            "sd",
            "store_dir",
            "sl",
            "signal",
        ];
        if VALUED.contains(&name) {
            return Ok(true);
        }
        match UNSUPPORTED.iter().find(|(names, _)| names.contains(&name)) {
            Some((_, remedy)) => Err(ArgumentError::Unsupported(name.to_owned(), remedy)),
            None => Err(ArgumentError::Unknown(name.to_owned())),
        }
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), ArgumentError> {
        match name {
            "a" | "addr" | "net" => self.host = Some(value),
            "p" | "port" => self.port = Some(port(name, value)?),
            "n" | "name" | "server_name" => self.server_name = Some(value),
            "P" | "pid" => self.pid_file = Some(value.into()),
            "l" | "log" => self.log_file = Some(value.into()),
            "c" | "config" => self.config = Some(value.into()),
            "user" => self.user = Some(value),
            "pass" => self.password = Some(value),
            "auth" => self.token = Some(value),
            "sl" | "signal" => self.action = signal(name, value)?,
            // `store_dir`: nothing is stored here.
            _ => {}
        }
        Ok(())
    }

    /// The configuration file, if any, with the command line laid over it.
    pub(super) fn configuration(&self) -> Result<Configuration, Faults> {
        let mut configuration = self.config.as_deref().map_or_else(|| Ok(Configuration::default()), Configuration::load)?;
        overlay(&mut configuration.host, self.host.as_ref());
        overlay(&mut configuration.port, self.port.as_ref());
        overlay(&mut configuration.options.server_name, self.server_name.as_ref());
        overlay(&mut configuration.log.has_time, self.has_time.as_ref());
        overlay(&mut configuration.log.is_debug, self.is_debug.as_ref());
        overlay(&mut configuration.log.is_trace, self.is_trace.as_ref());
        configuration.log.file = self.log_file.clone().or(configuration.log.file);
        configuration.pid_file = self.pid_file.clone().or(configuration.pid_file);
        if let Some(user) = self.user() {
            // As in nats-server: credentials on the command line replace those of the file.
            let timeout = configuration.authorization.timeout;
            configuration.authorization = Authorization { users: vec![user], anonymous_user: None, timeout };
        }
        Ok(configuration)
    }

    fn user(&self) -> Option<User> {
        let secret = |text: &String| Secret::from(text.as_str());
        let is_hash = |text: &String| hash_shape(text) != HashShape::Plain;
        let (name, credential) = match (&self.user, &self.password, &self.token) {
            (_, _, Some(token)) if is_hash(token) => ("token".to_owned(), Credential::TokenHash(token.clone())),
            (_, _, Some(token)) => ("token".to_owned(), Credential::Token(secret(token))),
            (Some(user), Some(password), None) if is_hash(password) => {
                (user.clone(), Credential::PasswordHash { user: user.clone(), hash: password.clone() })
            }
            (Some(user), password, None) => {
                let password = password.as_ref().map_or_else(|| "".into(), secret);
                (user.clone(), Credential::Password { user: user.clone(), password })
            }
            (None, _, None) => return None,
        };
        Some(User { name, credential, permissions: Permissions::all() })
    }
}

fn overlay<T: Clone>(field: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        field.clone_from(value);
    }
}

fn boolean(name: &str, value: &str) -> Result<bool, ArgumentError> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(ArgumentError::Invalid(name.to_owned(), value.to_owned())),
    }
}

/// 0 stands for the default port, as in nats-server.
fn port(name: &str, value: String) -> Result<i64, ArgumentError> {
    match value.parse() {
        Ok(0) => Ok(4222),
        Ok(port @ -1..=65535) => Ok(port),
        _ => Err(ArgumentError::Invalid(name.to_owned(), value)),
    }
}

/// `ldm=PID`, where PID is a number or a file that holds one.
fn signal(name: &str, value: String) -> Result<Action, ArgumentError> {
    let (command, process) = value.split_once('=').unwrap_or((&value, ""));
    let command = Command::parse(command);
    let process = Process::parse(process);
    match (command, process) {
        (Some(command), Some(process)) => Ok(Action::Signal { command, process }),
        _ => Err(ArgumentError::Invalid(name.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, String> {
        Arguments::parse(arguments.iter().map(OsString::from)).map_err(|error| error.to_string())
    }

    fn configuration(arguments: &[&str]) -> Configuration {
        parse(arguments).unwrap().configuration().unwrap_or_else(|faults| panic!("{faults}"))
    }

    #[test]
    fn the_command_lines_of_the_official_suites_are_understood() {
        let rust = configuration(&["--store_dir", "d", "-p", "-1", "-l", "log", "-P", "pid"]);
        assert_eq!((rust.port, rust.log.file, rust.pid_file), (-1, Some("log".into()), Some("pid".into())));
        let python = configuration(&["--addr", "127.0.0.1", "--port", "-1", "--debug", "--server_name", "me"]);
        assert_eq!(
            (python.host.as_str(), python.port, python.log.is_debug, python.options.server_name.as_str()),
            ("127.0.0.1", -1, true, "me")
        );
        let go = configuration(&["-a=127.0.0.1", "-DV", "--user=derek", "-pass", "porkchop"]);
        assert!(go.log.is_debug && go.log.is_trace && go.authorization.users[0].name == "derek");
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        let error = |arguments: &[&str]| parse(arguments).err().unwrap_or_default();
        assert!(error(&["-js"]).starts_with("flag -js is not supported"));
        assert!(error(&["-m", "8222"]).starts_with("flag -m is not supported"));
        assert_eq!(error(&["--bogus"]), "flag provided but not defined: -bogus");
        assert_eq!(error(&["-p"]), "flag needs an argument: -p");
        assert_eq!(error(&["-p", "x"]), "invalid value \"x\" for flag -p");
        assert_eq!(error(&["serve"]), "unrecognized command: \"serve\"");
        assert_eq!(error(&["--signal", "ldm"]), "invalid value \"ldm\" for flag -signal");
    }

    #[test]
    fn a_password_that_looks_like_a_hash_is_compared_as_one() {
        let users = configuration(&["--user", "a", "--pass", "$2a$04$broken"]).authorization.users;
        assert!(matches!(users[0].credential, Credential::PasswordHash { .. }));
        let users = configuration(&["--auth", "t"]).authorization.users;
        assert!(matches!(users[0].credential, Credential::Token(_)));
    }
}
