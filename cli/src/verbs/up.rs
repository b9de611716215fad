//! `argentum up`: the bundle in the foreground.

use std::{
    env,
    io::{self, IsTerminal},
    path::{self, PathBuf},
};

use argentum_orchestrator::{Plan, UpOptions, up};
use argentum_proto::control::v1::GetStatusResponse;
use argentum_service::{Exit, Failure, config::Section};

use super::login;
use crate::{
    arguments::{Global, Up},
    config::File,
    output, paths,
};

pub(crate) fn run(global: &Global, arguments: &Up) -> Result<(), Failure> {
    let data_dir = global.data_dir()?;
    let (global, mut arguments, told) = (global.clone(), arguments.clone(), data_dir.clone());
    // A path on the command line means what it means to the shell that it was typed in.
    let from_here = |path: PathBuf| path::absolute(path).map_err(|error| Failure::of(Exit::Config, &error));
    arguments.vault_key_file = arguments.vault_key_file.map(from_here).transpose()?;
    up(UpOptions {
        data_dir,
        read_plan: Box::new(move || plan(&global, &arguments)),
        on_ready: Box::new(move |status| welcome(status, told)),
    })
}

/// The file, with what the command line sets instead.
fn plan(global: &Global, arguments: &Up) -> Result<Plan, Failure> {
    let mut file = File::read(global)?;
    file.http.listen = arguments.listen.unwrap_or(file.http.listen);
    file.bus.listen = arguments.bus_listen.unwrap_or(file.bus.listen);
    file.vault.key_file = arguments.vault_key_file.clone().or_else(credential).or(file.vault.key_file);
    file.vault.key_folder = file.vault.key_folder.or_else(paths::config_folder);
    // What the command line sets is held to the same rules.
    let faults: Vec<String> = file.rules().into_iter().map(|(key, text)| format!("`{key}`: {text}")).collect();
    if !faults.is_empty() {
        return Err(Failure::new(Exit::Config, faults.join("\n")));
    }
    Ok(file.plan())
}

/// The vault's key where systemd hands it over (systemd.exec(5), `LoadCredential=`).
fn credential() -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os("CREDENTIALS_DIRECTORY")?).join("argentum-vault-key");
    path.exists().then_some(path)
}

/// Says where everything is, once it is there: the link itself only to a terminal, since what else reads this may keep it.
fn welcome(status: &GetStatusResponse, data_dir: PathBuf) {
    output::print(&format!("argentum {} is ready: {}", status.version, status.http_url));
    if !io::stdout().is_terminal() {
        return output::print("`argentum login` prints a link to log in with");
    }
    tokio::spawn(async move {
        match login::link(&data_dir).await {
            Ok(issued) => output::print(&format!("log in within ten minutes: {}\nPress Ctrl-C to end it.", issued.link)),
            Err(failure) => output::print(&format!("no login link: {}; try `argentum login`", failure.text)),
        }
    });
}
