//! `argentum channel`: accounts at platforms.

use std::{path::Path, time::Duration};

use argentum_channel_gateway::Channel;
use argentum_proto::control::v1::{GetStatusRequest, operator_request::Request};
use argentum_service::{
    Exit, Failure,
    health::{self, LOGIN_PENDING, LOGIN_REFUSED},
};
use serde_json::json;
use tokio::time::{Instant, sleep};
use toml_edit::{TableLike, value};

use super::{
    control::{self, answer},
    pair, reload, secret,
};
use crate::{
    arguments::{ChannelVerb, Global, PlatformAdd},
    config::File,
    editing::{Editing, set, set_list},
    output, prompt,
};

/// Where the configuration keeps them.
const TABLE: [&str; 2] = ["channel_gateway", "channels"];

/// How long a platform may take to let in an account that was added.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) async fn run(global: &Global, verb: ChannelVerb) -> Result<(), Failure> {
    match verb {
        ChannelVerb::Add { platform } => add(global, platform).await,
        ChannelVerb::List => list(global),
        ChannelVerb::Remove { name } => remove(global, &name).await,
    }
}

async fn add(global: &Global, platform: PlatformAdd) -> Result<(), Failure> {
    let mut editing = Editing::begin(global)?;
    let name = platform.name().to_owned();
    if editing.file()?.channel_gateway.channels.contains_key(&name) {
        let text = format!("there is an account `{name}` already; give this one another name, or `argentum channel remove {name}`");
        return Err(Failure::new(Exit::Usage, text));
    }
    let secret_name = format!("channel/{name}");
    let wanted = platform.fill(editing.table(&[TABLE[0], TABLE[1], &name])?, &secret_name);
    // A wrong address is told before anybody types a token.
    editing.file()?;
    let data_dir = global.data_dir()?;
    if let Some(wanted) = wanted {
        secret::check_runs(&data_dir).await?;
        secret::put(&data_dir, &secret_name, &prompt::secret(&format!("{wanted} of `{name}`"))?).await?;
    }
    editing.save()?;
    let is_running = reload::apply(global).await?;
    let fault = if is_running { trouble_of(&data_dir, &name).await? } else { None };
    if global.json {
        output::print_json(&json!({ "added": name, "running": is_running, "fault": fault }));
        return Ok(());
    }
    output::print(&match fault {
        Some(fault) => format!("account `{name}` is added, but {fault}"),
        None => {
            let when = if is_running { "now" } else { "from the next start of the bundle on" };
            format!("account `{name}` is added and used {when}; `argentum pair list` tells who asks to write")
        }
    });
    Ok(())
}

/// What keeps the account outside, where it is not let in soon.
async fn trouble_of(data_dir: &Path, name: &str) -> Result<Option<String>, Failure> {
    let (pending, refused) = (health::about(LOGIN_PENDING, name), health::about(LOGIN_REFUSED, name));
    let end = Instant::now() + PATIENCE;
    loop {
        let status = control::ask(data_dir, Request::GetStatus(GetStatusRequest {}), answer!(GetStatus)).await?;
        let holds = |code: &String| status.services.iter().any(|service| service.health.contains(code));
        match (holds(&refused), holds(&pending)) {
            (true, _) => return Ok(Some(health::meaning(&refused))),
            (false, false) => return Ok(None),
            (false, true) if end < Instant::now() => return Ok(Some(health::meaning(&pending))),
            (false, true) => sleep(PAUSE).await,
        }
    }
}

fn list(global: &Global) -> Result<(), Failure> {
    let channels = File::read(global)?.channel_gateway.channels;
    if global.json {
        output::print_json(&json!({ "channels": channels }));
        return Ok(());
    }
    if channels.is_empty() {
        output::print("no account is configured; `argentum channel add telegram` or `irc` adds one");
    }
    for (name, channel) in &channels {
        output::print(&match channel {
            Channel::Telegram(_) => format!("{name}  telegram"),
            Channel::Irc(irc) => format!("{name}  irc  {}:{} as {}", irc.server, irc.port, irc.nick),
        });
    }
    Ok(())
}

async fn remove(global: &Global, name: &str) -> Result<(), Failure> {
    let mut editing = Editing::begin(global)?;
    if !editing.file()?.channel_gateway.channels.contains_key(name) {
        return Err(Failure::new(Exit::Usage, format!("there is no account `{name}`; `argentum channel list` tells them")));
    }
    let guests = pair::guests(global, name).await;
    editing.table(&TABLE)?.remove(name);
    editing.save()?;
    let is_running = reload::apply(global).await?;
    let secret_name = format!("channel/{name}");
    // One that is not there is no fault: not every account has one.
    let is_secret_removed = is_running && secret::remove(&global.data_dir()?, &secret_name).await.is_ok();
    if global.json {
        output::print_json(&json!({ "removed": name, "secret_removed": is_secret_removed, "guests": guests }));
        return Ok(());
    }
    output::print(&format!("account `{name}` is removed"));
    if let Some(kept) = kept(name, guests) {
        output::print(&kept);
    }
    Ok(())
}

/// What is said of those who stay paired with an account that is removed.
fn kept(name: &str, guests: Option<usize>) -> Option<String> {
    let who = match guests {
        Some(0) => return None,
        Some(1) => "one person or group stays".to_owned(),
        Some(count) => format!("{count} people and groups stay"),
        None => "whoever was paired with it stays".to_owned(),
    };
    Some(format!(
        "{who} paired, and may write again once an account `{name}` is added: `argentum pair list {name}` tells them, \
         `argentum pair revoke --account {name} ID` lets one in no longer"
    ))
}

// === impl PlatformAdd ===

impl PlatformAdd {
    fn name(&self) -> &str {
        match self {
            PlatformAdd::Telegram { name, .. } | PlatformAdd::Irc { name, .. } => name,
        }
    }

    /// Writes the account's table; returns what has to be asked for.
    fn fill(self, table: &mut dyn TableLike, secret_name: &str) -> Option<&'static str> {
        let reference = format!("vault:{secret_name}");
        match self {
            PlatformAdd::Telegram { api_url, allow, .. } => {
                table.insert("kind", value("telegram"));
                table.insert("token", value(reference));
                set(table, "api_url", api_url);
                set_list(table, "allow", &allow);
                Some("token")
            }
            PlatformAdd::Irc { server, port, no_tls, extra_ca_file, nick, channels, sasl_account, allow, .. } => {
                table.insert("kind", value("irc"));
                table.insert("server", value(server));
                set(table, "port", port.map(i64::from));
                set(table, "tls", no_tls.then_some(false));
                set(table, "extra_ca_file", extra_ca_file.map(|path| path.display().to_string()));
                set(table, "nick", nick);
                set_list(table, "channels", &channels);
                set_list(table, "allow", &allow);
                let account = sasl_account?;
                table.insert("sasl", value("plain"));
                table.insert("account", value(account));
                table.insert("password", value(reference));
                Some("password")
            }
        }
    }
}
