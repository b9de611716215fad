//! The command line.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

/// A self-hosted AI workspace: talk to the models you choose from the apps you use.
///
/// Exit codes: 0 done, 64 usage, 69 not running or not available, 70 defect, 73 cannot create, 74 input/output, 75 already running
/// or busy, 77 not allowed, 78 configuration.
#[derive(Debug, Parser)]
#[command(name = "argentum", version, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Where all data lives [default: $XDG_DATA_HOME/argentum, else ~/.local/share/argentum].
    #[arg(long, global = true, env = "ARGENTUM_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The configuration [default: argentum.toml in the data directory].
    #[arg(long, global = true, env = "ARGENTUM_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run the bundle in the foreground until it is told to end.
    Up(Up),
    /// Tell the running bundle to end, drained, and wait until it has.
    Stop,
    /// Tell the state of the bundle and of each service.
    Status(Status),
    /// Print a link that logs one browser in to the page, once, within ten minutes.
    Login,
    /// End one service, drained, and start it again; also one that was given up.
    Restart { service: String },
    /// Tell what the services wrote, oldest first.
    Logs(Logs),
    /// Tell the version.
    Version,
    /// Look at the configuration; nothing is started or changed.
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
    /// Run the bus server alone; takes nats-server's arguments. `bus permissions` tells who may do what on the bundle's bus.
    #[command(disable_help_flag = true)]
    Bus {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
        arguments: Vec<OsString>,
    },
    /// Run one service; started by `up`, not by hand.
    #[command(hide = true)]
    Service { name: String },
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Exit with 69 unless the bundle is ready: for the health checks of containers.
    #[arg(long)]
    pub(crate) ready: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// Only of this service.
    pub(crate) service: Option<String>,
    /// How many of the newest lines; 0 = all that are kept (8 MiB).
    #[arg(long, short = 'n', default_value_t = 200)]
    pub(crate) lines: u32,
    /// Go on with new lines until Ctrl-C.
    #[arg(long, short)]
    pub(crate) follow: bool,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Tell everything that is wrong with it; exit 78 where something is.
    Check,
    /// Tell it as it holds, defaults included.
    Show,
    /// Its JSON schema, for editors.
    Schema,
    /// Its reference page, as Markdown.
    #[command(hide = true)]
    Reference,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Address of page and API, instead of `http.listen`.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Address of the bus, instead of `bus.listen`.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) bus_listen: Option<SocketAddr>,
}
