//! The command line.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

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
    /// Providers of models.
    Provider {
        #[command(subcommand)]
        verb: ProviderVerb,
    },
    /// The models that can answer.
    Model {
        #[command(subcommand)]
        verb: ModelVerb,
    },
    /// Accounts at platforms, on which people reach the models.
    Channel {
        #[command(subcommand)]
        verb: ChannelVerb,
    },
    /// What is remembered of all conversations.
    Memory {
        #[command(subcommand)]
        verb: MemoryVerb,
    },
    /// Who may write on them. Strangers are told a code; nobody else is answered.
    Pair {
        #[command(subcommand)]
        verb: PairVerb,
    },
    /// Keys of the API below `/v1`, which any OpenAI client speaks.
    Key {
        #[command(subcommand)]
        verb: KeyVerb,
    },
    /// Secrets in the vault: their names; never their values.
    Secret {
        #[command(subcommand)]
        verb: SecretVerb,
    },
    /// The vault's key and its audit log.
    Vault {
        #[command(subcommand)]
        verb: VaultVerb,
    },
    /// Read the configuration anew; services whose part changed start again, drained.
    Reload,
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

#[derive(Debug, Subcommand)]
pub(crate) enum ProviderVerb {
    /// Add a provider. Its key is asked for, or read from standard input, and goes into the vault.
    Add(ProviderAdd),
    /// Tell the configured providers.
    List,
    /// Ask a provider for its models, now.
    Test { name: String },
    /// Remove a provider, and its key from the vault.
    Remove { name: String },
}

#[derive(Debug, Args)]
pub(crate) struct ProviderAdd {
    /// How it is called from now on; `openai` and `anthropic` need nothing else.
    pub(crate) name: String,
    /// The protocol it speaks: `openai` or `anthropic` [default: as the name says, else openai].
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Where it is, up to and without `/chat/completions` or `/v1/messages` [default: the vendor's own].
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// A model that it offers; several times for several [default: it is asked].
    #[arg(long = "model", value_name = "MODEL")]
    pub(crate) models: Vec<String>,
    /// PEM file with further certificate authorities.
    #[arg(long, value_name = "FILE")]
    pub(crate) extra_ca_file: Option<PathBuf>,
    /// HTTP proxy on the way there.
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// It needs no key.
    #[arg(long)]
    pub(crate) no_key: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelVerb {
    /// Tell the models that can answer now.
    List,
    /// Let a model answer wherever nobody chose another.
    Use {
        /// As `argentum model list` tells it: `<provider>/<model>`.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ChannelVerb {
    /// Add an account. Its token or password is asked for, or read from standard input, and goes into the vault.
    Add {
        #[command(subcommand)]
        platform: PlatformAdd,
    },
    /// Tell the configured accounts.
    List,
    /// Remove an account, and its secret from the vault.
    Remove { name: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlatformAdd {
    /// A bot of Telegram; `@BotFather` there makes one and tells its token.
    Telegram {
        /// How the account is called from now on.
        #[arg(default_value = "telegram")]
        name: String,
        /// Where the Bot API is [default: Telegram's own address].
        #[arg(long, value_name = "URL")]
        api_url: Option<String>,
        /// Numeric id of somebody who may write from the start; several times for several.
        #[arg(long, value_name = "ID")]
        allow: Vec<String>,
    },
    /// An account on an IRC network.
    Irc {
        /// How the account is called from now on.
        #[arg(default_value = "irc")]
        name: String,
        /// Name or address of the server.
        #[arg(long)]
        server: String,
        /// Its port [default: 6697].
        #[arg(long)]
        port: Option<u16>,
        /// Do not encrypt the connection.
        #[arg(long)]
        no_tls: bool,
        /// PEM file with further certificate authorities.
        #[arg(long, value_name = "FILE")]
        extra_ca_file: Option<PathBuf>,
        /// The nick [default: argentum].
        #[arg(long)]
        nick: Option<String>,
        /// A channel to be in, such as `#tea`; several times for several.
        #[arg(long = "join", value_name = "CHANNEL")]
        channels: Vec<String>,
        /// The account at the network's services; its password is asked for.
        #[arg(long, value_name = "ACCOUNT")]
        sasl_account: Option<String>,
        /// Who may write from the start: `account:NAME`, `nick!user@host`, or a channel; several times for several.
        #[arg(long, value_name = "WHO")]
        allow: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MemoryVerb {
    /// Tell what is known about something, whoever said it.
    Search {
        /// Plain words.
        query: String,
        /// How many records.
        #[arg(long, short = 'n', default_value_t = 20)]
        lines: u32,
    },
    /// Forget for good; one of the ways to say what.
    #[command(group(clap::ArgGroup::new("what").required(true)))]
    Forget {
        /// A record, as `argentum memory search` tells it.
        #[arg(long, group = "what")]
        record: Option<String>,
        /// A conversation of an account, as `ACCOUNT/ID`.
        #[arg(long, group = "what", value_name = "ACCOUNT/ID")]
        conversation: Option<String>,
        /// What somebody said and was answered, as `ACCOUNT/ID`.
        #[arg(long, group = "what", value_name = "ACCOUNT/ID")]
        sender: Option<String>,
        /// Everything that was said longer ago than this, as `365days`.
        #[arg(long, group = "what", value_name = "DURATION", value_parser = humantime::parse_duration)]
        older_than: Option<Duration>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PairVerb {
    /// Tell who may write, and who asked to.
    List {
        /// Only of this account.
        account: Option<String>,
    },
    /// Let somebody in who was told a code.
    Approve {
        /// The code; with `--group` the group's id.
        // Telegram's groups have negative numbers.
        #[arg(allow_negative_numbers = true)]
        code: String,
        /// The account [default: the one that told the code].
        #[arg(long)]
        account: Option<String>,
        /// Let a group in, which takes `--account`.
        #[arg(long, requires = "account")]
        group: bool,
    },
    /// Let somebody in no longer, or forget a code.
    Revoke {
        /// A person's or group's id, or a code, as `argentum pair list` tells it.
        #[arg(allow_negative_numbers = true)]
        id: String,
        /// Only at this account.
        #[arg(long)]
        account: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyVerb {
    /// Make a key and show it, once.
    Create {
        /// What it is called: for whom or for what it is.
        name: String,
        /// How long it works, as `90days` or `12h` [default: until it is revoked].
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        expires_in: Option<Duration>,
    },
    /// Tell the names of all keys; never the keys.
    List,
    /// End a key, by its name or id.
    Revoke { key: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretVerb {
    /// Put a secret in, asked for or read from standard input; one of the same name is replaced.
    Put { name: String },
    /// Tell the names of all secrets.
    List,
    /// Remove a secret.
    Remove {
        name: String,
        /// Also where the configuration still names it.
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum VaultVerb {
    /// Make a key file for a new vault.
    CreateKey {
        /// Where; outside of the data directory.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Tell who asked for which secret, newest last.
    Audit {
        /// How many of the newest entries; 0 = as many as come at once (1,000).
        #[arg(long, short = 'n', default_value_t = 100)]
        lines: u32,
    },
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

#[derive(Clone, Debug, Args)]
pub(crate) struct Up {
    /// Address of page and API, instead of `http.listen`.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Address of the bus, instead of `bus.listen`.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) bus_listen: Option<SocketAddr>,
    /// The vault's key, instead of `vault.key_file`.
    #[arg(long, env = "ARGENTUM_VAULT_KEY_FILE", value_name = "FILE")]
    pub(crate) vault_key_file: Option<PathBuf>,
}
