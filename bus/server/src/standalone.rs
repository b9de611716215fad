//! The server as a program of its own: nats-server's arguments, configuration, log lines and signals.

mod arguments;
mod log;
mod reload;
mod signals;

use std::ffi::OsString;
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::ExitCode;

use tracing::{error, info, warn};

use crate::conf::Configuration;
use crate::server::Server;
use crate::users::User;
use crate::wire::COMPATIBLE_VERSION;
use arguments::{Action, Arguments};
use log::{Log, fatal};
use signals::{Signals, Trapped};

/// Runs a server with nats-server's command-line arguments (without the program's name) until a signal ends it.
///
/// Log lines go to stderr or to the log file in nats-server's form, so that what starts and watches a nats-server can start and watch this. It sets
/// the process's tracing subscriber, unless one is set already.
pub async fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::parse(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error.to_string()),
    };
    match &arguments.action {
        Action::Help => println!("{}", arguments::USAGE),
        Action::Version => println!("nats-server: v{COMPATIBLE_VERSION} (compatible: argentum-bus-server {})", env!("CARGO_PKG_VERSION")),
        Action::Signal { command, process } => match signals::send(*command, process) {
            Ok(()) => {}
            Err(text) => return refuse(&text),
        },
        Action::Test | Action::Serve => return start(&arguments).await,
    }
    ExitCode::SUCCESS
}

fn refuse(text: &str) -> ExitCode {
    eprintln!("nats-server: {text}");
    ExitCode::FAILURE
}

async fn start(arguments: &Arguments) -> ExitCode {
    let configuration = match arguments.configuration() {
        Ok(configuration) => configuration,
        Err(faults) => return refuse(&faults.to_string()),
    };
    if matches!(arguments.action, Action::Test) {
        println!("nats-server: configuration file {} is valid", arguments.config.as_deref().unwrap_or("(none)".as_ref()).display());
        return ExitCode::SUCCESS;
    }
    let log = match Log::start(&configuration.log) {
        Ok(log) => log,
        Err(error) => return refuse(&format!("failed to open the log file: {error}")),
    };
    match serve(arguments, configuration, &log).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            fatal(&text);
            ExitCode::FAILURE
        }
    }
}

/// Serves until a signal says stop.
async fn serve(arguments: &Arguments, mut configuration: Configuration, log: &Log) -> Result<(), String> {
    let mut signals = Signals::listen().map_err(|error| format!("failed to listen for signals: {error}"))?;
    let address = resolve(&configuration)?;
    info!("Starting nats-server compatible bus, version {}", env!("CARGO_PKG_VERSION"));
    info!("  Version:  {COMPATIBLE_VERSION}");
    info!("  PID:      {}", std::process::id());
    let users = std::mem::take(&mut configuration.authorization.users);
    let mut reload = reload::Reload::new(&configuration, &users);
    let server = start_server(address, &configuration, users).await?;
    if let Some(path) = &configuration.pid_file {
        std::fs::write(path, std::process::id().to_string())
            .map_err(|error| format!("failed to write the pid file `{}`: {error}", path.display()))?;
    }
    let farewell = configuration.farewell;
    let mut leaving = Box::pin(std::future::pending::<()>()) as std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>>;
    let mut is_lame_duck = false;
    loop {
        let trapped = tokio::select! {
            trapped = signals.next() => trapped,
            () = &mut leaving => break,
        };
        info!("Trapped \"{trapped}\" signal");
        match trapped {
            Trapped::Interrupt => break,
            // A farewell under way is not cut short, as in nats-server.
            Trapped::Terminate if is_lame_duck => {}
            Trapped::Terminate => break,
            Trapped::User1 => log.reopen(),
            Trapped::User2 if is_lame_duck => {}
            Trapped::User2 => {
                is_lame_duck = true;
                leaving = Box::pin(server.lame_duck(farewell));
            }
            Trapped::Hangup => reload_users(arguments, &mut reload, &server),
        }
    }
    drop(leaving);
    info!("Initiating Shutdown...");
    server.stop().await;
    if let Some(path) = &configuration.pid_file {
        // A file that is gone already says the same.
        let _ = std::fs::remove_file(path);
    }
    info!("Server Exiting..");
    Ok(())
}

async fn start_server(address: SocketAddr, configuration: &Configuration, users: Vec<User>) -> Result<Server, String> {
    let authorization = &configuration.authorization;
    let mut options = configuration.options.clone();
    options.address = address;
    options.auth_required = !users.is_empty();
    options.anonymous_user.clone_from(&authorization.anonymous_user);
    options.auth_timeout = authorization.timeout.unwrap_or(options.auth_timeout);
    let start = Server::start_with(options, users).await;
    start.map_err(|error| {
        let cause = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        format!("Error listening on port: {address}, {error}{cause}")
    })
}

fn reload_users(arguments: &Arguments, reload: &mut reload::Reload, server: &Server) {
    match arguments.configuration() {
        Ok(configuration) => {
            let report = reload.apply(configuration, server.users());
            report.refused.iter().for_each(|text| warn!("Reload: {text}"));
            info!("Reloaded: authorization users: {} added or changed, {} removed", report.changed, report.removed);
        }
        Err(faults) => error!("Failed to reload server configuration: {faults}"),
    }
}

/// The first address of the host; IPv4 first, because clients that say `localhost` mostly mean that.
fn resolve(configuration: &Configuration) -> Result<SocketAddr, String> {
    let Configuration { host, port, .. } = configuration;
    let port = u16::try_from(*port).unwrap_or(0);
    let addresses = (host.as_str(), port).to_socket_addrs().map_err(|error| format!("failed to resolve `{host}`: {error}"))?;
    let mut addresses: Vec<SocketAddr> = addresses.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.first().copied().ok_or_else(|| format!("`{host}` has no address"))
}
